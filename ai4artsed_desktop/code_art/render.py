"""One job from its code to its files and verdict. Needs a QApplication and a running qasync loop."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtWebEngineCore import QWebEngineScript
from PySide6.QtWebEngineWidgets import QWebEngineView

from ai4artsed_desktop.code_art import capture
from ai4artsed_desktop.code_art.bundle import PageSettings, build_files
from ai4artsed_desktop.code_art.diagnose import (
    Diagnosis,
    explain_attempt,
    explain_end,
    explain_error,
    explain_nothing,
)
from ai4artsed_desktop.code_art.notes import Notebook
from ai4artsed_desktop.code_art.page import SketchPage
from ai4artsed_desktop.code_art.watch import Watch
from ai4artsed_desktop.domain.code_art import RenderedMedium, RenderFailure, RenderJob, RenderVerdict

#: Ticks of the virtual clock per second; js/clock.js moves in the same steps.
TICKS_PER_S = 60
#: From the page's start to the sketch's own code: a cold disk and a busy machine, nothing of the sketch.
_START_LIMIT_S = 30.0
#: Longest real time until setup() has run once the page is loaded: pictures inside the code are decoded meanwhile.
_READY_LIMIT_S = 5.0
_POLL_S = 0.01
#: After the last tick: refused navigations and error reports are still on their way.
_SETTLE_S = 0.05
#: How long an error waits for the report of its cause (a refused request comes by way of another process).
_LATE_REPORTS_S = 0.5
#: Elements are slow and large; a drawing needs one, with sliders and labels some dozens.
_ELEMENTS_LIMIT = 20_000
_SAMPLES_PER_PIECE = 2**18


class SketchFailedError(Exception):
    """The job ends here, for the reason in ``diagnosis``."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.diagnosis = diagnosis


async def render(job: RenderJob, libraries_dir: Path, *, process_sandbox: bool) -> RenderVerdict:
    """Render one job; a bad sketch is a verdict, not an exception.

    Raises:
        OSError: A bundled library cannot be read, or ``out_dir`` cannot be written to.
    """
    settings = PageSettings(job.seed, job.width_px, job.height_px, job.duration_s, capture.SAMPLE_RATE_HZ)
    files = build_files(job.framework, job.code, settings, libraries_dir)
    notes = Notebook(job.framework, job.code)
    rendering = _Rendering(job, files, notes)
    media: tuple[RenderedMedium, ...] = ()
    diagnosis: Diagnosis | None = None
    try:
        async with asyncio.timeout(job.time_limit_s):
            results = await rendering.run()
        media = tuple(capture.write_medium(medium, data) for medium, data in results)
    except SketchFailedError as failed:
        diagnosis = failed.diagnosis
        await rendering.hear_late_reports()
    except TimeoutError:
        diagnosis = explain_end(RenderFailure.TIMEOUT, f"not finished after {job.time_limit_s:.0f} s", job.code)
    finally:
        rendering.close()
    if diagnosis is not None and (attempt := notes.leaving_attempt()) is not None:
        diagnosis = explain_attempt(attempt)  # whatever failed then, failed because of it or is the smaller worry
    return _verdict(rendering, notes, diagnosis, media, process_sandbox=process_sandbox)


def _verdict(
    rendering: _Rendering,
    notes: Notebook,
    diagnosis: Diagnosis | None,
    media: tuple[RenderedMedium, ...],
    *,
    process_sandbox: bool,
) -> RenderVerdict:
    return RenderVerdict(
        ok=diagnosis is None,
        failure=diagnosis.failure if diagnosis else None,
        message=diagnosis.message if diagnosis else "",
        advice=diagnosis.advice if diagnosis else "",
        advice_params=diagnosis.params if diagnosis else {},
        line=diagnosis.line if diagnosis else 0,
        column=diagnosis.column if diagnosis else 0,
        console=tuple(notes.console),
        attempts=tuple(notes.attempts),
        media=media,
        elapsed_s=rendering.elapsed_s,
        sketch_s=rendering.sketch_s,
        process_sandbox=process_sandbox,
    )


