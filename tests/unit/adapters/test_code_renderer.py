"""The renderer's adapter: what it says when the child ends without an answer."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ai4artsed_desktop.adapters import code_renderer
from ai4artsed_desktop.adapters.code_renderer import ChildCodeRenderer
from ai4artsed_desktop.domain.code_art import RenderFailure, RenderJob
from ai4artsed_desktop.domain.errors import DiskFullError


@pytest.fixture
def job(tmp_path: Path) -> RenderJob:
    return RenderJob(framework="p5js", code="x", out_dir=tmp_path)


def child(monkeypatch: pytest.MonkeyPatch, script: str) -> ChildCodeRenderer:
    """Return a renderer whose child is a small Python script."""

    def argv(*arguments: str) -> list[str]:
        return [sys.executable, "-c", script]

    monkeypatch.setattr(code_renderer, "child_argv", argv)
    return ChildCodeRenderer(Path("libraries"))


async def test_a_child_that_ends_without_an_answer_is_a_crash(monkeypatch: pytest.MonkeyPatch, job: RenderJob) -> None:
    verdict = await child(monkeypatch, "import sys; print('why', file=sys.stderr); sys.exit(3)").render(job)
    assert not verdict.ok and verdict.failure is RenderFailure.CRASH and "ended with 3" in verdict.message


async def test_a_child_that_talks_nonsense_is_a_crash(monkeypatch: pytest.MonkeyPatch, job: RenderJob) -> None:
    verdict = await child(monkeypatch, """print('hello'); print('{"ok": 7}')""").render(job)
    assert verdict.failure is RenderFailure.CRASH


async def test_an_answer_among_other_lines_is_found(monkeypatch: pytest.MonkeyPatch, job: RenderJob) -> None:
    verdict = await child(monkeypatch, """print('noise'); print('{"ok": true}')""").render(job)
    assert verdict.ok


async def test_a_crash_on_a_full_disk_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch, job: RenderJob) -> None:
    def nearly_full(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with pytest.raises(DiskFullError):
        await child(monkeypatch, "import sys; sys.exit(1)").render(job)
