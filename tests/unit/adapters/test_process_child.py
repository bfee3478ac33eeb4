from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import threading
import time
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from ai4artsed_desktop.adapters.process import lines as lines_module
from ai4artsed_desktop.adapters.process.child import ChildProcess
from tests.support.fake_children import (
    PARENT_OF_STRAY,
    POLITE_PARENT_OF_STUBBORN_CHILD,
    SLEEPER,
    STUBBORN_PARENT,
    is_alive,
    python,
    until,
)

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


async def read_all(child: ChildProcess) -> list[str]:
    return [line async for line in child.lines()]


async def first_line(child: ChildProcess) -> str:
    async with aclosing(child.lines()) as lines, asyncio.timeout(10):
        async for line in lines:
            return line
    raise AssertionError(f"no output: {child.tail()}")


async def test_output_and_exit_code_arrive() -> None:
    async with await ChildProcess.start(
        python("import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"), name="t"
    ) as child:
        assert await read_all(child) == ["one"]
        assert await child.wait() == 3
        assert [line async for line in child.lines("stderr")] == ["two"]
        assert child.tail() == ["two"]
        assert child.returncode == 3


@posix_only
async def test_death_by_signal_is_a_negative_exit_code() -> None:
    async with await ChildProcess.start(python("import os; os.kill(os.getpid(), 9)"), name="t") as child:
        assert await child.wait() == -signal.SIGKILL


async def test_missing_program_raises_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with pytest.raises(FileNotFoundError):
        await ChildProcess.start(["no-such-program-anywhere"], name="t")
    assert set(threading.enumerate()) <= before


