"""Finds the catalogue's files: shipped, the person's, and foreign ones. A bad file is a finding, never an exception."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.catalog import CatalogFile, EntryKind, Origin

#: A config or chunk is never this large; the biggest ComfyUI graphs known to us have about 300 kB.
MAX_FILE_BYTES = 4_000_000
_OFF_SUFFIXES = (".disabled", ".deactivated", ".deprecated", ".backup")
_DEFAULTS_NAME = "output_config_defaults"


class CatalogFiles:
    """The catalogue's files on disk."""

    def __init__(self, paths: AppPaths) -> None:
        self._paths = paths

    async def read(self, settings: Settings) -> Sequence[CatalogFile]:
        """Return every file: shipped, the person's, then foreign ones."""
        return await asyncio.to_thread(lambda: [read_file(*found) for found in self._find(settings)])

    async def fingerprint(self, settings: Settings) -> str:
        """Return a value that changes when a file is added, removed, resized or written."""
        return await asyncio.to_thread(self._fingerprint, settings)

    def _fingerprint(self, settings: Settings) -> str:
        digest = hashlib.sha256()
        for path, _, origin in self._find(settings):
            try:
                facts = path.stat()
                digest.update(f"{path}|{origin}|{facts.st_size}|{facts.st_mtime_ns}\n".encode(errors="replace"))
            except OSError:
                digest.update(f"{path}|gone\n".encode(errors="replace"))
        return digest.hexdigest()

    def _find(self, settings: Settings) -> Iterator[tuple[Path, Path, Origin]]:
        shipped: Origin = "shipped"
        for part in ("configs", "chunks"):
            for path in walk(self._paths.shipped / part):
                yield path, self._paths.shipped, shipped
        for path in walk(self._paths.user_catalog):
            yield path, self._paths.user_catalog, "user"
        for folder in settings.foreign_catalogs:
            for path in walk(folder):
                yield path, folder, "foreign"


def looks_foreign(folder: Path) -> bool:
    """Tell whether a folder is laid out like the web server's ``schemas/`` (``pipelines/`` beside ``configs/``)."""
    return (folder / "pipelines").is_dir()


def walk(folder: Path) -> Iterator[Path]:
    """Yield the catalogue files below ``folder`` in a stable order; links to folders are not followed."""
    for base, names, files in os.walk(folder):
        names[:] = sorted(n for n in names if not n.startswith(".") and n != "__pycache__")
        links = [n for n in names if n.endswith((".json", ".py"))]  # a folder called x.json deserves a word
        for name in sorted([*files, *links]):
            if (
                name.endswith((".json", ".py"))
                and not name.startswith((".", "__"))
                and not name.endswith(_OFF_SUFFIXES)
            ):
                yield Path(base) / name


def read_file(path: Path, root: Path, origin: Origin) -> CatalogFile:
    """Read one file. What keeps it from being read is in ``error``."""
    kind = kind_of(path.relative_to(root))
    is_python = path.suffix == ".py"
    name = _printable(str(path.relative_to(root)) if origin == "shipped" else str(path))
    entry_id = _printable(path.stem)
    text, error = _read_text(path)
    digest = hashlib.sha256(text.encode()).hexdigest() if error is None else ""
    shown = str(path) if is_python else name  # the python step opens the file it is given
    return CatalogFile(kind, entry_id, shown, origin, text, error, is_python, digest)


def kind_of(relative: Path) -> EntryKind | None:
    """Return what a file is by the folder it lies in, or None."""
    if relative.stem == _DEFAULTS_NAME:
        return "defaults"
    folders = [part.lower() for part in relative.parts[:-1]]
    for folder, kind in (("interception", "interception"), ("output", "output"), ("pipelines", "pipeline")):
        if folder in folders:
            return kind  # type: ignore[return-value]
    return "chunk" if "chunks" in folders else None


def _read_text(path: Path) -> tuple[str, str | None]:
    try:
        # Asked before opening: opening a pipe or a device would wait for ever.
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return "", "not a regular file"
        if facts.st_size > MAX_FILE_BYTES:
            return "", f"{facts.st_size:,} bytes, more than {MAX_FILE_BYTES:,}"
        return path.read_text(encoding="utf-8"), None
    except (OSError, ValueError) as exc:
        return "", f"{type(exc).__name__}: {exc}"


def _printable(name: str) -> str:
    """Return a file name with bytes that are not UTF-8 made visible instead of breaking the output."""
    return name.encode("utf-8", "backslashreplace").decode()
