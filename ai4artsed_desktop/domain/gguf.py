"""What a GGUF model file says about itself in its header. Pure: bytes in, facts out.

Format: ``docs/gguf.md`` of the ggml project, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import cast

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)

#: Generous bounds; a file beyond them is damaged (the largest published models have some 2,000 tensors).
_MAX_ENTRIES = 100_000
_MAX_DIMENSIONS = 4
_MAX_NESTING = 3

#: struct codes of the fixed-size metadata types, by type number.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

#: ``general.file_type`` → name. Source: ``enum llama_ftype`` in llama.h.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
}  # fmt: skip

#: Tensor type → (weights per block, bytes per block). Source: ``type_traits`` in ggml.c.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


class GgufError(ValueError):
    """The bytes are no GGUF header that we can read."""


class GgufIncompleteError(GgufError):
    """The header goes on after the given bytes: give more, or the file is cut."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Facts from a header.

    Attributes:
        architecture: Such as ``llama``; ``clip`` is a picture encoder, not a text model.
        quantisation: Such as ``Q4_K_M``, or None if the file does not say.
        parameters: Number of weights in this file.
        cache_bytes_per_token: Memory that each token of the context takes in the model's cache (f16), by a guess from
            above; None if the file does not say how the model is built.
        file_bytes: The file must be at least this long, or weights are missing.
        shard: (number from 0, count) when the model is cut into several files.
    """

    architecture: str
    name: str | None
    quantisation: str | None
    context_tokens: int | None
    parameters: int
    has_chat_template: bool
    languages: tuple[str, ...]
    licence: str | None
    file_bytes: int
    cache_bytes_per_token: int | None = None
    shard: tuple[int, int] = (0, 1)


def parse_gguf_header(data: bytes) -> GgufHeader:
    """Read the header at the start of a file.

    Args:
        data: The file's first bytes; headers of models with large vocabularies have 10 MB and more.

    Raises:
        GgufIncompleteError: The header is longer than ``data``.
        GgufError: This is no GGUF file, or a damaged one.
    """
    if not _MAGIC.startswith(data[:4]):
        raise GgufError("the file does not begin with GGUF")
    reader = _Reader(data)
    reader.skip(len(_MAGIC))
    if (version := reader.number("I")) not in _VERSIONS:
        raise GgufError(f"GGUF version {version} is not known")
    tensors, entries = reader.number("Q"), reader.number("Q")
    if tensors > _MAX_ENTRIES or entries > _MAX_ENTRIES:
        raise GgufError(f"{tensors} tensors and {entries} entries cannot be right")
    facts: dict[str, object] = {}
    for _ in range(entries):
        key = reader.text()
        facts[key] = reader.value(reader.number("I"), depth=0)
    parameters, data_bytes = _read_tensors(reader, tensors)
    alignment = _positive(facts, "general.alignment") or 32
    data_start = -(-reader.position // alignment) * alignment
    return _header(facts, parameters, data_start + data_bytes)


def _header(facts: dict[str, object], parameters: int, file_bytes: int) -> GgufHeader:
    architecture = facts.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise GgufError("the header names no architecture")
    name, licence, languages = (facts.get(f"general.{key}") for key in ("name", "license", "languages"))
    file_type = facts.get("general.file_type")
    shard_number = facts.get("split.no")
    return GgufHeader(
        architecture=architecture,
        name=name if isinstance(name, str) else None,
        quantisation=_FILE_TYPES.get(file_type) if isinstance(file_type, int) else None,
        context_tokens=_positive(facts, f"{architecture}.context_length"),
        parameters=parameters,
        has_chat_template=isinstance(facts.get("tokenizer.chat_template"), str),
        languages=tuple(str(item) for item in cast(tuple[object, ...], languages))
        if isinstance(languages, tuple)
        else (),
        licence=licence if isinstance(licence, str) else None,
        file_bytes=file_bytes,
        cache_bytes_per_token=_cache_bytes(facts, architecture),
        shard=(shard_number if isinstance(shard_number, int) else 0, _positive(facts, "split.count") or 1),
    )


def _cache_bytes(facts: dict[str, object], architecture: str) -> int | None:
    """Keys and values of every layer, two bytes each. Layers that keep less (sliding windows) are counted in full."""

    def of(name: str) -> int | None:
        return _positive(facts, f"{architecture}.{name}")

    layers, heads, width = of("block_count"), of("attention.head_count"), of("embedding_length")
    if layers is None or heads is None or width is None:
        return None
    key, value = of("attention.key_length") or width // heads, of("attention.value_length") or width // heads
    return layers * (of("attention.head_count_kv") or heads) * (key + value) * 2


def _positive(facts: dict[str, object], key: str) -> int | None:
    value = facts.get(key)
    return value if isinstance(value, int) and value > 0 else None


def _read_tensors(reader: _Reader, count: int) -> tuple[int, int]:
    """Return the number of weights, and the length of the data section they need."""
    parameters = data_bytes = 0
    for _ in range(count):
        reader.skip_text()
        dimensions = reader.number("I")
        if dimensions > _MAX_DIMENSIONS:
            raise GgufError(f"a tensor with {dimensions} dimensions")
        weights = prod(reader.number("Q") for _ in range(dimensions))
        kind, offset = reader.number("I"), reader.number("Q")
        # A type newer than this table adds only what is certain: where its data begins.
        block_weights, block_bytes = _BLOCKS.get(kind, (1, 0))
        parameters += weights
        data_bytes = max(data_bytes, offset + weights // block_weights * block_bytes)
    return parameters, data_bytes


class _Reader:
    """Walks over the bytes; every step that would leave them raises GgufIncompleteError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def skip(self, count: int) -> None:
        if count > len(self._data) - self.position:
            raise GgufIncompleteError(f"{count} bytes expected at {self.position}, the data ends at {len(self._data)}")
        self.position += count

    def number(self, code: str) -> int:
        start = self.position
        self.skip(struct.calcsize(f"<{code}"))
        return struct.unpack_from(f"<{code}", self._data, start)[0]

    def text(self) -> str:
        length = self.number("Q")
        start = self.position
        self.skip(length)
        return self._data[start : self.position].decode("utf-8", errors="replace")

    def skip_text(self) -> None:
        self.skip(self.number("Q"))

    def value(self, kind: int, depth: int) -> object:
        """Read a value. Of arrays only short ones of texts are kept: vocabularies have 100,000 items and more."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(depth)
        if kind not in _SCALARS:
            raise GgufError(f"metadata type {kind} is not known")
        return self.number(_SCALARS[kind])

    def _array(self, depth: int) -> object:
        if depth >= _MAX_NESTING:
            raise GgufError("arrays are nested too deeply")
        kind, count = self.number("I"), self.number("Q")
        if kind in _SCALARS:
            self.skip(count * struct.calcsize(f"<{_SCALARS[kind]}"))
            return None
        if count > len(self._data):  # each item has at least one byte: do not walk far to find that out
            raise GgufIncompleteError(f"an array of {count} items")
        if kind == _STRING and count <= 64:
            return tuple(self.text() for _ in range(count))
        for _ in range(count):
            if kind == _STRING:
                self.skip_text()
            else:
                self.value(kind, depth + 1)
        return None