@posix_only
async def test_program_without_permission_raises(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(PermissionError):
        await ChildProcess.start([str(program)], name="t")


async def test_a_line_of_one_megabyte_arrives_whole() -> None:
    async with await ChildProcess.start(python("print('x' * 1_000_000); print('end')"), name="t") as child:
        assert [len(line) for line in await read_all(child)] == [1_000_000, 3]


async def test_progress_bars_arrive_while_the_child_goes_on() -> None:
    code = "import sys\nfor i in range(3): sys.stdout.write(f'\\r{i}%')\nsys.stdout.write('\\r')\nsys.stdin.read()"
    async with await ChildProcess.start(python(code), name="t", keep_stdin_open=True) as child:
        seen: list[str] = []
        async with aclosing(child.lines()) as lines, asyncio.timeout(10):
            async for line in lines:
                seen.append(line)
                if len(seen) == 3:
                    break
        assert seen == ["0%", "1%", "2%"]
        assert child.returncode is None


async def test_invalid_utf8_is_replaced() -> None:
    code = "import sys; sys.stdout.buffer.write(b'a\\xff\\xc3\\nb\\xc3\\xa4\\n')"
    async with await ChildProcess.start(python(code), name="t") as child:
        assert await read_all(child) == ["a��", "bä"]


async def test_unread_output_never_blocks_the_child_and_drops_the_oldest_lines() -> None:
    count = lines_module.MAX_BACKLOG_LINES + 500
    async with await ChildProcess.start(python(f"for i in range({count}): print(i)"), name="t") as child:
        async with asyncio.timeout(20):
            assert await child.wait() == 0
            await child.stop()
        kept = await read_all(child)
        assert len(kept) == lines_module.MAX_BACKLOG_LINES
        assert kept[-1] == str(count - 1)


async def test_tail_keeps_only_the_last_200_lines() -> None:
    code = "import sys\nfor i in range(1000): print(i, file=sys.stderr)"
    async with await ChildProcess.start(python(code), name="t") as child:
        await child.wait()
        await child.stop()
        assert child.tail(500) == [str(i) for i in range(800, 1000)]
        assert child.tail(2) == ["998", "999"]


async def test_stdin_data_is_given_and_ends() -> None:
    data = os.urandom(300_000)
    code = "import sys, hashlib; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    async with await ChildProcess.start(python(code), name="t", stdin_data=data) as child:
        assert await read_all(child) == [hashlib.sha256(data).hexdigest()]


async def test_a_child_that_never_reads_its_input_can_be_stopped() -> None:
    async with await ChildProcess.start(python(SLEEPER), name="t", stdin_data=bytes(1_000_000)) as child:
        assert await first_line(child) == "ready"
    assert child.returncode is not None


async def test_stop_closes_an_input_kept_open() -> None:
    code = "import signal, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(1)\nsys.stdin.read()\nprint('eof')"
    async with await ChildProcess.start(python(code), name="t", keep_stdin_open=True, stdin_data=b"x") as child:
        assert await first_line(child) == "1"
        assert await child.stop() == 0


@posix_only
async def test_stop_asks_politely_first() -> None:
    code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint(1)\ntime.sleep(600)"
    async with await ChildProcess.start(python(code), name="t") as child:
        await first_line(child)
        assert await child.stop() == 7


@posix_only
async def test_leader_and_grandchild_that_ignore_term_are_killed() -> None:
    async with await ChildProcess.start(python(STUBBORN_PARENT), name="t") as child:
        grandchild = int(await first_line(child))
        assert is_alive(grandchild)
        assert await child.stop(grace_s=0.2) == -signal.SIGKILL
        assert not is_alive(grandchild)


@posix_only
async def test_grandchild_that_ignores_term_does_not_outlive_a_polite_leader() -> None:
    async with await ChildProcess.start(python(POLITE_PARENT_OF_STUBBORN_CHILD), name="t") as child:
        grandchild = int(await first_line(child))
        assert await child.stop(grace_s=0.2) == -signal.SIGTERM
        assert not is_alive(grandchild)


@posix_only
async def test_grandchild_in_a_session_of_its_own_is_ended_too() -> None:
    async with await ChildProcess.start(python(PARENT_OF_STRAY), name="t") as child:
        stray = int(await first_line(child))
    assert not is_alive(stray)


@posix_only
async def test_grandchild_is_ended_when_the_leader_ends_by_itself() -> None:
    code = "import subprocess, sys\nprint(subprocess.Popen(['sleep', '600']).pid)"
    async with await ChildProcess.start(python(code), name="t") as child:
        grandchild = int(await first_line(child))
        await child.wait()
        await until(lambda: not is_alive(grandchild))


async def test_leaving_the_context_by_an_exception_ends_the_child() -> None:
    pid = 0
    with pytest.raises(ZeroDivisionError):
        async with await ChildProcess.start(python(SLEEPER), name="t") as child:
            pid = child.pid
            raise ZeroDivisionError
    assert not is_alive(pid)


async def test_cancelling_the_owner_ends_the_child() -> None:
    pids: list[int] = []

    async def own() -> None:
        async with await ChildProcess.start(python(SLEEPER), name="t") as child:
            pids.append(child.pid)
            await child.wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(own())
        await until(lambda: bool(pids))
        task.cancel()
    assert task.cancelled()
    assert not is_alive(pids[0])


@posix_only
async def test_cancelling_a_stop_still_ends_the_tree() -> None:
    async with asyncio.TaskGroup() as group:
        child = await ChildProcess.start(python(STUBBORN_PARENT), name="t")
        grandchild = int(await first_line(child))
        task = group.create_task(child.stop(grace_s=0.3))
        await asyncio.sleep(0.05)
        task.cancel()
    await child.stop()
    assert not is_alive(child.pid)
    assert not is_alive(grandchild)


@posix_only
async def test_a_second_stop_may_shorten_the_grace() -> None:
    async with await ChildProcess.start(python(STUBBORN_PARENT), name="t") as child, asyncio.TaskGroup() as group:
        await first_line(child)
        group.create_task(child.stop(grace_s=60))
        await asyncio.sleep(0)
        start_s = time.monotonic()
        await child.stop(grace_s=0.1)
        assert time.monotonic() - start_s < 5


@pytest.mark.parametrize("steps", range(6))
async def test_cancel_while_starting_leaves_no_process(steps: int, tmp_path: Path) -> None:
    mark = f"mark-{os.getpid()}-{steps}"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ChildProcess.start(python(SLEEPER, mark), name="t"))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
    if not task.cancelled():
        await task.result().stop()
    assert not [p for p in psutil.Process().children(recursive=True) if mark in p.cmdline()]


@posix_only
async def test_no_thread_and_no_file_descriptor_is_left() -> None:
    async def one() -> None:
        async with await ChildProcess.start(python(SLEEPER), name="t") as child:
            await first_line(child)

    await one()
    threads, descriptors = threading.active_count(), psutil.Process().num_fds()
    for _ in range(5):
        await one()
    assert threading.active_count() == threads
    assert psutil.Process().num_fds() == descriptors


async def test_stop_twice_gives_the_same_code() -> None:
    async with await ChildProcess.start(python("raise SystemExit(4)"), name="t") as child:
        await child.wait()
        assert await child.stop() == 4
        assert await child.stop() == 4


async def test_a_second_reader_goes_on_where_the_first_stopped() -> None:
    async with await ChildProcess.start(python("for i in range(5): print(i)"), name="t") as child:
        assert await first_line(child) == "0"
        assert await read_all(child) == ["1", "2", "3", "4"]
