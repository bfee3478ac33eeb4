"""Ollama's model store on disk: what lies in it, and copies of single models to a stick and back, without a network.

``<store>/manifests/<host>/<namespace>/<model>/<tag>`` is a JSON file that names its blobs;
``<store>/blobs/sha256-<64 hex>`` are the blobs. Source: Ollama's ``manifest`` and ``server/modelpath`` packages.
A running server sees copied models at once. At its start it deletes blobs that no manifest names and that are older
than an hour: hence the manifest comes last, and blobs get the time of now.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ai4artsed_desktop.adapters.text_models.foreign_json import table
from ai4artsed_desktop.adapters.text_models.ollama_wire import (
    DEFAULT_HOST,
    DEFAULT_NAMESPACE,
    DEFAULT_TAG,
    full_name,
)
from ai4artsed_desktop.domain.errors import (
    ChecksumError,
    DiskFullError,
    ModelMissingError,
    StorageError,
)

#: Left free on the disk a model is copied to.
RESERVE_BYTES = 500_000_000

_PIECE_BYTES = 4 * 1024 * 1024
_LARGEST_MANIFEST_BYTES = 1_000_000
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

ProgressListener = Callable[[int, int], None]


class _Blob(BaseModel):
    """One entry of a manifest; the digest is a file name, so it is checked."""

    model_config = ConfigDict(extra="ignore")

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    size: int = Field(ge=0)

    @property
    def file_name(self) -> str:
        return self.digest.replace(":", "-")


class _Manifest(BaseModel):
    """What a manifest must have; other keys are copied as they are."""

    model_config = ConfigDict(extra="ignore")

    config: _Blob
    layers: list[_Blob] = Field(max_length=1_000)

    def blobs(self) -> list[_Blob]:
        """Every blob once."""
        return list({blob.digest: blob for blob in (self.config, *self.layers)}.values())


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One model in a store.

    Attributes:
        name: As it is asked for: ``qwen3:8b``, ``someone/model:tag``.
        problem: Language-file key of what is wrong with it, "" for nothing.
        config: What its configuration says: ``model_family``, ``model_type`` (``3.2B``), ``file_type`` (``Q4_K_M``).
    """

    name: str
    size_bytes: int
    problem: str = ""
    config: Mapping[str, object] = field(default_factory=dict[str, object])


