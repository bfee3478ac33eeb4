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
    for site in [*venv.glob("lib/python3*/site-packages"), *venv.glob("Lib/site-packages")]:
        for entry in sorted(site.iterdir()):
            leftover = entry.name.startswith("~")
            if leftover or (entry.name.endswith(".dist-info") and not _is_complete(site, entry)):
                _delete(entry)
                removed.append(entry.name)
    return removed


def _is_complete(site: Path, dist_info: Path) -> bool:
    try:
        with (dist_info / "RECORD").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, ValueError, csv.Error):
        return False
    if not any(row[0].endswith("/INSTALLER") for row in rows):
        return False
    return all(_has_size(site / row[0], row[2]) for row in rows if len(row) == 3 and row[2])


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
