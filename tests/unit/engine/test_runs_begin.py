"""How a run begins: its folder is made while its checks go on, and it is announced when the folder is there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.storage import run_store
from ai4artsed_desktop.domain.errors import DiskFullError
from ai4artsed_desktop.domain.events import Event, RunCancelled, RunFailed, RunQueued, RunStarted
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from tests.support.fake_backend import FakeBackend
from tests.support.world import open_world, request


class SlowDisk:
    """Holds the making of folders until it may go on; then it fails if it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_full: bool = False) -> None:
        self.may_go_on = threading.Event()
        self.is_full = is_full
        self._make = run_store.make_folder
        monkeypatch.setattr(run_store, "make_folder", self.make)

    def make(self, *arguments: Any) -> None:
        assert self.may_go_on.wait(10.0)
        if self.is_full:
            raise DiskFullError("no space", path="x")
        self._make(*arguments)


class WatchedBackend(FakeBackend):
    """Says that it was asked, works until it may end, and says that it was left."""

    def __init__(self) -> None:
        super().__init__()
        self.was_asked, self.may_end, self.was_left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        self.was_asked.set()
        try:
            yield MediaProgress(0.1)
            await self.may_end.wait()
            async for update in super().generate(request):
                yield update
        finally:
            self.was_left.set()


async def test_a_server_begins_while_the_folder_is_made_and_nothing_is_told_before_it_is_there(
    app_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, backend, heard = SlowDisk(monkeypatch), WatchedBackend(), list[Event]()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        world.engine.bus.subscribe(heard.append)
        run_id = world.engine.runs.submit(request("apple", "as_is", "sd15"))
        await asyncio.wait_for(backend.was_asked.wait(), 10.0)
        assert not [event for event in heard if getattr(event, "run_id", "") == run_id]
        disk.may_go_on.set()
        backend.may_end.set()
        record = await world.engine.runs.wait(run_id)
        told = [type(event) for event in heard if getattr(event, "run_id", "") == run_id]
        assert told[:2] == [RunQueued, RunStarted] and record.state == "finished"
        assert [entity.type for entity in record.entities if entity.output_id] == ["image"]


async def test_without_a_folder_the_server_is_left_at_once(app_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, backend, heard = SlowDisk(monkeypatch, is_full=True), WatchedBackend(), list[Event]()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        world.engine.bus.subscribe(heard.append)
        run_id = world.engine.runs.submit(request("apple", "as_is", "sd15"))
        await asyncio.wait_for(backend.was_asked.wait(), 10.0)
        disk.may_go_on.set()
        with pytest.raises(DiskFullError):
            await world.engine.runs.wait(run_id)
        assert backend.was_left.is_set() and not backend.may_end.is_set()
        (failed,) = (event for event in heard if getattr(event, "run_id", "") == run_id)
        assert isinstance(failed, RunFailed) and failed.error.code == DiskFullError.code
        disk.is_full = False
        backend.may_end.set()
        assert (await world.run("apple", "as_is", "sd15")).state == "finished"


async def test_nothing_is_sent_to_the_cloud_before_the_folder_is_there(
    app_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, backend = SlowDisk(monkeypatch, is_full=True), WatchedBackend()
    backend.is_local = False
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        run_id = world.engine.runs.submit(request("apple", "as_is", "sd15"))
        await asyncio.sleep(0.1)
        disk.may_go_on.set()
        with pytest.raises(DiskFullError):
            await world.engine.runs.wait(run_id)
        assert not backend.was_asked.is_set()


async def test_a_run_that_is_cancelled_before_its_folder_is_there_is_recorded(
    app_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, backend = SlowDisk(monkeypatch), WatchedBackend()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        run_id = world.engine.runs.submit(request("apple", "as_is", "sd15"))
        await asyncio.wait_for(backend.was_asked.wait(), 10.0)
        world.engine.runs.cancel(run_id)
        await asyncio.wait_for(backend.was_left.wait(), 10.0)
        disk.may_go_on.set()
        assert isinstance(await world.end_of(run_id), RunCancelled)
        record = await world.engine.runs.wait(run_id)
        assert (record.state, record.input_text) == ("cancelled", "apple")
