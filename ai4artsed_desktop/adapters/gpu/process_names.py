"""Whose a process is: told by the ledger of our own children, else by its command line and its parents'."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath

import psutil

from ai4artsed_desktop.domain.gpu import GpuProcess, ProcessKind

#: A worker may stand so far below the program that it works for.
_GENERATIONS = 4
_MAX_NAME_CHARS = 60
#: A number is checked so often for being the same process's still: that costs more than all else about a look.
RECHECK_S = 1.0
#: A process that no card has named for so long is forgotten.
_FORGET_S = 60.0
#: The trainer's scripts: ``train_network.py``, ``sdxl_train_network.py``, ``flux_train.py`` … (contract kohya).
_TRAINER_SCRIPT = re.compile(r"^(?:\w+_)?train(?:_network|_db|_textual_inversion\w*|_controlnet\w*|_leco)?\.py$")
_LLAMA_PROGRAMS = frozenset({"llama-server", "llama-cli", "llama-run", "llama-bench"})
_NAMES: Mapping[ProcessKind, str] = {
    "comfyui": "ComfyUI",
    "ollama": "Ollama",
    "trainer": "sd-scripts",
    "llama_cpp": "llama.cpp",
}


@dataclass(frozen=True, slots=True)
class _Known:
    process: psutil.Process | None  # None = not to be seen from here
    kind: ProcessKind
    name: str
    checked_s: float


class ProcessNames:
    """Names processes by pid, and remembers them for as long as they live.

    Args:
        own: Returns the names of our own children by pid, as the ledger has them.
        clock: Monotonic, in seconds.
    """

    def __init__(
        self, own: Callable[[], Mapping[int, str]] = dict[int, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._own = own
        self._clock = clock
        self._known: dict[int, _Known] = {}

    def describe(self, sizes: Mapping[int, int | None]) -> tuple[GpuProcess, ...]:
        """Return one card's processes with these sizes in bytes, the largest first."""
        now_s = self._clock()
        found: list[GpuProcess] = []
        for pid, size in sizes.items():
            known = self._known.get(pid)
            if known is None or now_s - known.checked_s >= RECHECK_S:
                known = self._known[pid] = self._check(pid, known, now_s)
            found.append(GpuProcess(pid, known.kind, known.name, size))
        # Not by what this card has: the next card's processes are other ones.
        self._known = {pid: known for pid, known in self._known.items() if now_s - known.checked_s < _FORGET_S}
        return tuple(sorted(found, key=lambda process: (-(process.used_bytes or 0), process.pid)))

    def _check(self, pid: int, known: _Known | None, now_s: float) -> _Known:
        try:
            process = psutil.Process(pid)
            if known is None or known.process != process:  # by number and beginning
                return _Known(process, *self._ask(process), now_s)
        except (psutil.Error, OSError, ValueError):
            # Another user's, or one of another container: NVML counts pids as the host does.
            return _Known(None, "other", f"pid {pid}", now_s)
        return replace(known, checked_s=now_s)

    def _ask(self, process: psutil.Process) -> tuple[ProcessKind, str]:
        own = self._own()
        here: psutil.Process | None = process
        for _ in range(_GENERATIONS):
            if here is None:
                break
            if (kind := kind_of(_command(here), _folder(here), own.get(here.pid, ""))) != "other":
                return kind, _NAMES[kind]
            here = here.parent()
        return "other", _printable(process.name()) or f"pid {process.pid}"


def kind_of(command: Sequence[str], folder: str = "", own_name: str = "") -> ProcessKind:
    """Return whose a command line is.

    Args:
        command: Program and arguments; empty = unknown.
        folder: Its working directory: ComfyUI is mostly started as ``main.py`` in its own.
        own_name: What the ledger calls it, ``""`` if it is not our child.
    """
    own = own_name.lower()
    for word, kind in _OWN_WORDS:
        if word in own:
            return kind
    names = [_base(part) for part in command]
    program = names[0].removesuffix(".exe") if names else ""
    if program.startswith("ollama"):
        return "ollama"
    if program in _LLAMA_PROGRAMS or "ai4artsed_desktop.adapters.llm_child" in command or "llama_cpp.server" in command:
        return "llama_cpp"
    if any(_TRAINER_SCRIPT.match(name) for name in names[:8]):
        return "trainer"
    if "main.py" in names[:6] and "comfy" in f"{folder} {' '.join(command[:6])}".lower():
        return "comfyui"
    return "other"


_OWN_WORDS: tuple[tuple[str, ProcessKind], ...] = (
    ("comfyui", "comfyui"),
    ("ollama", "ollama"),
    ("train", "trainer"),
    ("built_in/", "llama_cpp"),
)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or [process.name()]
    except psutil.Error:
        return [process.name()]  # another user's: its name may still be asked for


def _folder(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except (psutil.Error, OSError):
        return ""


def _base(part: str) -> str:
    kind = PureWindowsPath if "\\" in part else PurePosixPath
    return kind(part).name.lower()


def _printable(name: str) -> str:
    return "".join(char for char in name if char.isprintable())[:_MAX_NAME_CHARS].strip()
