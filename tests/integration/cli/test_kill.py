"""``kill -9`` at random moments of a run: no process stays, every folder loads, and the next start knows."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.storage.run_folders import find_run_folders, read_record
from ai4artsed_desktop.adapters.storage.run_index import RunIndex
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from tests.support.programs import left_after, program

MOMENTS = 20
JOB = ("run", "--interception", "dada", "--output", "sketchbook_p5js", "--seed", "7", "A red apple on a table")


@pytest.mark.llm
@pytest.mark.webengine
@pytest.mark.timeout(240)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
async def test_kill_at_random_moments_leaves_no_child_and_only_folders_that_load(
    app_home: Path, smollm2_path: Path
) -> None:
    models = app_home / "data" / "models"
    link(models, smollm2_path)
    chance = random.Random(20)
    whole_s = await time_of_one_run(app_home)
    left: list[str] = []
    for number in range(MOMENTS):
        # Spread over the run, and anywhere within each part of it.
        moment_s = 0.3 + (number + chance.random()) / MOMENTS * whole_s * 0.95
        await killed_after(app_home, moment_s)
        left += [f"after {moment_s:.2f} s: {what}" for what in await left_after(app_home)]
    assert left == []
    await check_folders(app_home / "data", at_least=MOMENTS // 2)


async def time_of_one_run(home: Path) -> float:
    started = time.monotonic()
    async with program(home, *JOB) as process, asyncio.timeout(60):
        _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return time.monotonic() - started


async def killed_after(home: Path, moment_s: float) -> None:
    async with program(home, *JOB) as process:
        await asyncio.wait({asyncio.ensure_future(process.wait())}, timeout=moment_s)  # noqa: TID251 - a test's own
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


def link(folder: Path, model: Path) -> None:
    folder.mkdir(parents=True)
    (folder / model.name).symlink_to(model)


async def check_folders(data: Path, *, at_least: int) -> None:
    store = DiskRunStore(data / "runs", data / "runs.sqlite")
    try:
        await store.mark_interrupted()  # the last one; each start of the program has marked those before it
        assert await store.mark_interrupted() == []
        records = {path: read_record(path) for path in folders(data)}
        assert {record.state for record in records.values()} <= {"interrupted", "finished"}
        interrupted = sum(record.state == "interrupted" for record in records.values())
        assert interrupted >= at_least, "the program was killed too early to make folders, or too late"
        for path, record in records.items():
            recorded = {"metadata.json", *(entity.filename for entity in record.entities)}
            extra = {entry.name for entry in path.iterdir()} - recorded
            # Between the file and its record lies one moment; more than the one file of that moment may not be there.
            assert len(extra) <= 1 and recorded <= {entry.name for entry in path.iterdir()}
        live = dump(data)
        await store.rebuild_index()
        assert dump(data) == live
    finally:
        await store.aclose()


def folders(data: Path) -> list[Path]:
    return list(find_run_folders(data / "runs"))


def dump(data: Path) -> list[tuple[object, ...]]:
    index = RunIndex(data / "runs.sqlite")
    try:
        return index.dump()
    finally:
        index.close()
