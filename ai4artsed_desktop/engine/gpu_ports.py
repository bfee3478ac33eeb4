"""What the engine needs of graphics cards and of the programs that fill them, as protocols. Adapters fit them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ai4artsed_desktop.domain.gpu import GpuSnapshot, ProcessKind
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.domain.vram import GpuRecords, VramNeed


class GpuMeter(Protocol):
    """Looks at the cards without ever making the event loop wait."""

    def start(self, deliver: Callable[[GpuSnapshot], None]) -> None:
        """Look regularly from now on; ``deliver`` is called on the event loop."""
        ...

    def set_rate_hz(self, rate_hz: float) -> None:
        """Look so often per second."""
        ...

    async def fresh(self) -> GpuSnapshot:
        """Look now. Whatever the driver does is in the answer; never raises."""
        ...

    async def aclose(self) -> None:
        """Stop looking."""
        ...


class GpuRecordsFile(Protocol):
    """Where peaks and energy are remembered."""

    async def load(self) -> GpuRecords:
        """Return what is written down; empty if nothing can be read."""
        ...

    async def save(self, records: GpuRecords) -> None:
        """Write atomically. Raises StorageError."""
        ...


class VramHolder(Protocol):
    """One thing that holds memory of a card and can give it back: a loaded model, or a server with its models."""

    @property
    def id(self) -> str:
        """Stable id; pinning remembers it. For a text model its model id."""
        ...

    @property
    def name(self) -> str:
        """A proper name, such as ``qwen3:14b`` or ``ComfyUI``."""
        ...

    @property
    def process(self) -> ProcessKind:
        """The program it lives in."""
        ...

    @property
    def used_bytes(self) -> int | None:
        """What its program says it holds; None = it does not say, then the driver's figures count."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether it works now."""
        ...

    async def free(self) -> None:
        """Give the memory back. Returns when the program took the order. Raises AppError if it did not."""
        ...


class VramSource(Protocol):
    """Knows the holders of one program. Registered with ``engine.vram.register``."""

    async def holders(self) -> Sequence[VramHolder]:
        """Look anew and return what is loaded now; empty if the program does not run. Never raises."""
        ...

    async def warm(self, holder_id: str) -> bool:
        """Load what this id names, so that the first use need not wait; False = not ours, or it cannot be done."""
        ...

    async def need_of(self, info: TextModelInfo) -> VramNeed | None:
        """Return what a text model of this program will need of a card before it answers.

        None = it is another program's model, or it takes no graphics memory here. Never raises.
        """
        ...
