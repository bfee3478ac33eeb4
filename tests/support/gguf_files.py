"""Small GGUF files with honest headers."""

from __future__ import annotations

import struct
from pathlib import Path


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def write_model(path: Path, architecture: str = "llama", weights: int = 64, vocabulary: int = 0) -> Path:
    """Write a small file with an honest header: one F32 tensor of ``weights`` numbers."""
    entries = [_text("general.architecture") + struct.pack("<I", 8) + _text(architecture)]
    if vocabulary:
        tokens = b"".join(_text(f"token number {i}") for i in range(vocabulary))
        entries.append(_text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, vocabulary) + tokens)
    tensor = _text("w") + struct.pack("<IQIQ", 1, weights, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(entries)) + b"".join(entries) + tensor
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(head + bytes(-len(head) % 32))
        file.truncate(file.tell() + weights * 4)  # a hole: large models cost the test nothing
    return path
