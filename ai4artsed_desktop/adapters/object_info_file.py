"""Reads what a ComfyUI server says at ``/object_info`` from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.errors import ObjectInfoError


def read_object_info(path: Path) -> dict[str, dict[str, Any]]:
    """Return ``{node class: its description}``. Blocks.

    Raises:
        StorageError: The file cannot be read.
        ObjectInfoError: It holds something else.
    """
    with translated_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        nodes: Any = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ObjectInfoError(str(exc), path=str(path)) from exc
    if not isinstance(nodes, dict) or not all(
        isinstance(node, dict) for node in cast("dict[str, Any]", nodes).values()
    ):
        raise ObjectInfoError("not a table of nodes", path=str(path))
    return cast("dict[str, dict[str, Any]]", nodes)
