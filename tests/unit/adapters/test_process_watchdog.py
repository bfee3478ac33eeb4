from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

import ai4artsed_desktop
from ai4artsed_desktop.adapters.process import watchdog_child
from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.watchdog import Watchdog
from ai4artsed_desktop.adapters.process.watchdog_child import start_mark
from tests.support.fake_children import SLEEPER, is_alive, python, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="on Windows the job object does it")

#: A program with a watchdog, a ledger and two children (one with a stubborn grandchild); prints all pids.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.watchdog import Watchdog
from tests.support.fake_children import QUIET_SLEEPER, STUBBORN_PARENT, python

async def main():
    watchdog = Watchdog() if sys.argv[1] == "watched" else None
    ledger = Ledger(Path(sys.argv[2]))
    one = await ChildProcess.start(python(STUBBORN_PARENT), name="one", watchdog=watchdog, ledger=ledger)
    two = await ChildProcess.start(python(QUIET_SLEEPER), name="two", watchdog=watchdog, ledger=ledger)
    ledger.set_port(two.pid, 4711)
    async for line in one.lines():
        print(one.pid, line, two.pid, flush=True)

asyncio.run(main())
"""


async def start_program(kind: str, ledger_path: Path) -> tuple[ChildProcess, list[int]]:
    """Run PROGRAM; return it and the pids: leader, grandchild, second child."""
    program = await ChildProcess.start(
        [sys.executable, "-u", "-c", PROGRAM, kind, str(ledger_path)],
        name="program",
        cwd=Path(ai4artsed_desktop.__file__).parents[1],
    )
    async with aclosing(program.lines()) as lines, asyncio.timeout(20):
        async for line in lines:
            return program, [int(word) for word in line.split()]
    raise AssertionError(program.tail())


async def test_after_sigkill_of_the_program_nothing_survives_for_3_seconds(tmp_path: Path) -> None:
    program, pids = await start_program("watched", tmp_path / "ledger.json")
    assert all(map(is_alive, pids))
    os.kill(program.pid, signal.SIGKILL)
    await until(lambda: not any(map(is_alive, pids)), limit_s=3.0)
    await program.stop()


async def test_the_ledger_finds_and_ends_what_an_unwatched_program_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    program, (leader, grandchild, second) = await start_program("unwatched", path)
    assert Ledger(path).list_leftovers() == [], "their owner still lives"
    os.kill(program.pid, signal.SIGKILL)
    await program.wait()
    try:
        leftovers = {entry.pid: entry for entry in Ledger(path).list_leftovers()}
        assert set(leftovers) == {leader, second}
        assert leftovers[second].port == 4711
        for entry in leftovers.values():
            assert Ledger(path).end_leftover(entry, grace_s=0.3)
        assert not any(map(is_alive, (leader, grandchild, second)))
        assert Ledger(path).list_leftovers() == []
    finally:
        for pid in (leader, grandchild, second):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        await program.stop()


async def test_a_reused_pid_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = Ledger(path)
    async with await ChildProcess.start(python(SLEEPER), name="stranger") as stranger:
        async with aclosing(stranger.lines()) as lines:
            assert await anext(lines) == "ready"
        ledger.add(stranger.pid, python(SLEEPER), "ours")
        (entry,) = ledger.list_leftovers() or [None]
        assert entry is None, "this very program owns it"
        text = path.read_text()
        older = text.replace(str(start_mark(stranger.pid)), "boot:1")
        path.write_text(older.replace(f'"owner_pid": {os.getpid()}', '"owner_pid": 1'))
        assert ledger.list_leftovers() == []
        path.write_text(text.replace(f'"owner_started": "{start_mark(os.getpid())}"', '"owner_started": "gone"'))
        (entry,) = ledger.list_leftovers()
        assert not ledger.end_leftover(entry.model_copy(update={"argv_sha256": "another program"}))
        assert is_alive(stranger.pid)


async def test_the_watchdog_does_not_kill_a_group_whose_id_was_given_to_another() -> None:
    async with await ChildProcess.start(python(SLEEPER), name="other") as other:
        lines = f"+ {other.pid} boot:1\n+ {other.pid}"  # registered under an older process; a line cut by our death
        watchdog_argv = [sys.executable, watchdog_child.__file__]
        async with await ChildProcess.start(watchdog_argv, name="w", stdin_data=lines.encode()) as watchdog:
            assert await watchdog.wait() == 0
        assert is_alive(other.pid)


async def test_closing_the_watchdog_ends_what_is_still_registered() -> None:
    watchdog = Watchdog()
    async with await ChildProcess.start(python(SLEEPER), name="t", watchdog=watchdog) as child:
        watchdog.close()
        assert await child.wait() == -signal.SIGKILL


async def test_an_ended_child_is_forgotten() -> None:
    watchdog = Watchdog()
    async with await ChildProcess.start(python("pass"), name="t", watchdog=watchdog) as child:
        await child.wait()
        await child.stop()
    assert not watchdog._marks  # pyright: ignore[reportPrivateUsage]
    watchdog.close()


async def test_a_watchdog_that_was_killed_is_replaced_and_knows_all_groups() -> None:
    watchdog = Watchdog()
    async with await ChildProcess.start(python(SLEEPER), name="one", watchdog=watchdog) as one:
        process = watchdog._process  # pyright: ignore[reportPrivateUsage]
        assert process is not None
        process.kill()
        await until(lambda: not is_alive(process.pid))
        async with await ChildProcess.start(python(SLEEPER), name="two", watchdog=watchdog) as two:
            watchdog.close()
            assert await one.wait() == await two.wait() == -signal.SIGKILL


@pytest.mark.parametrize("content", ["", "[{", '{"a": 1}', '[{"pid": "x"}]', "\0\0\0"])
def test_a_damaged_ledger_counts_as_empty_and_is_used_again(content: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(content)
    ledger = Ledger(path)
    assert ledger.list_leftovers() == []
    ledger.add(os.getpid(), psutil.Process().cmdline(), "self")
    assert '"self"' in path.read_text()
    ledger.remove(os.getpid())
    assert '"self"' not in path.read_text()


async def test_a_ledger_that_cannot_be_written_does_not_stop_the_child(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with await ChildProcess.start(
        python("print(1)"), name="t", ledger=Ledger(tmp_path / "file" / "l.json")
    ) as child:
        assert await child.wait() == 0
