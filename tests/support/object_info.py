"""What two real ComfyUI servers say about the nodes that our graphs use: ``old`` = Oct 2025, ``new`` = Aug 2026.

Recorded from ``/object_info``; tooltips and other display texts are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.comfyui_records import GENERATIONS, Generation

__all__ = ["GENERATIONS", "Generation", "object_info"]

_FOLDER = Path(__file__).parent / "comfyui_object_info"


def object_info(generation: Generation) -> dict[str, Any]:
    """Return a server's recorded ``/object_info``."""
    return json.loads((_FOLDER / f"{generation}.json").read_text("utf-8"))
