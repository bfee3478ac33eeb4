"""Adds entries to a person's own catalogue; nothing that is there is ever replaced."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ai4artsed_desktop.adapters.storage.atomic import write_atomically

if TYPE_CHECKING:
    from ai4artsed_desktop.engine.workflows import AddedOutput

_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 60


def entry_name(text: str, fallback: str = "workflow") -> str:
    """Return ``text`` as the name of a catalogue file: lower-case ASCII, digits and ``_``; else ``fallback``."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_A_NAME.sub("_", ascii_text).strip("_")[:_LONGEST_NAME].strip("_") or fallback


class UserOutputs:
    """Fits ``engine.workflows.OutputStore``.

    Args:
        catalog: The person's catalogue folder; made with the first file.
    """

    def __init__(self, catalog: Path) -> None:
        self._catalog = catalog

    def add(
        self,
        title: str,
        make: Callable[[str], tuple[Mapping[str, Any], Mapping[str, Any]]],
        is_taken: Callable[[str], bool],
    ) -> AddedOutput:
        """Write a chunk and the output config that uses it. Blocks.

        Args:
            title: What the person calls it; the id is made from it, with a number if it is taken.
            make: Returns (chunk, config) for an id; the chunk's name is ``output_<id>``.
            is_taken: Whether an output config or chunk of that name exists anywhere.

        Raises:
            StorageError: A file could not be written.
        """
        wanted = config_id = entry_name(title)
        number = 1
        while is_taken(config_id) or is_taken(f"output_{config_id}") or (self._catalog / _config(config_id)).exists():
            number += 1
            config_id = f"{wanted}_{number}"
        chunk, config = make(config_id)
        chunk_path = self._catalog / "chunks" / f"output_{config_id}.json"
        config_path = self._catalog / _config(config_id)
        # The chunk first: a config without its chunk would be an error, a chunk without a config is only unused.
        for path, content in ((chunk_path, chunk), (config_path, config)):
            text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
            write_atomically(path, text.encode("utf-8", "replace"))
        from ai4artsed_desktop.engine.workflows import AddedOutput  # with the first import of a workflow

        return AddedOutput(config_id, chunk_path, config_path)


def _config(config_id: str) -> Path:
    return Path("configs") / "output" / f"{config_id}.json"