def default_store(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where this machine's store lies: ``OLLAMA_MODELS``, else ``~/.ollama/models``.

    On Linux the system's own service keeps its models in ``/usr/share/ollama/.ollama/models``.
    """
    if named := environment.get("OLLAMA_MODELS", "").strip():
        return Path(named)
    own = Path.home() / ".ollama" / "models"
    system = Path("/usr/share/ollama/.ollama/models")
    return system if not own.is_dir() and system.is_dir() else own


def list_store(store: Path) -> list[StoredModel]:
    """Return the models of a store, by name. Blocks. Raises StorageError for a folder that cannot be read."""
    root = store / "manifests"
    try:
        paths = sorted(path for path in root.glob("*/*/*/*") if path.is_file() and not path.name.startswith("."))
    except OSError as exc:
        raise StorageError(str(exc), path=str(root)) from exc
    return sorted((_stored(store, path) for path in paths), key=lambda model: model.name)


def copy_model(
    source: Path,
    target: Path,
    name: str,
    on_progress: ProgressListener | None = None,
    *,
    reserve_bytes: int = RESERVE_BYTES,
) -> int:
    """Copy a model from one store into another and return its size in bytes. Blocks.

    Every blob is read, compared with its digest on the way, and gets its name only when it is whole; blobs that are
    there already and right are kept, so that a broken copy goes on where it stopped.

    Raises:
        ModelMissingError: There is no such model in ``source``.
        ChecksumError: A blob is not what the manifest says.
        DiskFullError, StorageError.
    """
    manifest_path = source / "manifests" / _relative(name)
    raw, manifest = _read_manifest(manifest_path, name)
    blobs = manifest.blobs()
    total = sum(blob.size for blob in blobs)
    done = 0
    tell = on_progress or _tell_nobody
    try:
        (target / "blobs").mkdir(parents=True, exist_ok=True)
        missing = sum(blob.size for blob in blobs if not (target / "blobs" / blob.file_name).is_file())
        _check_space(target, missing + reserve_bytes)
        for blob in blobs:
            start = done
            _copy_blob(source, target, blob, name, lambda copied, start=start: tell(start + copied, total))
            done += blob.size
            tell(done, total)
        _write_whole(target / "manifests" / _relative(name), raw)
    except OSError as exc:
        raise StorageError(str(exc), path=str(target)) from exc
    return total


def _tell_nobody(done_bytes: int, total_bytes: int) -> None:
    """Nobody asked."""


def _stored(store: Path, path: Path) -> StoredModel:
    host, namespace, model, tag = path.relative_to(store / "manifests").parts
    prefix = "" if host == DEFAULT_HOST else f"{host}/"
    prefix += "" if namespace == DEFAULT_NAMESPACE and host == DEFAULT_HOST else f"{namespace}/"
    name = f"{prefix}{model}:{tag}"
    try:
        _, manifest = _read_manifest(path, name)
    except (ModelMissingError, StorageError):
        return StoredModel(name, 0, "reason.model_damaged")
    blobs = manifest.blobs()
    is_whole = all(_size(store / "blobs" / blob.file_name) == blob.size for blob in blobs)
    size_bytes = sum(blob.size for blob in blobs)
    return StoredModel(name, size_bytes, "" if is_whole else "reason.model_cut", _config(store, manifest))


def _config(store: Path, manifest: _Manifest) -> dict[str, object]:
    """Return a model's configuration, empty if it cannot be read: nothing depends on it but what is shown."""
    try:
        with (store / "blobs" / manifest.config.file_name).open("rb") as file:
            return table(json.loads(file.read(_LARGEST_MANIFEST_BYTES)))
    except (OSError, ValueError, RecursionError):
        return {}


def _relative(name: str) -> Path:
    """Return a model's manifest below ``manifests``. Raises ModelMissingError for what can be no name."""
    path, _, tag = full_name(name).rpartition(":")
    parts = path.split("/")
    parts = [DEFAULT_HOST, DEFAULT_NAMESPACE][: max(0, 3 - len(parts))] + parts
    tag = tag or DEFAULT_TAG
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in (*parts, tag)):  # host, namespace, model
        raise ModelMissingError("that is no model name", model=name)
    return Path(*parts, tag)


def _read_manifest(path: Path, name: str) -> tuple[bytes, _Manifest]:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_MANIFEST_BYTES)
        return raw, _Manifest.model_validate_json(raw)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
        raise ModelMissingError(str(exc), model=name) from exc
    except OSError as exc:
        raise StorageError(str(exc), path=str(path)) from exc
    except ValidationError as exc:
        raise StorageError(f"the manifest is damaged: {exc.error_count()} faults", path=str(path)) from exc


def _copy_blob(source: Path, target: Path, blob: _Blob, name: str, tell: Callable[[int], None]) -> None:
    there = target / "blobs" / blob.file_name
    if _size(there) == blob.size and _hash(there) == blob.digest:
        os.utime(there)
        return
    part = there.with_name(f"{there.name}-partial-copy")
    digest = hashlib.sha256()
    copied = 0
    try:
        with (source / "blobs" / blob.file_name).open("rb") as reader, part.open("wb") as writer:
            while piece := reader.read(_PIECE_BYTES):
                digest.update(piece)
                writer.write(piece)
                copied += len(piece)
                tell(min(copied, blob.size))
            writer.flush()
            os.fsync(writer.fileno())
        if copied != blob.size or f"sha256:{digest.hexdigest()}" != blob.digest:
            raise ChecksumError(f"{blob.digest}: {copied} of {blob.size} bytes", name=name)
        part.replace(there)
    finally:
        part.unlink(missing_ok=True)


def _write_whole(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the manifests it would be read as one; a name with a dot at its start is not.
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _check_space(target: Path, needed_bytes: int) -> None:
    if shutil.disk_usage(target).free < needed_bytes:
        raise DiskFullError(f"{needed_bytes} bytes are needed", path=str(target))


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
