"""Seeded chance that is the same on every machine and in every process."""

from __future__ import annotations

import hashlib
import unicodedata
from random import Random

#: p5's ``randomSeed`` and Tone's helpers take any 32-bit integer.
SEED_BITS = 32


def fingerprint(text: str, seed: int) -> int:
    """Return a number that stands for ``text`` (whatever its case and spacing) and ``seed``."""
    normal = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    digest = hashlib.sha256(f"{seed}\n{normal}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def stream(root: int, purpose: str) -> Random:
    """Return the source of chance for one ``purpose``, so that a new use of chance never shifts the others."""
    digest = hashlib.sha256(f"{root}:{purpose}".encode()).digest()
    return Random(int.from_bytes(digest[:8], "big"))
