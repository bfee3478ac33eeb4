"""Sketches that hang, fill the memory or flood: each is ended soon after its start, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from ai4artsed_desktop.domain.code_art import RenderFailure, RenderJob
from tests.support.renderers import LIBRARIES_DIR, ROOT, helpers_of, run_renderer, start_renderer, survivors

pytestmark = pytest.mark.webengine

SETUP = "function setup() { createCanvas(10, 10); }\n"
EATING = SETUP + "const a = [];\nfunction draw() { a.push(new Uint8Array(1e8).fill(1)); }"
#: The customer's limit, from the sketch's start to its end.
END_LIMIT_S = 5.0


@pytest.mark.parametrize(
    ("framework", "code", "failure", "line"),
    [
        ("p5js", SETUP + "function draw() {\n  while (true) {}\n}", RenderFailure.HANG, 3),
        ("p5js", "while (true) {}", RenderFailure.HANG, 1),
        ("p5js", SETUP + "(async () => { for (;;) await null; })();", RenderFailure.HANG, 2),
        ("tonejs", "for (;;) {}", RenderFailure.HANG, 1),
        ("p5js", EATING, RenderFailure.MEMORY, 0),
        ("p5js", SETUP + "function draw() { for (;;) console.log('x'); }", RenderFailure.FLOOD, 2),
        ("p5js", SETUP + "function draw() { for (let i = 0; i < 5000; i++) console.log(i); }", RenderFailure.FLOOD, 0),
        ("p5js", "for (;;) alert('x');", RenderFailure.FLOOD, 1),
        ("p5js", "for (;;) window.open('http://127.0.0.1:9/' + Math.random());", RenderFailure.LEFT_SANDBOX, 0),
    ],
)  # fmt: skip
async def test_a_sketch_that_does_not_stop_is_stopped(
    tmp_path: Path, framework: str, code: str, failure: RenderFailure, line: int
):
    result = await run_renderer(
        tmp_path,
        framework,
        code,
        width_px=50,
        height_px=50,
        duration_s=1,
        still_frame=600,
        memory_limit_bytes=700_000_000,
    )
    verdict = result.verdict
    assert (verdict.ok, verdict.failure, verdict.line) == (False, failure, line)
    assert 0 < verdict.sketch_s < END_LIMIT_S
    assert verdict.media == ()
    assert result.exit_status == 0
    assert result.left_over == []


async def test_a_full_javascript_heap_is_told_as_memory(tmp_path: Path):
    code = (
        SETUP + "const a = [];\nfunction draw() { for (let i = 0; i < 100; i++) a.push(new Array(100000).fill(1.5)); }"
    )
    verdict = (await run_renderer(tmp_path, "p5js", code, width_px=50, height_px=50, still_frame=600)).verdict
    assert verdict.failure == RenderFailure.MEMORY
    assert 0 < verdict.sketch_s < END_LIMIT_S


HANGING = RenderJob(framework="p5js", code="while (true) {}", hang_limit_s=60, out_dir=Path())


async def helpers_when_running(pid: int) -> list[psutil.Process]:
    """Wait until the page's own process works on the sketch, and return all helpers."""
    async with asyncio.timeout(30):
        while True:
            helpers = helpers_of(pid)
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(helper.cpu_times().user > 0.5 for helper in helpers):
                    return helpers
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("way", ["end of input", "TERM", "KILL"])
async def test_a_renderer_that_nobody_waits_for_ends_with_all_its_helpers(tmp_path: Path, way: str):
    process = await start_renderer(HANGING.model_copy(update={"out_dir": tmp_path}))
    assert process.stdin is not None and process.stdout is not None
    helpers = await helpers_when_running(process.pid)
    assert len(helpers) >= 2
    if way == "end of input":
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM if way == "TERM" else signal.SIGKILL)
    async with asyncio.timeout(10):
        assert await process.wait() != 0
    process.stdin.close()
    assert await process.stdout.read() == b""
    assert await survivors(helpers) == []


async def test_a_renderer_ends_when_the_program_that_started_it_is_killed(tmp_path: Path):
    job = HANGING.model_copy(update={"out_dir": tmp_path}).model_dump_json()
    command = [sys.executable, "-m", "ai4artsed_desktop.code_art", "--libraries", str(LIBRARIES_DIR)]
    program = f"""
import subprocess, time
child = subprocess.Popen({command!r}, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
child.stdin.write({job!r}.encode() + b"\\n")
child.stdin.flush()
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    renderer = psutil.Process(int(await parent.stdout.readline()))
    family = [renderer, *await helpers_when_running(renderer.pid)]
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    assert await survivors(family) == []
