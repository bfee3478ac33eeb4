"""The person's own interceptions on disk; nothing that is there is ever replaced by something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ai4artsed_desktop.adapters.catalog_files import read_file
from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.adapters.user_catalog import entry_name
from ai4artsed_desktop.engine.catalog import CatalogFile


class InterceptionStoreFiles:
    """Files below the person's catalogue.

    Args:
        catalog: The person's catalogue folder; made with the first file.
    """

    def __init__(self, catalog: Path) -> None:
        self._folder = catalog / "configs" / "interception"

    def free_id(self, title: str, is_taken: Callable[[str], bool]) -> str:
        """Return an id made from a title, with a number if it is taken here or in the catalogue."""
        wanted = config_id = entry_name(title, "interception")
        number = 1
        while is_taken(config_id) or self.path_of(config_id).exists():
            number += 1
            config_id = f"{wanted}_{number}"
        return config_id

    def path_of(self, config_id: str) -> Path:
        """Return where an interception of this id lies."""
        return self._folder / f"{config_id}.json"

    def write(self, path: Path, text: str) -> None:
        """Write a file whole or not at all. Raises StorageError."""
        write_atomically(path, text.encode("utf-8", "replace"))

    def remove(self, path: Path) -> str:
        """Delete a file and return what stood in it. Raises StorageError."""
        with translated_errors(path):
            text = path.read_text(encoding="utf-8")
            path.unlink()
        return text

    def read_outside(self, path: Path) -> CatalogFile:
        """Read a file from anywhere; its kind is told by what stands in it."""
        file = read_file(path, path.parent, "user")
        return replace(file, kind=None, is_python=False)
