"""Find packages that a killed installer left half-written, so that pip installs them again.

pip takes a package for installed as soon as its ``*.dist-info`` folder holds METADATA. It writes INSTALLER and the
final RECORD last, so a complete package is one whose RECORD names INSTALLER and whose files have the sizes it names.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path


def forget_incomplete_packages(venv: Path) -> list[str]:
    """Delete the metadata of incomplete packages and pip's leftovers (``~name``); return their names."""
    removed: list[str] = []
    for site in site_folders(venv):
        for entry in sorted(site.iterdir()):
            leftover = entry.name.startswith("~")
            if leftover or (entry.name.endswith(".dist-info") and not _is_complete(site, entry)):
                _delete(entry)
                removed.append(entry.name)
    return removed


def site_folders(venv: Path) -> list[Path]:
    """Return where an environment keeps its packages: one folder, or none if the environment is half-made."""
    return [*venv.glob("lib/python3*/site-packages")] or [*venv.glob("Lib/site-packages")]


def _is_complete(site: Path, dist_info: Path) -> bool:
    try:
        with (dist_info / "RECORD").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, ValueError, csv.Error):
        return False
    if not any(row[0].endswith("/INSTALLER") for row in rows):
        return False
    # Wheels may bring bytecode (PySide6's does); Python writes it anew, with another size.
    sized = [row for row in rows if len(row) == 3 and row[2] and not row[0].endswith(".pyc")]
    return all(_has_size(site / name, size) for name, _, size in sized)


def _has_size(path: Path, size: str) -> bool:
    try:
        return path.stat().st_size == int(size)
    except (OSError, ValueError):
        return False


def _delete(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
