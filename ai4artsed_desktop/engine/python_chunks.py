"""The contract of python chunks (``chunks/*.py``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.code_art import Framework, RenderVerdict


@dataclass(frozen=True, slots=True)
class ProducedMedium:
    """One result of a chunk.

    Exactly one of ``data`` and ``path`` is set; a ``path`` lies in the context's ``work_dir`` and is moved from there.

    Attributes:
        kind: Entity type in the run record: ``image``, ``audio``, ``video``, ``p5``, ``tonejs``, ``text``.
        extension: File name extension without the dot.
        metadata: Facts worth recording (family, palette, size, framework …); JSON values only.
    """

    kind: str
    mime: str
    extension: str
    data: bytes | None = None
    path: Path | None = None
    metadata: dict[str, object] = field(default_factory=dict[str, object])


class PythonChunkContext(Protocol):
    """What a python chunk's ``execute`` may use; the only way out of the chunk.

    A chunk file ``chunks/<name>.py`` has a literal dict ``CHUNK`` (read without executing the file: see
    ``domain/chunks.py``, PythonChunk) and
    ``async def execute(context: PythonChunkContext, **parameters) -> list[ProducedMedium]``, whose keyword parameters
    are those of ``CHUNK["input_mappings"]``.
    """

    @property
    def text(self) -> str:
        """The transformed text."""
        ...

    @property
    def language(self) -> str:
        """Language of the text if known, else the person's."""
        ...

    @property
    def seed(self) -> int:
        """The run's seed, 0 … 2**32 - 1."""
        ...

    @property
    def work_dir(self) -> Path:
        """Empty scratch folder of this execution."""
        ...

    async def progress(self, fraction: float | None, message: str) -> None:
        """Report progress, 0.0 … 1.0 or None for unknown; ``message`` is a language-file key."""
        ...

    async def render(
        self,
        framework: Framework,
        code: str,
        *,
        width_px: int = 1024,
        height_px: int = 1024,
        frames: int = 1,
        duration_s: float = 24.0,
    ) -> RenderVerdict:
        """Render code in the sandbox into ``work_dir``.

        Raises:
            CodeArtError: It gave nothing; with line and reason.
        """
        ...
