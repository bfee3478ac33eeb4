from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.launch import CHILD_MODULES, child_argv, child_cwd


def test_every_helper_program_exists() -> None:
    assert all(importlib.util.find_spec(module) for module in CHILD_MODULES.values())


def test_a_bundle_calls_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert child_argv("llm", "{}") == [sys.executable, "--child", "llm", "{}"]


async def test_a_file_in_the_person_s_folder_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    async with await ChildProcess.start(child_argv("watchdog"), name="t", cwd=child_cwd()) as child:
        assert await child.wait() == 0
        assert child.tail() == []
