"""The guided installation of ComfyUI, with a made-up Python that does what the real programs would leave on disk."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.services import comfyui_install
from ai4artsed_desktop.adapters.services.comfyui import ComfyUiDriver
from ai4artsed_desktop.adapters.services.comfyui_install import ComfyUiInstaller
from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.services import ServiceLogGrew, SetupEnded, SetupOfflineError, SetupProgressed
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.service_setup import ServiceSetup
from tests.support.fake_children import is_alive, until
from tests.support.probe import EventProbe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the made-up Python is a shell script")

PYTHON = """#!/bin/sh
echo "$0 $@" >> "{notes}"
echo "DO_NOT_TRACK=$DO_NOT_TRACK VIRTUAL_ENV=$VIRTUAL_ENV" >> "{notes}"
case "$*" in
  *"-m venv"*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
  *"-m pip"*) echo "Collecting comfy-cli"; {pip} ;;
  *"install --"*) echo "Cloning to $5" >&2; {comfyui} ;;
esac
"""
CLONES = 'mkdir -p "$5/.venv/bin"; touch "$5/main.py" "$5/nodes.py" "$5/.venv/bin/python"'


@dataclass
class SetUp:
    """A set-up service and what it said.

    Attributes:
        notes: What the made-up Python was called with.
        target: Where ComfyUI is to go.
    """

    service: ServiceSetup
    probe: EventProbe
    notes: Path
    target: Path

    async def ended(self) -> SetupEnded:
        return await self.probe.next(SetupEnded, timeout_s=30)

    def calls(self) -> list[str]:
        return self.notes.read_text().splitlines()


@asynccontextmanager
async def set_up(
    folder: Path, *, pip: str = "true", comfyui: str = CLONES, is_local_only: bool = False
) -> AsyncGenerator[SetUp]:
    """Give a set-up service whose programs do this."""
    notes, python = folder / "notes.txt", folder / "python"
    python.write_text(PYTHON.format(notes=notes, pip=pip, comfyui=comfyui))
    python.chmod(0o755)
    driver = ComfyUiDriver(Settings, NetworkGuard(lambda: False), folder / "own")
    installer = ComfyUiInstaller(folder / "tool", driver, Guards(), accelerator=lambda: "cpu", python=str(python))
    bus = EventBus()
    service = ServiceSetup(bus, {"comfyui": installer}, lambda: is_local_only)
    with EventProbe(bus) as probe:
        try:
            yield SetUp(service, probe, notes, folder / "new" / "ComfyUI größer")
        finally:
            await service.aclose()


@pytest.fixture(autouse=True)
def enough_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the made-up ComfyUI need no space."""
    monkeypatch.setitem(comfyui_install.NEEDED_GB, "cpu", 0.0)


async def test_it_runs_the_official_installer_in_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "ours")
    async with set_up(tmp_path) as s:
        s.service.start("comfyui", s.target)
        s.service.start("comfyui", s.target)  # the same one goes on
        end = await s.ended()
        assert end.error is None
        assert end.install is not None
        assert end.install.folder == str(s.target)
        assert end.install.program == str(s.target / ".venv" / "bin" / "python")
        tool = tmp_path / "tool" / "bin" / "python"
        assert s.calls()[::2] == [
            f"{tmp_path / 'python'} -m venv {tmp_path / 'tool'}",
            f"{tool} -m pip install --upgrade --progress-bar=off comfy-cli>=1.23",
            f"{tool} -m comfy_cli --skip-prompt --workspace {s.target} --no-json install --cpu",
        ]
        assert set(s.calls()[1::2]) == {"DO_NOT_TRACK=1 VIRTUAL_ENV="}
        steps = [(event.key, event.step, event.steps) for event in s.probe.of(SetupProgressed)]
        assert steps == [("setup.environment", 1, 3), ("setup.installer", 2, 3), ("setup.comfyui", 3, 3)]
        lines = [line.text for event in s.probe.of(ServiceLogGrew) for line in event.lines]
        assert lines == ["Collecting comfy-cli", f"Cloning to {s.target}"]
        assert [line.text for line in s.service.log("comfyui").find("cloning")] == lines[1:]


async def test_a_step_that_fails_is_named_with_its_last_words(tmp_path: Path) -> None:
    async with set_up(tmp_path, pip='echo "No matching distribution"; exit 1') as s:
        s.service.start("comfyui", s.target)
        error = (await s.ended()).error
        assert error is not None
        assert (error.code, error.params["step"]) == ("error.setup.failed", "setup.installer")
        assert "No matching distribution" in error.detail


async def test_an_installer_that_leaves_nothing_has_failed(tmp_path: Path) -> None:
    async with set_up(tmp_path, comfyui="true") as s:
        s.service.start("comfyui", s.target)
        error = (await s.ended()).error
        assert error is not None
        assert error.code == "error.setup.failed"


async def test_cancel_ends_the_program_with_everything_it_started(tmp_path: Path) -> None:
    async with set_up(tmp_path, comfyui="sleep 600 & echo $!; wait") as s:
        s.service.start("comfyui", s.target)
        await until(lambda: len(s.service.log("comfyui").find()) == 3, limit_s=20)
        (child,) = (int(line.text) for line in s.service.log("comfyui").find() if line.text.isdecimal())
        s.service.cancel("comfyui")
        assert (await s.ended()).is_cancelled
        await until(lambda: not is_alive(child))


async def test_an_installation_that_broke_off_goes_on(tmp_path: Path) -> None:
    async with set_up(tmp_path) as s:
        s.target.mkdir(parents=True)
        (s.target / "main.py").touch()
        (s.target / "nodes.py").touch()
        s.service.start("comfyui", s.target)
        assert (await s.ended()).error is None
        assert s.calls()[-2].endswith("install --cpu --restore")


async def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    async with set_up(tmp_path) as s:
        s.target.mkdir(parents=True)
        (s.target / "holiday.jpg").touch()
        s.service.start("comfyui", s.target)
        error = (await s.ended()).error
        assert error is not None
        assert error.code == "error.setup.folder"
        assert not s.notes.exists(), "nothing was begun"


async def test_too_little_space_is_said_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(comfyui_install.NEEDED_GB, "cpu", 1e9)
    async with set_up(tmp_path) as s:
        s.service.start("comfyui", s.target)
        error = (await s.ended()).error
        assert error is not None
        assert (error.code, error.params["needed_gb"]) == ("error.setup.space", "1000000000")
        assert not s.notes.exists()


async def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with set_up(tmp_path) as s:
        s.service.start("comfyui", s.target)
        error = (await s.ended()).error
        assert error is not None
        assert (error.code, error.params["tool"]) == ("error.setup.tool", "git")


async def test_local_only_and_unknown_names_are_refused_at_once(tmp_path: Path) -> None:
    async with set_up(tmp_path, is_local_only=True) as s:
        with pytest.raises(SetupOfflineError):
            s.service.start("comfyui", s.target)
        with pytest.raises(UnknownEntryError):
            s.service.start("nothing", s.target)
