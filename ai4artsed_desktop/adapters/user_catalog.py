"""Adds entries to a person's own catalogue; nothing that is there is ever replaced."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.storage.atomic import write_atomically

_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class AddedOutput:
    """What was added: the output config's id and both files."""

    config_id: str
    chunk_path: Path
    config_path: Path


def entry_name(text: str) -> str:
    """Return ``text`` as the name of a catalogue file: lower-case ASCII, digits and ``_``; never empty."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_A_NAME.sub("_", ascii_text).strip("_")[:_LONGEST_NAME].strip("_") or "workflow"


def add_output(
    catalog: Path,
    title: str,
    make: Callable[[str], tuple[Mapping[str, Any], Mapping[str, Any]]],
    is_taken: Callable[[str], bool],
) -> AddedOutput:
    """Write a chunk and the output config that uses it. Blocks.

    Args:
        catalog: The person's catalogue folder.
        title: What the person calls it; the id is made from it, with a number if it is taken.
        make: Returns (chunk, config) for an id; the chunk's name is ``output_<id>``.
        is_taken: Whether an output config or chunk of that name exists anywhere.

    Raises:
        StorageError: A file could not be written.
    """
    wanted = entry_name(title)
    number = 1
    config_id = wanted
    while is_taken(config_id) or is_taken(f"output_{config_id}") or (catalog / _config(config_id)).exists():
        number += 1
        config_id = f"{wanted}_{number}"
    chunk, config = make(config_id)
    chunk_path, config_path = catalog / "chunks" / f"output_{config_id}.json", catalog / _config(config_id)
    # The chunk first: a config without its chunk would be an error, a chunk without a config is only unused.
    for path, content in ((chunk_path, chunk), (config_path, config)):
        write_atomically(path, (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace"))
    return AddedOutput(config_id, chunk_path, config_path)


def _config(config_id: str) -> Path:
    return Path("configs") / "output" / f"{config_id}.json"
