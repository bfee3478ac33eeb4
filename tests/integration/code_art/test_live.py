"""The live view: plays, stops, and ends what misbehaves."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from tests.support.renderers import LIBRARIES_DIR, ROOT

pytestmark = pytest.mark.webengine


async def watch(framework: str, code: str, watch_s: float) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.code_art.live_program",
        framework,
        str(LIBRARIES_DIR),
        str(watch_s),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate(code.encode())
    assert process.returncode == 0
    return json.loads(output)


async def test_a_sketch_plays_on_the_real_clock_until_it_is_stopped():
    code = (
        "function setup() { createCanvas(200, 100); }\nfunction draw() { background(millis() > 500 ? 'lime' : 'red'); }"
    )
    assert await watch("p5js", code, 3) == {"playing": True, "color": "#00ff00", "playing_after_stop": False}


async def test_a_piece_plays_without_a_click():
    code = (
        "const s = new Tone.Synth().toDestination();\n"
        "Tone.getTransport().schedule((t) => { s.triggerAttackRelease('C4', 1, t); throw new Error('played'); }, 0.2);"
    )
    found = await watch("tonejs", code, 8)
    assert (found["failure"], found["line"], found["playing"]) == ("runtime", 2, False)


async def test_an_endless_loop_is_ended_and_told():
    found = await watch("p5js", "function setup() {\n  while (true) {}\n}", 15)
    assert (found["failure"], found["line"], found["playing"]) == ("hang", 2, False)