class _Rendering:
    """The page of one job, and the conversation with it."""

    def __init__(self, job: RenderJob, files: dict[str, bytes], notes: Notebook) -> None:
        self._job = job
        self._notes = notes
        # Set when the watch ends the sketch; every wait for the page also waits for this.
        self._ended: asyncio.Future[Diagnosis] = asyncio.get_running_loop().create_future()
        self._loaded: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._sketch_started = asyncio.Event()
        self._opened_at_s = self._sketch_at_s = self._closed_at_s = time.monotonic()
        self._page = SketchPage(files)
        self._watch = Watch(self._page, notes, job.hang_limit_s, job.memory_limit_bytes, self._on_watch_ended)
        # Without a shown view the page's timers are throttled: Tone then takes twenty times as long.
        self._view = QWebEngineView()
        self._view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self._view.setPage(self._page)
        self._connect()

    def _connect(self) -> None:
        self._page.printed.connect(self._notes.add_line)
        self._page.reported.connect(self._notes.add_report)
        self._page.refused.connect(self._notes.add_refusal)
        self._page.sketch_started.connect(self._on_page_sketch_started)
        self._page.loadFinished.connect(self._on_page_load_finished)

    async def run(self) -> list[tuple[RenderedMedium, bytes]]:
        """Return what the sketch gives, checked.

        Raises:
            SketchFailedError: With the reason.
        """
        self._view.show()
        self._page.open()
        await self._wait_until_loaded()
        try:
            results = await (self._sound() if self._job.framework == "tonejs" else self._pictures())
        except (capture.EmptyPictureError, capture.SilenceError) as nothing:
            raise SketchFailedError(
                explain_nothing(self._notes, self._job.framework, self._job.code, str(nothing))
            ) from nothing
        except capture.InvalidSoundError as wrong:
            advice = "code_art.advice.invalid_sound"
            raise SketchFailedError(Diagnosis(RenderFailure.NO_OUTPUT, str(wrong), advice=advice)) from wrong
        except capture.CaptureError as wrong:
            raise SketchFailedError(Diagnosis(RenderFailure.NO_OUTPUT, str(wrong))) from wrong
        self._require_inside()  # assembling takes time in which a sketch may try
        return results

    def close(self) -> None:
        """Look no more, end the page's process, and delete page, then profile."""
        self._closed_at_s = time.monotonic()
        self._watch.stop()
        self._view.close()
        self._view.deleteLater()
        self._page.discard()

    @property
    def elapsed_s(self) -> float:
        """Seconds from the page's making to its closing."""
        return round(self._closed_at_s - self._opened_at_s, 3)

    @property
    def sketch_s(self) -> float:
        """Seconds from the sketch's own code to the page's closing; 0 if it never began."""
        return round(self._closed_at_s - self._sketch_at_s, 3) if self._sketch_started.is_set() else 0.0

    def _on_page_sketch_started(self) -> None:
        self._sketch_at_s = time.monotonic()
        self._watch.start()
        self._sketch_started.set()

    def _on_page_load_finished(self, is_ok: bool) -> None:
        if not self._loaded.done():
            self._loaded.set_result(is_ok)

    def _on_watch_ended(self, failure: RenderFailure, message: str) -> None:
        if not self._ended.done():
            self._ended.set_result(explain_end(failure, message, self._job.code))
        self._page.kill()

    async def _wait_until_loaded(self) -> None:
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                await self._sketch_started.wait()
        except TimeoutError as late:
            message = f"the page did not start within {_START_LIMIT_S:.0f} s"
            raise SketchFailedError(explain_end(RenderFailure.CRASH, message, self._job.code)) from late
        await asyncio.wait({self._loaded, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        self._check()
        if not self._loaded.result():
            # The page's files lie in memory: only a sketch that reloads or leaves it keeps it from loading.
            message = "the page did not load: the sketch asks for another one meanwhile"
            raise SketchFailedError(Diagnosis(RenderFailure.NO_OUTPUT, message, advice="code_art.advice.reload"))

    def _check(self) -> None:
        """Raise if the sketch was ended or failed by itself."""
        if self._ended.done():
            raise SketchFailedError(self._ended.result())
        if self._notes.first_error is not None:
            raise SketchFailedError(explain_error(self._notes.first_error, self._job.framework, self._job.code))

    async def _ask(self, script: str) -> str:
        """Return the text that a script in the page's world gives. Everything but text arrives as ``""``."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def on_answer(value: object) -> None:
            if not answer.done():
                answer.set_result(value)

        self._page.runJavaScript(script, QWebEngineScript.ScriptWorldId.MainWorld.value, on_answer)
        await asyncio.wait({answer, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        self._check()
        value = answer.result()
        return value if isinstance(value, str) else ""

    async def _ask_state(self, script: str) -> dict[str, object]:
        """Return the JSON object that a script of the host gives."""
        text = await self._ask(script)
        try:
            state: object = json.loads(text)
        except ValueError:
            state = None
        if not isinstance(state, dict):
            raise SketchFailedError(Diagnosis(RenderFailure.NO_OUTPUT, f"the page did not answer {script}"))
        return cast("dict[str, object]", state)

    async def _settle(self) -> None:
        """Wait for reports that are still on their way, and fail if the sketch tried to leave."""
        await asyncio.sleep(_SETTLE_S)
        await self._ask("''")
        self._require_inside()

    async def hear_late_reports(self) -> None:
        """Wait a moment for what was refused before: an error may overtake the report of its cause."""
        if self._notes.leaving_attempt() is None:
            await asyncio.wait({self._ended}, timeout=_LATE_REPORTS_S)

    def _require_inside(self) -> None:
        """Raise if the sketch tried to leave its page."""
        if (attempt := self._notes.leaving_attempt()) is not None:
            raise SketchFailedError(explain_attempt(attempt))

    # p5.js

    async def _pictures(self) -> list[tuple[RenderedMedium, bytes]]:
        job = self._job
        await self._wait_until_set_up()
        still_tick = job.still_frame  # p5 draws its first frame with the first tick
        frame_ticks = (
            [1 + round(index * TICKS_PER_S / job.fps) for index in range(job.frames)] if job.frames > 1 else []
        )
        taken = await self._take_at({still_tick, *frame_ticks})
        await self._settle()
        capture.require_something_drawn(taken[still_tick])
        results = [(capture.picture_medium(job.out_dir, job.width_px, job.height_px), taken[still_tick])]
        if frame_ticks:
            animation = capture.picture_medium(job.out_dir, job.width_px, job.height_px, job.frames, job.fps)
            frames = [taken[tick] for tick in frame_ticks]
            results.append((animation, await asyncio.to_thread(capture.assemble_apng, frames, job.fps)))
        return results

    async def _wait_until_set_up(self) -> None:
        give_up_s = time.monotonic() + _READY_LIMIT_S
        while True:
            state = await self._ask_state("__host.state()")
            if state.get("ready") is True:
                return
            # The sketch object is made in the page's load event, just before or just after our own.
            notes = self._notes
            is_hopeless = state.get("found") is not True or notes.missing_file() or notes.leaving_attempt()
            if is_hopeless or time.monotonic() > give_up_s:
                await self._settle()
                if (await self._ask_state("__host.state()")).get("ready") is not True:
                    raise capture.EmptyPictureError("setup() did not run")
            await asyncio.sleep(_POLL_S)

    async def _take_at(self, ticks: set[int]) -> dict[int, bytes]:
        """Move the clock and return the picture at each of the given ticks."""
        taken: dict[int, bytes] = {}
        total_bytes = 0
        is_still = False  # nothing is scheduled any more: each later picture equals this one
        picture = b""
        for tick in range(max(ticks) + 1):
            if tick and not is_still:
                is_still = await self._tick()
                picture = b""
            if tick in ticks:
                picture = picture or await self._take_picture()
                total_bytes += len(picture)
                taken[tick] = picture
            if total_bytes > capture.MAX_ANIMATION_BYTES:
                raise SketchFailedError(_too_large("the animation", total_bytes))
        return taken

    async def _tick(self) -> bool:
        """Move the clock by one tick and return whether nothing is scheduled any more."""
        state = await self._ask_state("__host.tick()")
        elements = state.get("elements")
        if isinstance(elements, int) and elements > _ELEMENTS_LIMIT:
            message = f"the sketch put {elements} elements on its page"
            raise SketchFailedError(explain_end(RenderFailure.MEMORY, message, self._job.code))
        return state.get("idle") is True

    async def _take_picture(self) -> bytes:
        drawn = await self._ask_state("__host.draw()")
        length = drawn.get("length")
        if not isinstance(length, int) or length > capture.MAX_TEXT_CHARS:
            raise SketchFailedError(_too_large("the picture", length if isinstance(length, int) else 0))
        return capture.decode_png(await self._ask("__host.take()"), self._job.width_px, self._job.height_px)

    # Tone.js

    async def _sound(self) -> list[tuple[RenderedMedium, bytes]]:
        await self._ask_state("__host.begin()")
        while (state := await self._ask_state("__host.tick()")).get("phase") != "done":
            if state.get("phase") == "failed":
                await self._settle()
                raise SketchFailedError(Diagnosis(RenderFailure.RUNTIME, "the piece did not come to its end"))
            await asyncio.sleep(_POLL_S)
        await self._settle()
        samples = state.get("samples")
        wanted = round(self._job.duration_s * capture.SAMPLE_RATE_HZ)
        if state.get("channels") != 2 or not isinstance(samples, int) or abs(samples - wanted) > 1:
            raise capture.CaptureError("the page gave a sound of another length")
        channels = [await self._take_channel(channel, samples) for channel in range(2)]
        data = await asyncio.to_thread(capture.encode_wav, channels)
        return [(capture.sound_medium(self._job.out_dir, samples), data)]

    async def _take_channel(self, channel: int, samples: int) -> capture.Samples:
        pieces: list[capture.Samples] = []
        for first in range(0, samples, _SAMPLES_PER_PIECE):
            count = min(_SAMPLES_PER_PIECE, samples - first)
            text = await self._ask(f"__host.take({channel}, {first}, {count})")
            pieces.append(capture.decode_samples(text, count))
        return capture.join_samples(pieces)


def _too_large(what: str, size: int) -> Diagnosis:
    return Diagnosis(
        RenderFailure.TOO_LARGE,
        f"{what} is larger than can be taken over ({size // 1_000_000} MB)",
        advice="code_art.advice.too_large",
    )
