"""What a graphics card says of itself, and what can be worked out from that: plain data and pure functions.

Every figure is measured or None ("unknown"); nothing here is estimated. Sizes are bytes; a GB of graphics memory is
2^30 bytes, because that is how cards are sold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.reasons import Reason

#: Bytes in a GB of graphics memory.
VRAM_GB = 1 << 30

#: Whose a process is; what cannot be told is ``other``.
ProcessKind = Literal["comfyui", "ollama", "trainer", "llama_cpp", "other"]

#: NVML's bits for a clock that is held down, and our words for them (``gpu.throttle.<word>``). Source: nvml.h,
#: ``nvmlClocksEventReason…``. Idle, clocks that somebody set, and sync boost are no throttling.
THROTTLE_BITS: tuple[tuple[int, str], ...] = (
    (0x04, "power_cap"),
    (0x08, "hardware"),
    (0x20, "heat"),
    (0x40, "heat"),
    (0x80, "power_supply"),
)


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """One process that holds memory of a card.

    Attributes:
        name: What to call it: the program's name, or ``pid 123`` where nothing can be known.
        used_bytes: None where the driver does not tell (Windows with WDDM).
    """

    pid: int
    kind: ProcessKind
    name: str
    used_bytes: int | None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One look at one card.

    Attributes:
        index: NVML's, by bus address; CUDA may count in another order.
        free_bytes: What a new program can have.
        reserved_bytes: Kept by the driver for itself; part of neither ``used_bytes`` nor ``free_bytes``.
        energy_j: The card's own counter since the driver was loaded, in joules.
        throttle: Words of THROTTLE_BITS; empty = it runs freely, None = unknown.
        processes: None where the driver does not tell (WSL, containers without the right).
        is_unified: The card has no memory of its own: the figures are those of the machine's memory.
        problem: Why this card cannot be asked; then every figure is None.
    """

    index: int
    uuid: str
    name: str
    total_bytes: int | None = None
    used_bytes: int | None = None
    free_bytes: int | None = None
    reserved_bytes: int | None = None
    utilisation_percent: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    energy_j: float | None = None
    temperature_c: int | None = None
    graphics_mhz: int | None = None
    memory_mhz: int | None = None
    throttle: tuple[str, ...] | None = None
    processes: tuple[GpuProcess, ...] | None = None
    is_unified: bool = False
    problem: Reason | None = None

    def bytes_of(self, kind: ProcessKind) -> int | None:
        """Return what processes of a kind hold together; None if that is unknown for any of them."""
        if self.processes is None:
            return None
        sizes = [process.used_bytes for process in self.processes if process.kind == kind]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None


@dataclass(frozen=True, slots=True)
class GpuSnapshot:
    """One look at all cards.

    Attributes:
        taken_s: Monotonic clock.
        reason: Why there are no cards; None if there is one.
        notes: What is not known here, and why (no figures per process …).
    """

    taken_s: float = 0.0
    gpus: tuple[Gpu, ...] = ()
    driver_version: str = ""
    reason: Reason | None = None
    notes: tuple[Reason, ...] = ()

    @property
    def main(self) -> Gpu | None:
        """The card that models run on: the largest one that answers; of equals the first."""
        known = [gpu for gpu in self.gpus if gpu.total_bytes and gpu.problem is None]
        return max(known, key=lambda gpu: (gpu.total_bytes or 0, -gpu.index), default=None)

    def card_of(self, kind: ProcessKind) -> Gpu | None:
        """Return the card on which processes of a kind hold the most memory, else the main one."""
        holding = [(size, gpu) for gpu in self.gpus if (size := gpu.bytes_of(kind))]
        return max(holding, key=lambda pair: pair[0])[1] if holding else self.main

    def card(self, uuid: str) -> Gpu | None:
        """Return a card by its id."""
        return next((gpu for gpu in self.gpus if gpu.uuid == uuid), None)


#: Before the first look.
NOT_ASKED = GpuSnapshot(reason=Reason("gpu.reason.not_asked"))


@dataclass(frozen=True, slots=True)
class GpuSampled(Event):
    """The cards were looked at again."""

    snapshot: GpuSnapshot


def throttle_words(bits: int) -> tuple[str, ...]:
    """Return why a clock is held down, without repeats; empty = it is not."""
    return tuple(dict.fromkeys(word for bit, word in THROTTLE_BITS if bits & bit))


@dataclass(slots=True, eq=False)
class EnergyMeter:
    """Adds up measured energy: the card's own counter where it has one, else its measured power over time.

    Attributes:
        joules: Measured so far, all cards together.
        measured_s: For how long power or counter were known.
        has_gap: Some time passed without a figure, so that ``joules`` is too small.
    """

    #: Two looks at the power further apart than this say nothing about what was between them.
    LONGEST_STEP_S: ClassVar[float] = 5.0

    joules: float = 0.0
    measured_s: float = 0.0
    has_gap: bool = False
    _last: GpuSnapshot | None = field(default=None, init=False, repr=False)

    def add(self, snapshot: GpuSnapshot) -> tuple[float, float]:
        """Take the next look, and return the joules and seconds measured since the one before (0, 0 if unknown)."""
        last, self._last = self._last, snapshot
        if last is None:
            return 0.0, 0.0
        step_s = snapshot.taken_s - last.taken_s
        steps = [_step_j(last.card(gpu.uuid), gpu, step_s) for gpu in snapshot.gpus]
        known = [joules for joules in steps if joules is not None]
        self.has_gap = self.has_gap or not known or len(known) < len(last.gpus)
        if not known:
            return 0.0, 0.0
        self.measured_s += step_s
        self.joules += sum(known)
        return sum(known), step_s

    @property
    def watt_hours(self) -> float | None:
        """What was measured; None if nothing was, or not all the time."""
        return None if self.has_gap or self.measured_s <= 0 else self.joules / 3600


def _step_j(before: Gpu | None, now: Gpu, step_s: float) -> float | None:
    if before is None or step_s <= 0:
        return None
    if before.energy_j is not None and now.energy_j is not None and now.energy_j >= before.energy_j:
        return now.energy_j - before.energy_j
    if before.power_w is None or now.power_w is None or step_s > EnergyMeter.LONGEST_STEP_S:
        return None
    return (before.power_w + now.power_w) / 2 * step_s
