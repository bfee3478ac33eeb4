"""What two real ComfyUI servers said, recorded: ``old`` = 0.3.64 (Oct 2025), ``new`` = 0.33.0 (Aug 2026)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, cast

Generation = Literal["old", "new"]
GENERATIONS: tuple[Generation, ...] = ("old", "new")

_FOLDER = Path(__file__).parent / "comfyui_recordings"
#: Differs from run to run.
_FLEETING = {"timestamp", "prompt_id", "sid"}
#: The server lists sets, in the order of their hashes.
_SETS = {"executed", "current_outputs", "nodes"}


def recorded(generation: Generation, name: str) -> Any:
    """Return a recorded JSON file."""
    return json.loads((_FOLDER / generation / f"{name}.json").read_text("utf-8"))


def recorded_frame(generation: Generation, name: str) -> bytes:
    """Return a whole recorded binary frame."""
    return bytes.fromhex(recorded(generation, name)["hex"])


def recorded_frames(generation: Generation, name: str) -> list[dict[str, Any]]:
    """Return what the server sent in one recorded scenario, comparable with :func:`comparable`."""
    lines = (_FOLDER / generation / f"{name}.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines[1:]]
    return [_row(row) for row in rows if row.get("dir") == "server"]


def comparable(message: str | bytes) -> dict[str, Any]:
    """Return a received message as the recordings note it, without what differs from run to run."""
    if isinstance(message, str):
        return _steady(json.loads(message))
    return {"event": int.from_bytes(message[:4]), "kind": message[:8].hex() if message[3] == 1 else message[:4].hex()}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    if "json" in row:
        return _steady(row["json"])
    head: str = row["binary"]["first64_hex"]
    event = int(row["binary"]["event"])
    return {"event": event, "kind": head[:16] if event == 1 else head[:8]}


def _steady(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return {name: _steady(part, name) for name, part in parts.items() if name not in _FLEETING}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return sorted(items) if key in _SETS else [_steady(item) for item in items]
    return value


def exchanges(generation: Generation, name: str) -> list[dict[str, Any]]:
    """Return recorded HTTP exchanges: ``note``, ``request``, ``response``."""
    return recorded(generation, name)


def graph_of(generation: Generation, scenario: str) -> dict[str, Any]:
    """Return the graph of a recorded scenario by its number, such as ``01``."""
    return recorded(generation, "history-entries")[scenario]["prompt"][2]
