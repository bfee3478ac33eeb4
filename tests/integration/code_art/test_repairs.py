"""Repairs against the real sandbox: what the browser says of a mistake is what the model is told, and mending helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai4artsed_desktop.domain.code_art import RenderVerdict
from ai4artsed_desktop.engine.code_repair import CodeAuthor, repair
from tests.support.renderers import run_renderer

pytestmark = pytest.mark.webengine

GOOD = "function setup() { createCanvas(64, 64); background(200); circle(32, 32, 20); noLoop(); }"
SYNTAX = GOOD.replace("circle(32, 32, 20);", "circle(32 32, 20);\n")
RUNTIME = GOOD.replace("circle(", "cirkle(")


class Coder:
    """Mends one mistake in each round, in order."""

    def __init__(self, *versions: str) -> None:
        self.versions = list(versions)
        self.complaints: list[str] = []
        self.kept: list[object] = []

    async def rewrite(self, complaint: str, number: int) -> tuple[str, str]:
        self.complaints.append(complaint)
        return self.versions[number - 1], "fake/coder"

    async def keep(self, stem: str, data: object) -> None:
        self.kept.append((stem, data))


async def test_a_syntax_error_and_then_a_runtime_error_are_told_and_mended(tmp_path: Path) -> None:
    async def render(code: str) -> RenderVerdict:
        return (await run_renderer(folder_in(tmp_path), "p5js", code, width_px=64, height_px=64)).verdict

    coder, told = Coder(RUNTIME, GOOD), list[str]()
    author = CodeAuthor(coder.rewrite, lambda label, text: told.append(f"{label} {text}"))
    state = await repair(author, "p5js", SYNTAX, await render(SYNTAX), render, coder.keep)
    assert state.verdict.ok and state.code == GOOD and len(state.verdict.media) == 1
    assert "syntax" in coder.complaints[0] and "runtime" in coder.complaints[1]
    assert "cirkle is not defined" in coder.complaints[1] and coder.complaints[1].endswith(RUNTIME)
    assert [line.split()[0] for line in told] == ["round.repair_1", "round.repair_2"]
    assert [fault["error_before"]["failure"] for fault in state.rounds] == ["syntax", "runtime"]


def folder_in(parent: Path) -> Path:
    """Make one more empty folder."""
    made = parent / str(len(list(parent.iterdir())))
    made.mkdir()
    return made
