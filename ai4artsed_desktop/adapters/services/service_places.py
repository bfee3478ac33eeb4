"""Where people keep programs such as ComfyUI: the usual folders per system."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def usual_roots() -> list[Path]:
    """Return the folders in which people mostly unpack or clone such programs."""
    home = Path.home()
    roots = [home, *(home / name for name in ("Documents", "Desktop", "Downloads", "AI", "ai", "apps", "Apps"))]
    roots += [home / "StabilityMatrix" / "Packages", home / "comfy"]
    if sys.platform == "win32":
        roots += [Path(f"{drive}:\\") for drive in "CDEF"]
        roots += _below("APPDATA", "StabilityMatrix/Packages") + _below("LOCALAPPDATA", "Programs")
    elif sys.platform == "darwin":
        roots += [Path("/Applications"), home / "Applications"]
    else:
        roots += [Path("/opt"), home / ".local" / "share", home / ".local" / "share" / "StabilityMatrix" / "Packages"]
    return roots


def candidates(given: Iterable[Path | None], names: Sequence[str], extra: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield the given folders, then every name below every usual root, then ``extra``; each once, unlooked at."""
    seen: set[Path] = set()
    usual = (root / name for root in usual_roots() for name in names)
    for folder in (*(path for path in given if path is not None), *usual, *extra):
        if folder not in seen:
            seen.add(folder)
            yield folder


def from_environment(*variables: str) -> list[Path]:
    """Return the paths that these variables hold."""
    return [Path(value).expanduser() for name in variables if (value := os.environ.get(name, "").strip())]


def is_file(path: Path) -> bool:
    """Tell whether there is such a file; a folder that may not be looked into holds none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _below(variable: str, name: str) -> list[Path]:
    return [path / name for path in from_environment(variable)]
