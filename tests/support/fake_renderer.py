"""A code renderer without a browser: writes real, tiny files, at once or when told."""

from __future__ import annotations

import asyncio
import hashlib
import io
import wave

from PIL import Image

from ai4artsed_desktop.domain.code_art import RenderedMedium, RenderFailure, RenderJob, RenderVerdict


class FakeRenderer:
    """Renders each job to a picture or a sound made from its code and seed.

    Attributes:
        jobs: What was asked for, in order.
        rendering: Set while a job is at work.
        going_on: While cleared, jobs wait.
        cancelled: How many jobs were cancelled.
        failure: Every job fails with it.
        library: Name of the library that is missing here.
    """

    def __init__(self) -> None:
        self.jobs: list[RenderJob] = []
        self.rendering = asyncio.Event()
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.cancelled = 0
        self.failure: RenderFailure | None = None
        self.library: str | None = None

    async def render(self, job: RenderJob) -> RenderVerdict:
        self.jobs.append(job)
        self.rendering.set()
        try:
            await self.going_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.rendering.clear()
        if self.failure is not None:
            return RenderVerdict(ok=False, failure=self.failure, message="as told", line=3)
        data, name, mime = _picture(job) if job.framework == "p5js" else _sound(job)
        path = job.out_dir / name
        path.write_bytes(data)
        medium = RenderedMedium(path=path, mime=mime, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        return RenderVerdict(ok=True, media=(medium,))

    async def problem(self) -> str | None:
        return self.library


def _colour(job: RenderJob) -> bytes:
    return hashlib.sha256(f"{job.seed}{job.code}".encode()).digest()


def _picture(job: RenderJob) -> tuple[bytes, str, str]:
    red, green, blue = _colour(job)[:3]
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (red, green, blue)).save(buffer, "PNG")
    return buffer.getvalue(), "picture.png", "image/png"


def _sound(job: RenderJob) -> tuple[bytes, str, str]:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(_colour(job))
    return buffer.getvalue(), "sound.wav", "audio/wav"
