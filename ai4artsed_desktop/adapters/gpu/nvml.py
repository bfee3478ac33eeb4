"""NVIDIA's management library (NVML): one look at all cards, whatever the driver can and cannot tell.

Synchronous; meant for a thread of its own (``adapters/gpu/meter.py``). Figures that a card, a driver or a system does
not give are None, never 0 and never guessed. A driver that is gone is asked again with growing pauses.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from ai4artsed_desktop.adapters.gpu.process_names import ProcessNames
from ai4artsed_desktop.domain.gpu import Gpu, GpuProcess, GpuSnapshot, throttle_words
from ai4artsed_desktop.domain.reasons import Reason

_log = logging.getLogger(__name__)

#: Pauses before a driver that failed is asked again, in seconds; the last one repeats.
RETRY_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_MAX_NAME_CHARS = 80
#: Beyond these a figure is a broken driver's: 1 PB of memory, 10 kW, 200 °C, 20 GHz.
_MAX_BYTES, _MAX_MILLIWATTS, _MAX_CELSIUS, _MAX_MHZ = 1 << 50, 10_000_000, 200, 20_000
#: What a call may raise beside NVMLError: the binding decodes and allocates what the driver says.
_NONSENSE = (UnicodeError, ValueError, OverflowError, MemoryError, AttributeError)


@dataclass(slots=True)
class _Card:
    handle: Any
    uuid: str
    name: str


class _GoneError(Exception):
    """The driver or a card does not answer any more; ``code`` is NVML's."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class NvmlSampler:
    """Looks at all cards.

    Args:
        names: Names processes.
        clock: Monotonic, in seconds.
    """

    def __init__(self, names: ProcessNames | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._names = names or ProcessNames()
        self._clock = clock
        self._nvml: Any = None
        self._cards: dict[int, _Card] = {}
        self._driver = ""
        self._remembered: dict[int, tuple[str, str]] = {}
        self._is_up = False
        self._was_up = False
        self._is_partial = False
        self._failures = 0
        self._retry_at_s = float("-inf")
        self._reason: Reason | None = None

    def sample(self) -> GpuSnapshot:
        """Return what the cards say now. Never raises for anything a driver does."""
        now_s = self._clock()
        if self._is_up and self._is_partial and now_s >= self._retry_at_s:
            self._shut_down()  # one card of several is gone: only a new start of the library can find it again
        if not self._is_up and now_s >= self._retry_at_s:
            self._come_up()
        if not self._is_up:
            return GpuSnapshot(now_s, reason=self._reason)
        try:
            gpus = self._read_all()
        except _GoneError as exc:
            self._shut_down()
            self._go_down(self._reason_of(exc.code))
            return GpuSnapshot(now_s, reason=self._reason)
        self._is_partial = any(gpu.problem is not None for gpu in gpus)
        if not self._is_partial:
            self._failures = 0
        elif now_s >= self._retry_at_s:
            self._schedule_retry()
        reason = None if gpus else Reason("gpu.reason.no_gpu")
        return GpuSnapshot(now_s, gpus, self._driver, reason, _notes(gpus))

    def close(self) -> None:
        """Let the library go."""
        if self._is_up:
            self._shut_down()

    def _come_up(self) -> None:
        if not _may_have_library():
            self._go_down(Reason("gpu.reason.no_driver"))
            return
        try:
            nvml = self._nvml = importlib.import_module("pynvml")
        except ImportError as exc:
            self._go_down(Reason("gpu.reason.failed", {"detail": str(exc)}))
            return
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as exc:
            self._go_down(self._reason_of(exc.value))
            return
        self._is_up = self._was_up = True
        self._reason = None
        self._driver = _text(nvml.nvmlSystemGetDriverVersion) or ""

    def _shut_down(self) -> None:
        self._is_up = False
        self._remembered |= {index: (card.uuid, card.name) for index, card in self._cards.items()}
        self._cards.clear()
        try:
            self._nvml.nvmlShutdown()
        except self._nvml.NVMLError as exc:
            _log.info("NVML could not be shut down: %s", exc)

    def _go_down(self, reason: Reason) -> None:
        if reason != self._reason:
            _log.info("no graphics card figures: %s %s", reason.key, dict(reason.params))
        self._reason = reason
        self._schedule_retry()

    def _schedule_retry(self) -> None:
        self._retry_at_s = self._clock() + RETRY_PAUSES_S[min(self._failures, len(RETRY_PAUSES_S) - 1)]
        self._failures += 1

    def _read_all(self) -> tuple[Gpu, ...]:
        count = self._ask(self._nvml.nvmlDeviceGetCount)
        return tuple(self._read(index) for index in range(min(count or 0, 64)))

    def _read(self, index: int) -> Gpu:
        card = self._cards.get(index)
        try:
            if card is None:
                card = self._find(index)
            return self._figures(index, card)
        except _GoneError as exc:
            if exc.code not in self._codes("GPU_IS_LOST", "RESET_REQUIRED", "GPU_NOT_FOUND", "UNKNOWN"):
                raise
            known = (card.uuid, card.name) if card else self._remembered.get(index, (f"index-{index}", "NVIDIA"))
            return Gpu(index, *known, problem=Reason("gpu.reason.lost"))

    def _find(self, index: int) -> _Card:
        nvml = self._nvml
        handle = self._ask(nvml.nvmlDeviceGetHandleByIndex, index)
        if handle is None:
            raise _GoneError(nvml.NVML_ERROR_GPU_NOT_FOUND)
        name = _text(lambda: self._ask(nvml.nvmlDeviceGetName, handle)) or "NVIDIA"
        uuid = _text(lambda: self._ask(nvml.nvmlDeviceGetUUID, handle)) or f"index-{index}"
        self._cards[index] = card = _Card(handle, uuid, name)
        return card

    def _figures(self, index: int, card: _Card) -> Gpu:
        nvml, handle, ask = self._nvml, card.handle, self._ask
        total, used, free, reserved, is_unified = self._memory(handle)
        rates = ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        power = _within(ask(nvml.nvmlDeviceGetPowerUsage, handle), _MAX_MILLIWATTS)
        limit = _within(ask(nvml.nvmlDeviceGetEnforcedPowerLimit, handle), _MAX_MILLIWATTS)
        energy = _within(ask(nvml.nvmlDeviceGetTotalEnergyConsumption, handle), (1 << 64) - 2)
        # The plain call goes with CUDA 14, old drivers have only that one.
        heat = ask(nvml.nvmlDeviceGetTemperatureV, handle, nvml.NVML_TEMPERATURE_GPU)
        if heat is None:
            heat = ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU)
        throttle = ask(nvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
        if throttle is None:
            throttle = ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        return Gpu(
            index=index,
            uuid=card.uuid,
            name=card.name,
            total_bytes=total,
            used_bytes=used,
            free_bytes=free,
            reserved_bytes=reserved,
            utilisation_percent=None if rates is None else _within(int(rates.gpu), 100),
            power_w=None if power is None else power / 1000,
            power_limit_w=None if limit is None else limit / 1000,
            energy_j=None if energy is None else energy / 1000,
            temperature_c=_within(heat, _MAX_CELSIUS),
            graphics_mhz=_within(ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_GRAPHICS), _MAX_MHZ),
            memory_mhz=_within(ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM), _MAX_MHZ),
            throttle=None if throttle is None else throttle_words(throttle),
            processes=self._processes(handle),
            is_unified=is_unified,
        )

    def _memory(self, handle: Any) -> tuple[int | None, int | None, int | None, int | None, bool]:
        """Return total, used, free, reserved, and whether these are the machine's own memory."""
        nvml = self._nvml
        info = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
        if info is None:  # drivers before 510
            info = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle)
        if info is None:
            # Cards that share the machine's memory (GB10, Jetson) answer "not supported" here; no other does.
            memory = psutil.virtual_memory()
            return memory.total, memory.total - memory.available, memory.available, None, True
        total = _within(int(info.total), _MAX_BYTES)
        limit = total if total is not None else -1
        reserved = _within(int(getattr(info, "reserved", limit + 1)), limit)
        return total, _within(int(info.used), limit), _within(int(info.free), limit), reserved, False

    def _processes(self, handle: Any) -> tuple[GpuProcess, ...] | None:
        """Return who holds memory; None where nobody can tell."""
        nvml = self._nvml
        lists = [
            self._ask(getattr(nvml, f"nvmlDeviceGet{kind}RunningProcesses_{version}"), handle)
            for kind, version in (("Compute", "v3"), ("Graphics", "v3"))
        ]
        if lists == [None, None]:  # drivers before 510 know the second version only
            lists = [self._ask(nvml.nvmlDeviceGetComputeRunningProcesses_v2, handle)]
        if all(found is None for found in lists) or (_is_wsl() and not any(lists)):
            return None
        sizes: dict[int, int | None] = {}
        for process in (process for found in lists for process in found or ()):
            pid, size = int(process.pid), process.usedGpuMemory
            size = None if size is None else _within(int(size), _MAX_BYTES)
            if pid > 0:  # one that computes and draws stands in both lists, with the same size
                sizes[pid] = max(size or 0, sizes.get(pid) or 0) if size is not None or sizes.get(pid) else None
        return self._names.describe(sizes)

    def _ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a call says, None if the card, the driver or the system cannot. Raises _GoneError."""
        try:
            return call(*arguments)
        except self._nvml.NVMLError as exc:
            if exc.value in self._codes(
                "UNINITIALIZED", "DRIVER_NOT_LOADED", "GPU_IS_LOST", "RESET_REQUIRED", "GPU_NOT_FOUND", "UNKNOWN"
            ):
                raise _GoneError(exc.value) from exc
            return None
        except _NONSENSE as exc:
            _log.debug("NVML said what cannot be: %s", exc)
            return None

    def _codes(self, *names: str) -> frozenset[int]:
        return frozenset(getattr(self._nvml, f"NVML_ERROR_{name}", -1) for name in names)

    def _reason_of(self, code: int) -> Reason:
        known = {
            "LIBRARY_NOT_FOUND": "gpu.reason.no_driver",
            "DRIVER_NOT_LOADED": "gpu.reason.driver_not_loaded",
            "LIB_RM_VERSION_MISMATCH": "gpu.reason.driver_changed",
            "NO_PERMISSION": "gpu.reason.no_permission",
            "FUNCTION_NOT_FOUND": "gpu.reason.old_driver",
        }
        if self._was_up and code in self._codes("UNINITIALIZED", "DRIVER_NOT_LOADED", "GPU_IS_LOST", "UNKNOWN"):
            return Reason("gpu.reason.driver_lost")
        for name, key in known.items():
            if code in self._codes(name):
                return Reason(key)
        return Reason("gpu.reason.failed", {"detail": str(self._nvml.NVMLError(code))})


def _may_have_library() -> bool:
    """Tell whether the binding is worth importing: that takes 20 ms, which a machine without a driver can save."""
    if "pynvml" in sys.modules or sys.platform == "win32":
        return True
    try:
        ctypes.CDLL("libnvidia-ml.so.1")  # the name that the binding loads
    except OSError:
        return False
    return True


def _notes(gpus: tuple[Gpu, ...]) -> tuple[Reason, ...]:
    notes: list[Reason] = []
    asked = [gpu for gpu in gpus if gpu.problem is None]
    if any(gpu.processes is None for gpu in asked):
        notes.append(Reason("gpu.note.wsl" if _is_wsl() else "gpu.note.no_processes"))
    if any(process.used_bytes is None for gpu in asked for process in gpu.processes or ()):
        notes.append(Reason("gpu.note.no_process_sizes"))
    if any(gpu.is_unified for gpu in asked):
        notes.append(Reason("gpu.note.unified"))
    return tuple(notes)


def _is_wsl() -> bool:
    return "microsoft" in platform.release().lower()


def _within(value: Any, limit: int) -> int | None:
    """Return a figure that can be true; NVML's "not available" is the largest number there is."""
    return value if isinstance(value, int) and 0 <= value <= limit else None


def _text(call: Callable[[], Any]) -> str | None:
    """Return a name that can be shown, or None."""
    try:
        said = call()
    except _GoneError:
        raise
    except Exception as exc:  # noqa: BLE001 - NVMLError is made at run time; a name is not worth more
        _log.debug("NVML has no such name: %s", exc)
        return None
    return "".join(char for char in str(said or "") if char.isprintable())[:_MAX_NAME_CHARS].strip() or None
