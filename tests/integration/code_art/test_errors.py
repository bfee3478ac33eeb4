"""Sketches with mistakes: each ends with its reason, its line, and no medium."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.code_art import RenderFailure
from tests.support.renderers import run_renderer

pytestmark = pytest.mark.webengine

SETUP = "function setup() { createCanvas(10, 10); }\n"


UNKNOWN_NAME = SETUP + "function draw() {\n  background(0);\n  fil(3);\n}"
IN_TIMER = SETUP + "setTimeout(() => {\n  nope(); }, 100)"
MISSING_FILE = "let a;\nfunction preload() { a = loadImage('cat.png'); }\n" + SETUP
IN_LOOP = "const s = new Tone.Synth();\nnew Tone.Loop((t) => {\n  s.nope(t); }, 1).start(0);"
SILENT = "const s = new Tone.Synth().toDestination();"


@pytest.mark.parametrize(
    ("framework", "code", "failure", "line", "column", "advice"),
    [
        ("p5js", SETUP + "let x = ;", RenderFailure.SYNTAX, 2, 9, "syntax"),
        ("p5js", UNKNOWN_NAME, RenderFailure.RUNTIME, 4, 3, "unknown_name"),
        ("p5js", IN_TIMER, RenderFailure.RUNTIME, 3, 3, "unknown_name"),
        ("p5js", SETUP + "function draw() { }", RenderFailure.NO_OUTPUT, 0, 0, "empty_picture"),
        ("p5js", "let a = 1;", RenderFailure.NO_OUTPUT, 0, 0, "no_setup"),
        ("p5js", MISSING_FILE, RenderFailure.NO_OUTPUT, 0, 0, "missing_file"),
        ("p5js", "location.reload();\n" + SETUP, RenderFailure.NO_OUTPUT, 0, 0, "reload"),
        ("tonejs", "nope();", RenderFailure.RUNTIME, 1, 1, "unknown_name"),
        ("tonejs", "function compose() {\n}}", RenderFailure.SYNTAX, 2, 0, "syntax"),
        ("tonejs", SILENT, RenderFailure.NO_OUTPUT, 0, 0, "silent"),
        ("tonejs", IN_LOOP, RenderFailure.RUNTIME, 3, 5, ""),
    ],
)
async def test_a_mistake_is_named_with_its_place_and_leaves_no_file(
    tmp_path: Path, framework: str, code: str, failure: RenderFailure, line: int, column: int, advice: str
):
    result = await run_renderer(tmp_path, framework, code, width_px=50, height_px=50, duration_s=1)
    verdict = result.verdict
    assert not verdict.ok
    assert (verdict.failure, verdict.line, verdict.column) == (failure, line, column)
    assert verdict.advice.removeprefix("code_art.advice.") == advice
    assert verdict.message
    assert verdict.media == ()
    assert await asyncio.to_thread(os.listdir, tmp_path) == []
    assert result.left_over == []
