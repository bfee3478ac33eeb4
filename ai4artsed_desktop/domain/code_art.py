"""What the sandboxed renderer is asked for and what it answers: one JSON job in, one JSON verdict out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Framework = Literal["p5js", "tonejs"]

#: A sketch of more than this many characters is not a sketch.
MAX_CODE_CHARS = 1_000_000


class RenderJob(BaseModel):
    """One piece of code to render, and how.

    The result depends on ``framework``, ``code``, ``seed`` and the sizes alone: the clock is virtual and every source
    of chance is seeded, so the same job gives the same bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    framework: Framework
    code: str = Field(max_length=MAX_CODE_CHARS)
    seed: int = Field(default=0, ge=0, le=2**53 - 1, description="JavaScript's largest exact integer bounds it")
    width_px: int = Field(default=1024, ge=16, le=4096)
    height_px: int = Field(default=1024, ge=16, le=4096)
    frames: int = Field(default=1, ge=1, le=600, description="p5js: more than 1 = an APNG of so many frames as well")
    fps: int = Field(default=30, ge=1, le=60)
    still_frame: int = Field(
        default=60, ge=1, le=3600, description="p5js: the still shows the canvas after this many frames of 1/60 s"
    )
    duration_s: float = Field(default=24.0, gt=0, le=300, description="tonejs: length of the rendered WAV")
    hang_limit_s: float = Field(default=2.0, gt=0, le=60)
    memory_limit_bytes: int = Field(default=1_500_000_000, ge=100_000_000)
    out_dir: Path

    @property
    def time_limit_s(self) -> float:
        """The renderer's own absolute limit in seconds: generous, but it ends what keeps answering for ever."""
        if self.framework == "tonejs":
            return 30 + 3 * self.duration_s
        ticks = max(self.still_frame, self.frames * 60 // self.fps if self.frames > 1 else 0)
        return 30 + ticks * 0.1 + self.frames * self.width_px * self.height_px / 1e6 * 0.5


class RenderFailure(StrEnum):
    """Why a sketch gave nothing."""

    SYNTAX = "syntax"
    RUNTIME = "runtime"
    HANG = "hang"
    MEMORY = "memory"
    FLOOD = "flood"
    CRASH = "crash"
    NO_OUTPUT = "no_output"
    TOO_LARGE = "too_large"
    LEFT_SANDBOX = "left_sandbox"
    RENDERER_MISSING = "renderer_missing"
    TIMEOUT = "timeout"


class RenderedMedium(BaseModel):
    """One file that the renderer wrote into the job's ``out_dir``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    mime: str
    sha256: str
    bytes: int
    width_px: int | None = None
    height_px: int | None = None
    duration_s: float | None = None
    frames: int | None = None


class ConsoleLine(BaseModel):
    """One line the sketch printed or an error it caused; ``line`` and ``column`` count from 1, 0 = unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["info", "warning", "error"]
    text: str
    line: int = 0
    column: int = 0


class RenderVerdict(BaseModel):
    """The renderer's answer.

    ``attempts`` lists what the sketch tried that the sandbox refused, as a kind and an address: ``network``, ``file``,
    ``navigation``, ``popup`` and ``webrtc`` fail the job with ``LEFT_SANDBOX``; ``asset`` (a file that does not exist),
    ``download``, ``permission``, ``dialog``, ``reload`` and ``refused`` (by policy, with nowhere to go) are only told.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ok: bool
    failure: RenderFailure | None = None
    message: str = Field(default="", description="Technical, in English: the browser's words or what was measured")
    advice: str = Field(
        default="", description="Key of a text in the language files: what probably went wrong and what helps"
    )
    advice_params: dict[str, str] = Field(default_factory=dict[str, str])
    line: int = 0
    column: int = 0
    console: tuple[ConsoleLine, ...] = ()
    attempts: tuple[str, ...] = ()
    media: tuple[RenderedMedium, ...] = ()
    elapsed_s: float = Field(default=0.0, description="Real time from the page's start to its end")
    sketch_s: float = Field(default=0.0, description="The part of it after the sketch's own code began")
    process_sandbox: bool = Field(
        default=True, description="False when Chromium's own process sandbox is off (running as root)"
    )
