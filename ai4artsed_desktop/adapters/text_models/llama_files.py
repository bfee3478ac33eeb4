"""From a GGUF file to what the model picker shows, and where the file lies."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import psutil

from ai4artsed_desktop.domain.gguf import GgufError, GgufHeader, GgufIncompleteError, parse_gguf_header
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo

#: Id of the provider of these models, and first part of their ids.
PROVIDER = "built_in"

#: Below this many weights a model only continues examples (measured with 135 million; see ModelGrade).
TINY_BELOW_PARAMETERS = 1_000_000_000

#: Architectures of files that stand beside a text model and cannot speak.
NOT_TEXT = frozenset({"clip", "bert", "nomic-bert", "jina-bert-v2", "t5encoder", "wavtokenizer-dec"})

_FIRST_READ_BYTES = 1024 * 1024
_LARGEST_HEADER_BYTES = 256 * 1024 * 1024


def read_header(path: Path) -> GgufHeader:
    """Read a model file's header and compare the file's length with it. Blocks.

    Raises:
        OSError: The file cannot be read.
        GgufIncompleteError: The file is cut.
        GgufError: It is no model file.
    """
    size_bytes = path.stat().st_size
    length = _FIRST_READ_BYTES
    with path.open("rb") as file:
        data = file.read(length)
        while True:
            try:
                header = parse_gguf_header(data)
                break
            except GgufIncompleteError:
                if len(data) >= min(size_bytes, _LARGEST_HEADER_BYTES) or not (more := file.read(len(data))):
                    raise
                data += more
    if size_bytes < header.file_bytes:
        raise GgufIncompleteError(f"{size_bytes} of at least {header.file_bytes} bytes are there")
    return header


class ModelFiles:
    """Reads headers once per version of a file; blocks on the first look."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], TextModelInfo | None]] = {}

    def describe(self, paths: list[Path]) -> list[TextModelInfo]:
        """Return one entry per model; damaged, cut and vanished files carry a ``problem``. Never raises for a file."""
        infos: dict[str, TextModelInfo] = {}
        for path in paths:
            info = self._describe(path)
            if info is None:
                continue
            if info.id in infos:  # the same file name in another folder
                suffix = f" ({path.parent.name})"
                info = replace(info, id=info.id + suffix, name=info.name + suffix)
            infos.setdefault(info.id, info)
        return list(infos.values())

    def _describe(self, path: Path) -> TextModelInfo | None:
        try:
            facts = path.stat()
        except FileNotFoundError:
            return _unusable(path, "reason.model_missing")
        except OSError:
            return _unusable(path, "reason.model_unreadable")
        version = (facts.st_mtime_ns, facts.st_size)
        if path not in self._known or self._known[path][0] != version:
            self._known[path] = (version, _read(path, facts))
        return self._known[path][1]


def _read(path: Path, facts: os.stat_result) -> TextModelInfo | None:
    if not stat.S_ISREG(facts.st_mode):
        return _unusable(path, "reason.model_not_a_file")
    try:
        header = read_header(path)
    except OSError:
        return _unusable(path, "reason.model_unreadable")
    except GgufIncompleteError:
        return _unusable(path, "reason.model_cut", facts.st_size)
    except GgufError:
        return _unusable(path, "reason.model_damaged", facts.st_size)
    if header.shard[0] > 0:
        return None  # the first part stands for all
    return _usable(path, facts.st_size, header)


def _usable(path: Path, size_bytes: int, header: GgufHeader) -> TextModelInfo:
    is_tiny = header.parameters < TINY_BELOW_PARAMETERS and header.shard[1] == 1
    return TextModelInfo(
        id=f"{PROVIDER}/{path.stem}",
        name=path.stem,  # what the person knows the file by; the name inside is often a training run's
        provider=PROVIDER,
        grade=ModelGrade.TINY if is_tiny else ModelGrade.INSTRUCT,
        size_bytes=size_bytes,
        quantisation=header.quantisation,
        parameters=header.parameters,
        context_tokens=header.context_tokens,
        cache_bytes_per_token=header.cache_bytes_per_token,
        languages=header.languages,
        problem=_engine_problem() or ("reason.model_not_text" if header.architecture in NOT_TEXT else None),
        licence=header.licence,
        path=str(path),
    )


def _unusable(path: Path, problem: str, size_bytes: int | None = None) -> TextModelInfo:
    return TextModelInfo(
        id=f"{PROVIDER}/{path.stem}",
        name=path.stem,
        provider=PROVIDER,
        size_bytes=size_bytes,
        problem=problem,
        path=str(path),
    )


def _engine_problem() -> str | None:
    return None if importlib.util.find_spec("xllamacpp") else "reason.model_engine_missing"


def may_vanish(path: Path) -> bool:
    """Return whether the file lies on a stick or a network share, as far as the system tells.

    Such a file must not be mapped into memory: when it vanishes, reading it ends the process (SIGBUS).
    """
    path = path.resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
    mount = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    if mount is None:
        return False
    if mount.fstype.lower() in {"nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "sshfs"} or "fuse." in mount.fstype:
        return True
    if sys.platform == "linux":
        return _is_removable_linux(Path(mount.device).name)
    if sys.platform == "darwin":
        return mount.mountpoint.startswith("/Volumes/")
    return bool({"removable", "remote"} & set(mount.opts.split(",")))


def _is_removable_linux(device: str) -> bool:
    """Source: Documentation/ABI/stable/sysfs-block of the Linux kernel; sticks and USB disks hang below a usb node."""
    node = Path("/sys/class/block") / device
    try:
        real = node.resolve(strict=True)
        flags = [folder / "removable" for folder in (real, real.parent)]
        return "/usb" in str(real) or any(flag.is_file() and flag.read_text().strip() == "1" for flag in flags)
    except OSError:
        return False
