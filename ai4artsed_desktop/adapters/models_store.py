"""The GGUF files on this machine: the models folder, further folders, and files that stay where they are."""

from __future__ import annotations

import logging
import shutil
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ai4artsed_desktop.adapters.file_copies import copy_whole
from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.adapters.text_models.llama_files import read_header
from ai4artsed_desktop.domain.errors import DiskFullError, ModelLoadError, ModelMissingError, StorageError
from ai4artsed_desktop.domain.gguf import GgufError

_log = logging.getLogger(__name__)

_REFERENCES = TypeAdapter(list[Path])
_SUFFIX = ".gguf"

#: Left free on the disk by every copy.
_RESERVE_BYTES = 200_000_000


class ModelsStore:
    """Lists, imports and removes model files. All methods block (disk); thread-safe.

    Args:
        folder: Our own models folder: imports and downloads go here; ``models.json`` in it lists referenced files.
        further_folders: Looked into, never written to.
    """

    def __init__(self, folder: Path, further_folders: Sequence[Path] = ()) -> None:
        self.folder = folder
        self._further = tuple(further_folders)
        self._references_path = folder / "models.json"
        self._lock = threading.Lock()

    def set_further_folders(self, folders: Sequence[Path]) -> None:
        """Look into other further folders from now on."""
        self._further = tuple(folders)

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that are looked into, our own first."""
        return (self.folder, *self._further)

    def files(self) -> list[Path]:
        """Return every model file, also referenced ones that are gone: they are shown with a reason."""
        found = [path for folder in self.folders() for path in _list_folder(folder)]
        with self._lock:
            references = self._read_references()
        return list(dict.fromkeys([*found, *references]))

    def add_copy(self, source: Path) -> Path:
        """Copy a model file into our folder and return the copy.

        Raises:
            ModelMissingError, ModelLoadError: There is no such file, or it is not a model.
            DiskFullError, StorageError: It cannot be copied.
        """
        size_bytes = _check(source)
        target = self.folder / source.with_suffix(_SUFFIX).name
        if target.exists() and source.samefile(target):
            return target
        target = _free_name(target)
        with translated_errors(target):
            self.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free < size_bytes + _RESERVE_BYTES:
                raise DiskFullError(path=str(self.folder))
            copy_whole(source, target)
        return target

    def add_reference(self, source: Path) -> Path:
        """Use a model file where it lies; raises like ``add_copy``."""
        _check(source)
        source = source.absolute()
        with self._lock:
            self._write_references([*(path for path in self._read_references() if path != source), source])
        return source

    def remove(self, path: Path) -> None:
        """Delete a file from our own folder, or forget a referenced one; other people's files are never deleted."""
        if path.parent == self.folder and path.suffix.lower() == _SUFFIX:
            try:
                path.unlink(missing_ok=True)
            except OSError as exc:
                raise StorageError(str(exc), path=str(path)) from exc
        with self._lock:
            references = self._read_references()
            if path in references:
                self._write_references([other for other in references if other != path])

    def _read_references(self) -> list[Path]:
        try:
            return _REFERENCES.validate_json(self._references_path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as exc:
            _log.warning("the list of referenced models cannot be read: %s", exc)
            return []

    def _write_references(self, references: list[Path]) -> None:
        write_atomically(self._references_path, _REFERENCES.dump_json(references, indent=2))


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == _SUFFIX)
    except FileNotFoundError:
        return []
    except OSError as exc:
        _log.warning("the models folder %s cannot be read: %s", folder, exc)
        return []


def _check(source: Path) -> int:
    """Return the size of a usable model file."""
    try:
        facts = source.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ModelLoadError(f"{source} is not a file", model=source.name)
        read_header(source)
    except FileNotFoundError as exc:
        raise ModelMissingError(str(exc), model=source.name) from exc
    except (OSError, GgufError) as exc:
        raise ModelLoadError(str(exc), model=source.name) from exc
    return facts.st_size


def _free_name(path: Path) -> Path:
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_stem(f"{path.stem} ({number})")
        number += 1
    return candidate
