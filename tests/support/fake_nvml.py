"""A fake libnvidia-ml behind the real binding: C functions by ctypes callbacks, so that every pointer and size is real.

``with installed(FakeNvml(FakeCard())):`` the real ``pynvml`` finds this library already loaded. What a function writes
goes into the caller's memory through pointers, as the driver does it.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pynvml

GIB = 1 << 30
#: NVML's "not available" in a 64-bit and a 32-bit figure.
NOTHING_64, NOTHING_32 = (1 << 64) - 1, (1 << 32) - 1

SUCCESS = 0
UNINITIALIZED: int = pynvml.NVML_ERROR_UNINITIALIZED
INVALID: int = pynvml.NVML_ERROR_INVALID_ARGUMENT
NOT_SUPPORTED: int = pynvml.NVML_ERROR_NOT_SUPPORTED
NO_PERMISSION: int = pynvml.NVML_ERROR_NO_PERMISSION
INSUFFICIENT_SIZE: int = pynvml.NVML_ERROR_INSUFFICIENT_SIZE
DRIVER_NOT_LOADED: int = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
GPU_IS_LOST: int = pynvml.NVML_ERROR_GPU_IS_LOST
LIB_RM_VERSION_MISMATCH: int = pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
UNKNOWN: int = pynvml.NVML_ERROR_UNKNOWN


@dataclass
class FakeCard:
    """One card. Figures are in the driver's own units: bytes, mW, mJ, MHz, °C.

    Attributes:
        processes: pid → bytes; NOTHING_64 = the driver does not tell.
        drawing: The same of programs that draw.
        failing: Function name → the code it answers with for this card.
    """

    name: bytes = b"NVIDIA GeForce RTX 4090"
    uuid: bytes = b"GPU-11111111-1111-1111-1111-111111111111"
    total: int = 24 * GIB
    used: int = 2 * GIB
    reserved: int = GIB // 2
    utilisation: int = 45
    power: int = 230_500
    power_limit: int = 450_000
    energy: int = 1_000_000
    temperature: int = 61
    clocks: dict[int, int] = field(default_factory=lambda: {0: 2520, 2: 10_501})
    reasons: int = 0
    processes: dict[int, int] = field(default_factory=dict[int, int])
    drawing: dict[int, int] = field(default_factory=dict[int, int])
    failing: dict[str, int] = field(default_factory=dict[str, int])
    is_lost: bool = False
    _frees: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    @property
    def free(self) -> int:
        return max(0, self.total - self.used - self.reserved)

    def hold(self, pid: int, size: int) -> None:
        """Let a process hold so much, and the card be fuller by it."""
        self.used += size - self.processes.get(pid, 0)
        self.processes[pid] = size

    def let_go(self, pid: int, *, after_looks: int = 0) -> None:
        """Let a process end; its memory becomes free after so many further looks at the memory."""
        self._frees.append((after_looks, pid))
        if after_looks == 0:
            self.count_look()

    def count_look(self) -> None:
        """Count a look, and free what is due."""
        for looks, pid in self._frees:
            if looks <= 0:
                self.used -= self.processes.pop(pid, 0)
        self._frees = [(looks - 1, pid) for looks, pid in self._frees if looks > 0]


class FakeNvml:
    """The library.

    Attributes:
        init_error: What nvmlInit answers.
        missing: Functions an older driver does not have.
        calls: How often each function was called.
    """

    def __init__(self, *cards: FakeCard, driver: bytes = b"580.65.06") -> None:
        self.cards = list(cards)
        self.driver = driver
        self.init_error = SUCCESS
        self.global_error = SUCCESS
        self.missing: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.starts = 0
        self.is_up = False
        self._made: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Return a C function, as ``CDLL`` does; a missing one is an AttributeError there, too."""
        shape = _SHAPES.get(name)
        if shape is None or name in self.missing:
            raise AttributeError(name)
        if name not in self._made:
            body: Callable[..., int] = getattr(self, f"_{shape[0]}")

            def call(*arguments: Any) -> int:
                self.calls[name] += 1
                return body(name, *arguments)

            self._made[name] = ctypes.CFUNCTYPE(ctypes.c_int, *shape[1])(call)
        return self._made[name]

    def _init(self, name: str, flags: int) -> int:
        self.is_up = self.init_error == SUCCESS
        self.starts += self.is_up
        return self.init_error

    def _shutdown(self, name: str) -> int:
        was_up, self.is_up = self.is_up, False
        return SUCCESS if was_up else UNINITIALIZED

    def _error_string(self, name: str, code: int) -> int:
        return 0

    def _driver_version(self, name: str, out: int, size: int) -> int:
        return _write_text(out, self.driver, size)

    def _count(self, name: str, out: int) -> int:
        if (error := self._global()) == SUCCESS:
            _write(out, ctypes.c_uint, len(self.cards))
        return error

    def _handle(self, name: str, index: int, out: int) -> int:
        if (error := self._global()) != SUCCESS:
            return error
        if index >= len(self.cards):
            return INVALID
        if self.cards[index].is_lost:
            return GPU_IS_LOST
        _write(out, ctypes.c_void_p, index + 1)
        return SUCCESS

    def _text_of(self, name: str, handle: int, out: int, size: int) -> int:
        card, error = self._card(name, handle)
        return error or _write_text(out, card.name if name == "nvmlDeviceGetName" else card.uuid, size)

    def _memory(self, name: str, handle: int, out: int) -> int:
        card, error = self._card(name, handle)
        if error:
            return error
        card.count_look()
        if name.endswith("_v2"):
            info = _pointer(out, pynvml.c_nvmlMemory_v2_t).contents
            assert info.version == pynvml.nvmlMemory_v2
            info.total, info.reserved, info.free, info.used = card.total, card.reserved, card.free, card.used
        else:
            old = _pointer(out, pynvml.c_nvmlMemory_t).contents
            old.total, old.free, old.used = card.total, card.free, card.total - card.free
        return SUCCESS

    def _rates(self, name: str, handle: int, out: int) -> int:
        card, error = self._card(name, handle)
        if not error:
            _pointer(out, pynvml.c_nvmlUtilization_t).contents.gpu = card.utilisation
        return error

    def _number(self, name: str, handle: int, out: int) -> int:
        card, error = self._card(name, handle)
        if not error:
            attribute, kind = _NUMBERS[name]
            _write(out, kind, getattr(card, attribute))
        return error

    def _indexed(self, name: str, handle: int, which: int, out: int) -> int:
        card, error = self._card(name, handle)
        if not error:
            _write(out, ctypes.c_uint, card.temperature if "Temp" in name else card.clocks[which])
        return error

    def _temperature_v(self, name: str, handle: int, out: int) -> int:
        card, error = self._card(name, handle)
        if not error:
            _pointer(out, pynvml.c_nvmlTemperature_v1_t).contents.temperature = card.temperature
        return error

    def _processes(self, name: str, handle: int, count: int, out: int | None) -> int:
        card, error = self._card(name, handle)
        if error:
            return error
        found = card.processes if "Compute" in name else card.drawing
        room = _pointer(count, ctypes.c_uint).contents
        if not found:
            room.value = 0
            return SUCCESS
        if not out or room.value < len(found):
            room.value = len(found)
            return INSUFFICIENT_SIZE
        rows = _pointer(out, pynvml.c_nvmlProcessInfo_t)
        for row, (pid, size) in enumerate(found.items()):
            rows[row].pid, rows[row].usedGpuMemory = pid, size
        room.value = len(found)
        return SUCCESS

    def _global(self) -> int:
        return self.global_error or (SUCCESS if self.is_up else UNINITIALIZED)

    def _card(self, name: str, handle: int) -> tuple[FakeCard, int]:
        if error := self._global():
            return FakeCard(), error
        card = self.cards[handle - 1]
        return card, GPU_IS_LOST if card.is_lost else card.failing.get(name, SUCCESS)


