"""A PythonChunkContext around the real sandbox, for tests of chunk files without the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ai4artsed_desktop.domain.code_art import Framework, RenderVerdict
from tests.support.renderers import run_renderer


@dataclass
class RenderingContext:
    """Renders into ``work_dir`` and remembers what was reported."""

    text: str
    work_dir: Path
    seed: int = 7
    language: str = "de"
    messages: list[str] = field(default_factory=list[str])

    async def progress(self, fraction: float | None, message: str) -> None:
        """Remember the message."""
        self.messages.append(message)

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
        """Render in the sandbox; the test fails if nothing comes."""
        rendering = await run_renderer(
            self.work_dir,
            framework,
            code,
            seed=self.seed,
            width_px=width_px,
            height_px=height_px,
            frames=frames,
            duration_s=duration_s,
        )
        assert rendering.verdict.ok, (rendering.verdict.failure, rendering.verdict.message)
        return rendering.verdict
