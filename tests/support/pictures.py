"""Small pictures and LoRA files on disk."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ai4artsed_desktop.domain.settings import Settings


def picture(path: Path, size: tuple[int, int] = (32, 24), colour: str = "red", **options: Any) -> Path:
    """Write a picture; the name's ending decides the format. ``exif_orientation`` turns it as a camera would."""
    image = Image.new("RGB", size, colour)
    if (turn := options.pop("exif_orientation", None)) is not None:
        exif = Image.Exif()
        exif[0x0112] = turn
        options["exif"] = exif
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def mask(path: Path, size: tuple[int, int] = (32, 24)) -> Path:
    """Write a mask whose left half is white: painted anew."""
    image = Image.new("L", size, 0)
    image.paste(255, (0, 0, size[0] // 2, size[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def lora_file(
    path: Path, said: Mapping[str, str] | None = None, *, rank: int = 4, cut: bool = False, **metadata: str
) -> Path:
    """Write a safetensors file with one LoRA layer of zeros; ``cut`` leaves out the last of its bytes.

    Args:
        said: More metadata, whose names are no Python names.
    """
    metadata |= said or {}
    size = 2 * rank * 8
    tensors = {
        "lora_unet_x.lora_down.weight": {"dtype": "F16", "shape": [rank, 8], "data_offsets": [0, size]},
        "lora_unet_x.lora_up.weight": {"dtype": "F16", "shape": [8, rank], "data_offsets": [size, 2 * size]},
    }
    return safetensors_file(path, tensors, 2 * size - (1 if cut else 0), **metadata)


def safetensors_file(path: Path, tensors: dict[str, Any], data_bytes: int, **metadata: str) -> Path:
    """Write a safetensors file with this header and so many zeros."""
    header = json.dumps({"__metadata__": metadata, **tensors}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(data_bytes))
    return path


def no_places(settings: Settings) -> list[Path]:
    """No usual places: what lies on the machine of the tests is none of their business."""
    del settings
    return []
