"""``ai4artsed code render``: a file of p5.js or Tone.js code through the sandbox."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ai4artsed_desktop.adapters.assembly import make_renderer
from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.code_art import MAX_CODE_CHARS, RenderJob
from ai4artsed_desktop.domain.errors import ParameterError, TextTooLongError
from ai4artsed_desktop.engine.steps.rendering import verdict_error
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context


class CodeCommand:
    """Renders code files."""

    name = "code"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="render code art")
        actions = parser.add_subparsers(dest="action", required=True)
        render = actions.add_parser("render", help="exit code 1 when the code fails, hangs or tries to leave")
        render.add_argument("file", type=Path, metavar="FILE")
        render.add_argument("--framework", required=True, choices=["p5js", "tonejs"])
        render.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where the media go")
        render.add_argument("--seed", type=int, default=0, metavar="N")
        render.add_argument("--width", type=int, default=1024, metavar="PX")
        render.add_argument("--height", type=int, default=1024, metavar="PX")
        render.add_argument("--frames", type=int, default=1, metavar="N", help="more than 1 also makes an APNG")
        render.add_argument("--duration", type=float, default=24.0, metavar="S", help="length of the sound")
        render.add_argument("--json", action="store_true", help="print the verdict as JSON")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Render and print the media's paths, or the reason why there are none."""
        job = _job(options, await asyncio.to_thread(_read_code, options.file))
        renderer, watchdog = make_renderer(context.paths)
        try:
            verdict = await renderer.render(job)
        finally:
            watchdog.close()
        context.output.json(verdict.model_dump(mode="json"))
        if not verdict.ok:
            error = verdict_error(verdict).info()
            context.output.note(str(context.messages.error(error)))
            context.output.note(error.detail)
            return EXIT_FAILED
        for medium in verdict.media:
            context.output.answer(str(medium.path))
        return EXIT_DONE


def _job(options: argparse.Namespace, code: str) -> RenderJob:
    try:
        return RenderJob(
            framework=options.framework,
            code=code,
            seed=options.seed,
            width_px=options.width,
            height_px=options.height,
            frames=options.frames,
            duration_s=options.duration,
            out_dir=options.out.absolute(),
        )
    except ValidationError as exc:
        wrong = exc.errors()[0]
        raise ParameterError(name=str(wrong["loc"][0]), value=str(wrong["input"]), expected=wrong["msg"]) from exc


def _read_code(path: Path) -> str:
    with translated_errors(path):
        if path.stat().st_size > MAX_CODE_CHARS * 4:
            raise TextTooLongError(length=f"{path.stat().st_size:,}", limit=f"{MAX_CODE_CHARS:,}")
        code = path.read_bytes().decode("utf-8", "replace")
    if len(code) > MAX_CODE_CHARS:
        raise TextTooLongError(length=f"{len(code):,}", limit=f"{MAX_CODE_CHARS:,}")
    return code


COMMAND = CodeCommand()
