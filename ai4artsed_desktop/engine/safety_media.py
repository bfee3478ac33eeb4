"""The gate around pictures: one that nobody checked neither goes into a model nor is written or shown.

At ``kids`` and ``youth`` every picture and mask that a person gives is checked, whatever is made of it; a medium that
lies on a server only cannot be looked at and stops the run (``domain.server_media``). Of what is made, every picture
and film is checked that an AI model made, or that code drew which a model or a person wrote. What is not: the
sketchbook's drawings and music. They come from our own rules, which turn words into abstract motifs; the same words,
checked before, always give the same shapes. Sound has been checked as text.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.chunks import Chunk, ProcessingChunk, PythonChunk
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import RunRecord, SafetyLevel
from ai4artsed_desktop.domain.safety.verdicts import CHECKED_LEVELS, Verdict
from ai4artsed_desktop.engine.catalog import CatalogEntry
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.safety import INPUT_PICTURE, SafetyGate, demand, record_of
from ai4artsed_desktop.engine.safety_run import RunGate


@dataclass(frozen=True, slots=True)
class Frames:
    """What a medium shows: whole picture files, none if it could not be taken apart; and the digest of its file."""

    pictures: tuple[bytes, ...]
    sha256: str


class FrameReader(Protocol):
    """Takes pictures and films apart for a model that sees."""

    def read(self, medium: ProducedMedium) -> Frames:
        """Return a medium's frames. Blocks. Raises StorageError."""
        ...


class MediaGate:
    """Lets the media of one output pass, or stops them.

    Args:
        frames: Takes media apart; None = nothing can, so that nothing passes where a check is due.
    """

    def __init__(self, gate: SafetyGate, run: RunGate, entry: CatalogEntry[Chunk], frames: FrameReader | None) -> None:
        self._gate = gate
        self._level: SafetyLevel = run.level
        self._frames = frames
        self._keep = run.keep
        self._chunk = entry.value
        self._held: list[ProducedMedium] = []
        is_sketchbook = isinstance(entry.value, PythonChunk) and entry.origin == "shipped"
        self._is_checked = run.level in CHECKED_LEVELS and not is_sketchbook

    async def demand_eyes(self) -> None:
        """Raise before minutes of work if what this output makes could not be checked then.

        Raises:
            SafetyUnavailableError.
        """
        if self._is_checked and _shows(self._chunk) and not await self._gate.can_see():
            demand(Verdict("unavailable", self._level, (Reason("safety.reason.no_vision"),)))

    async def admit(self, medium: ProducedMedium) -> list[ProducedMedium]:
        """Return the media that may be saved now; code waits for the picture that it draws.

        Raises:
            SafetyBlockedError, SafetyUnavailableError: The medium is not to be seen; the refusal is recorded.
        """
        if not self._is_checked or medium.kind in ("audio", "text", "tonejs"):
            return [medium]
        if medium.kind == "p5":
            self._held.append(medium)
            return []
        frames = await asyncio.to_thread(self._frames.read, medium) if self._frames is not None else Frames((), "")
        verdict = await self._gate.check_picture(frames.pictures, self._level)
        await self._keep("safety_output", {**record_of(verdict), "kind": medium.kind, "sha256": frames.sha256})
        demand(verdict)
        held, self._held = self._held, []
        return [*held, medium]


async def admit_inputs(gate: SafetyGate, run: RunGate, frames: FrameReader | None, record: RunRecord, at: Path) -> None:
    """Let the pictures pass that a run's outputs get, as they lie in its folder ``at``.

    Raises:
        SafetyBlockedError, SafetyUnavailableError: One is not to be used; the refusal is recorded.
        StorageError: One cannot be read.
    """
    if run.level not in CHECKED_LEVELS:
        return
    mimes = {entity.filename: entity.mime for entity in record.entities}
    for key, name in record.images.items():
        path = at / name
        picture = ProducedMedium("input", mimes[name], path.suffix.removeprefix("."), path=path)
        seen = await asyncio.to_thread(frames.read, picture) if frames is not None else Frames((), "")
        verdict = await gate.check_picture(seen.pictures, run.level)
        if verdict.verdict == "block":
            verdict = replace(verdict, reasons=(Reason(INPUT_PICTURE), *verdict.reasons))
        await run.keep("safety_input", {**record_of(verdict), "parameter": key, "sha256": seen.sha256})
        demand(verdict)


def _shows(chunk: Chunk) -> bool:
    """Tell whether a chunk makes something to look at."""
    if isinstance(chunk, ProcessingChunk):
        return False
    return chunk.media_type in ("image", "video") or getattr(chunk, "framework", None) == "p5js"
