"""The guards themselves: what leaks fails, what does not leak passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.engine.bus import EventBus
from tests.conftest import RunInWindowLoop
from tests.support.leaks import is_local_host
from tests.support.probe import EventProbe

ROOT = Path(__file__).resolve().parents[2]

LEAKING_TESTS = """
import asyncio, socket, subprocess, sys, threading, time

import pytest

release = threading.Event()

async def test_leaks_a_task():
    asyncio.get_running_loop().create_task(asyncio.sleep(60), name="forgotten")

def test_leaks_a_thread():
    threading.Thread(target=release.wait, args=(20,), name="forgotten-thread", daemon=True).start()

def test_leaks_a_child():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

def test_leaks_a_window(qapp):
    from PySide6.QtWidgets import QLabel
    global label
    label = QLabel("x")
    label.show()

def test_goes_outside_and_hides_it():
    with socket.socket() as outside:
        try:
            outside.connect(("192.0.2.1", 9))
        except OSError:
            pass

def test_asks_for_a_name():
    with pytest.raises(OSError):
        socket.getaddrinfo("example.invalid", 80)

def test_makes_qt_complain(qapp):
    from PySide6.QtCore import qWarning
    qWarning("stray")
"""

CLEAN_TESTS = """
import asyncio, socket, subprocess, sys, threading

async def test_uses_tasks_and_threads():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(sum, [1, 2]))
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

def test_waits_for_its_child_and_thread():
    assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()

def test_gives_its_window_to_qtbot(qtbot):
    from PySide6.QtWidgets import QLabel
    label = QLabel("x")
    qtbot.addWidget(label)
    label.show()
"""


@pytest.fixture
def guarded_pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A pytest in a process of its own with our guards and our settings for Qt messages."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    options = ("asyncio_mode = auto", "asyncio_default_fixture_loop_scope = function", "qt_log_level_fail = WARNING")
    pytester.makeini("\n".join(["[pytest]", "qt_api = pyside6", *options]))
    return pytester


def test_every_kind_of_leak_fails_its_test(guarded_pytester: pytest.Pytester) -> None:
    guarded_pytester.makepyfile(LEAKING_TESTS)
    result = guarded_pytester.runpytest_subprocess("-p", "tests.support.leaks")
    output = result.stdout.str()
    for sign in (
        "left behind: task forgotten",
        "left behind: thread forgotten-thread",
        "left behind: process",
        "left behind: window QLabel",
        "went outside: ('192.0.2.1', 9)",
        "went outside: 'example.invalid'",
    ):
        assert sign in output
    # Six fail while tearing down, after their own body passed; Qt's message fails the body.
    result.assert_outcomes(passed=6, errors=6, failed=1)


def test_clean_tests_pass_the_guards(guarded_pytester: pytest.Pytester) -> None:
    guarded_pytester.makepyfile(CLEAN_TESTS)
    guarded_pytester.runpytest_subprocess("-p", "tests.support.leaks").assert_outcomes(passed=3)


def test_only_this_machine_is_local() -> None:
    assert all(is_local_host(host) for host in (None, "", "localhost", "127.0.0.1", "127.9.9.9", "::1", b"127.0.0.1"))
    assert not any(is_local_host(host) for host in ("0.0.0.1", "10.0.0.1", "example.invalid", "2001:db8::1", b"a.b"))


def test_each_test_has_a_data_folder_of_its_own(app_home: Path, tmp_path: Path) -> None:
    assert app_home.parent == tmp_path


@dataclass(frozen=True, slots=True)
class _Knocked(Event):
    number: int


@dataclass(frozen=True, slots=True)
class _Rang(Event):
    pass


async def test_probe_returns_events_in_order_whether_early_or_late() -> None:
    bus = EventBus()
    with EventProbe(bus) as probe:
        bus.publish(_Knocked(1))
        bus.publish(_Rang())
        asyncio.get_running_loop().call_later(0.01, bus.publish, _Knocked(2))
        assert [(await probe.next(_Knocked)).number, (await probe.next(_Knocked)).number] == [1, 2]
        assert await probe.next(_Rang) == _Rang()
    bus.publish(_Knocked(3))
    assert [event.number for event in probe.of(_Knocked)] == [1, 2]


async def test_probe_says_what_it_heard_when_nothing_fitting_comes() -> None:
    bus = EventBus()
    with EventProbe(bus) as probe:
        bus.publish(_Knocked(7))
        with pytest.raises(pytest.fail.Exception, match=r"no _Rang within 0\.05 s; heard:\n.*_Knocked\(number=7\)"):
            await probe.next(_Rang, timeout_s=0.05)


def test_window_loop_closes_generators_that_were_left_half_read(run_in_window_loop: RunInWindowLoop[object]) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[int]:
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)  # as httpx does; outside of a task this fails
            closed.set()

    async def leave_early() -> None:
        async for _ in endless():
            break
        async with asyncio.timeout(5):
            await closed.wait()

    run_in_window_loop(leave_early)
    assert closed.is_set()


def test_window_loop_runs_a_coroutine_and_finds_its_leaks(run_in_window_loop: RunInWindowLoop[object]) -> None:
    async def tidy() -> int:
        await asyncio.sleep(0.01)
        return await asyncio.to_thread(sum, [1, 2])

    async def untidy() -> None:
        asyncio.get_running_loop().create_task(asyncio.sleep(60), name="forgotten")

    assert run_in_window_loop(tidy) == 3
    with pytest.raises(AssertionError, match="task forgotten"):
        run_in_window_loop(untidy)
