"""Servers that stay: their keeper reads them to the end, and tells how that came about."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.process.detached import DetachedProcess, adopt, start_detached
from ai4artsed_desktop.adapters.process.ledger import Ledger
from tests.support.fake_children import until

LIMIT_S = 30.0
#: Ends with 3 and leaves a child that writes when the file "go" is there.
PARENT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", '''
import pathlib, time
while not pathlib.Path("go").exists():
    time.sleep(0.02)
print("late words", flush=True)
pathlib.Path("done").touch()
'''])
print("said", flush=True)
print("complained", file=sys.stderr, flush=True)
sys.exit(3)
"""


def start(home: Path, *argv: str) -> DetachedProcess:
    return start_detached(
        argv, name="x", cwd=home, env=dict(os.environ), port=1, log=home / "x.log", ledger=Ledger(home / "ledger.json")
    )


async def test_its_exit_code_and_both_streams_are_known_and_its_followers_pipe_holds(tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT_S):
        process = await asyncio.to_thread(start, tmp_path, sys.executable, "-c", PARENT)
        try:
            assert await process.wait() == 3 == process.returncode
            assert {line async for line in process.lines()} == {"said", "complained"}
            later = adopt(process.entry, Ledger(tmp_path / "ledger.json"), tmp_path / "x.log")
            assert later.returncode == 3, "another program learns it, too"
        finally:
            (tmp_path / "go").touch()
        await until((tmp_path / "done").exists, limit_s=LIMIT_S)
        await until(lambda: "late words" in (tmp_path / "x.log").read_text(), limit_s=LIMIT_S)


async def test_the_report_of_an_earlier_start_is_not_taken_for_this_one(tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT_S):
        first = await asyncio.to_thread(start, tmp_path, sys.executable, "-c", "import sys; sys.exit(5)")
        assert await first.wait() == 5
        second = await asyncio.to_thread(start, tmp_path, sys.executable, "-c", "import time; time.sleep(600)")
        assert second.returncode is None
        assert first.returncode == -1, "nobody knows it any more"
        await asyncio.to_thread(second.end, 1.0)
        assert await second.wait() < 0


def test_a_program_that_is_not_there_is_the_system_s_own_error(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        start(tmp_path, str(tmp_path / "gone"))
    assert caught.value.errno == errno.ENOENT and not (tmp_path / "ledger.json").exists()


def test_a_folder_that_cannot_be_written_to_is_an_error_of_the_system_too(tmp_path: Path) -> None:
    (tmp_path / "x.process").touch()
    with pytest.raises(OSError):
        start(tmp_path, sys.executable, "-c", "")