def _write(out: int, kind: Any, value: int) -> None:
    _pointer(out, kind).contents.value = value


def _pointer(address: int, kind: Any) -> Any:
    """Return a typed pointer to the caller's memory."""
    library = cast("Any", ctypes)  # what it returns has no type that can be named
    return library.cast(address, library.POINTER(kind))


def _write_text(out: int, text: bytes, size: int) -> int:
    ctypes.memmove(out, text[: size - 1] + b"\0", min(len(text), size - 1) + 1)
    return SUCCESS


_P, _U = ctypes.c_void_p, ctypes.c_uint
_NUMBERS: dict[str, tuple[str, Any]] = {
    "nvmlDeviceGetPowerUsage": ("power", ctypes.c_uint),
    "nvmlDeviceGetEnforcedPowerLimit": ("power_limit", ctypes.c_uint),
    "nvmlDeviceGetTotalEnergyConsumption": ("energy", ctypes.c_uint64),
    "nvmlDeviceGetCurrentClocksEventReasons": ("reasons", ctypes.c_uint64),
    "nvmlDeviceGetCurrentClocksThrottleReasons": ("reasons", ctypes.c_uint64),
}
#: C name → method here and argument types. Source: nvml.h.
_SHAPES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "nvmlInitWithFlags": ("init", (_U,)),
    "nvmlShutdown": ("shutdown", ()),
    "nvmlErrorString": ("error_string", (_U,)),
    "nvmlSystemGetDriverVersion": ("driver_version", (_P, _U)),
    "nvmlDeviceGetCount_v2": ("count", (_P,)),
    "nvmlDeviceGetHandleByIndex_v2": ("handle", (_U, _P)),
    "nvmlDeviceGetName": ("text_of", (_P, _P, _U)),
    "nvmlDeviceGetUUID": ("text_of", (_P, _P, _U)),
    "nvmlDeviceGetMemoryInfo": ("memory", (_P, _P)),
    "nvmlDeviceGetMemoryInfo_v2": ("memory", (_P, _P)),
    "nvmlDeviceGetUtilizationRates": ("rates", (_P, _P)),
    "nvmlDeviceGetTemperature": ("indexed", (_P, _U, _P)),
    "nvmlDeviceGetTemperatureV": ("temperature_v", (_P, _P)),
    "nvmlDeviceGetClockInfo": ("indexed", (_P, _U, _P)),
    **dict.fromkeys(_NUMBERS, ("number", (_P, _P))),
    **{
        f"nvmlDeviceGet{kind}RunningProcesses_{version}": ("processes", (_P, _P, _P))
        for kind in ("Compute", "Graphics")
        for version in ("v2", "v3")
    },
}


@contextmanager
def installed(library: FakeNvml) -> Generator[FakeNvml]:
    """Let the real binding find ``library`` loaded while inside."""
    with _replaced(nvmlLib=library, _nvmlGetFunctionPointer_cache={}):
        yield library


@contextmanager
def no_library() -> Generator[None]:
    """Let the real binding find no library while inside, on a machine with a card, too."""

    def refuse(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file")

    with _replaced(CDLL=refuse, nvmlLib=None):
        yield


@contextmanager
def _replaced(**parts: Any) -> Generator[None]:
    """Put other things in the place of the binding's own; it has no other door."""
    binding: Any = pynvml
    before = {name: getattr(binding, name) for name in parts}
    for name, part in parts.items():
        setattr(binding, name, part)
    try:
        yield
    finally:
        for name, part in before.items():
            setattr(binding, name, part)
