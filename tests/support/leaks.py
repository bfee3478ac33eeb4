"""A test that leaves something behind fails: tasks, threads, child processes, windows, calls to the outside.

A pytest plugin, loaded by ``tests/conftest.py``. Everything found is also ended, so that one leak fails one test only.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import inspect
import ipaddress
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Any

import psutil
import pytest

_GRACE_S = 2.0

#: Threads that may stay, by the start of their name, each with its reason.
LASTING_THREADS = {
    "Dummy-": "not started by Python: a thread of Qt or of a C library that once called into Python",
    "pytest_timeout": "the watch of pytest-timeout where signals are not available",
}

#: Child processes that may stay, by name, each with its reason.
LASTING_CHILDREN = {
    "QtWebEngineProcess": "Chromium's zygotes live as long as the QApplication, which is one for all tests",
    "QtWebEngineProc": "the same, as Linux shortens it",
}


@pytest.fixture(autouse=True)
def leak_guard() -> Generator[None]:
    """Fail the test if a thread, a child process or a window is left."""
    threads = set(threading.enumerate())
    children = set(psutil.Process().children(recursive=True))
    windows = {id(window) for window in _windows()}
    yield
    left = [*_left_windows(windows), *_left_threads(threads), *_left_children(children)]
    if left:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


@pytest.fixture(autouse=True)
def task_guard(request: pytest.FixtureRequest, leak_guard: None) -> None:
    """Guard the tasks of asynchronous tests; synchronous ones get no loop just for that."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("async_task_guard")


@pytest.fixture
async def async_task_guard() -> AsyncGenerator[None]:
    """Fail the test if one of its tasks still runs, and end the loop's own threads."""
    yield
    left = await end_left_tasks()
    await asyncio.get_running_loop().shutdown_default_executor()
    if left:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


async def end_left_tasks() -> list[str]:
    """Cancel every other task of the running loop; return their names."""
    for _ in range(3):  # a task that has just ended needs a turn or two for its callbacks
        await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    return [f"task {task.get_name()} ({_name_of(task.get_coro())})" for task in left]


@pytest.fixture(autouse=True)
def network_guard(monkeypatch: pytest.MonkeyPatch) -> Generator[list[str]]:
    """Refuse each connection and name look-up that would leave this machine, and fail the test that asked for it."""
    attempts: list[str] = []

    def refuse(what: object) -> OSError:
        attempts.append(repr(what))
        return OSError(errno.ENETUNREACH, "tests reach 127.0.0.1 only", str(what))

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _guarded_call(getattr(socket.socket, name), refuse))
    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_local_host(host):
            raise refuse(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield attempts
    if attempts:
        pytest.fail("went outside: " + ", ".join(attempts), pytrace=False)


def is_local_host(host: object) -> bool:
    """Say whether a host (name, literal, bytes or None) is this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost", "::1"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


def _guarded_call(original: Any, refuse: Any) -> Any:
    """Wrap a socket method whose last argument is an address."""

    def guarded(self: socket.socket, *args: Any) -> Any:
        address = args[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local_host(address[0]):
            raise refuse(address)
        return original(self, *args)

    return guarded


def _left_threads(before: set[threading.Thread]) -> list[str]:
    left: list[str] = []
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith(tuple(LASTING_THREADS)):
            continue
        thread.join(_GRACE_S)
        if thread.is_alive():
            left.append(f"thread {thread.name}")
    return left


def _left_children(before: set[psutil.Process]) -> list[str]:
    """Wait a moment for the children that end by themselves; kill and name the others."""
    new = [child for child in psutil.Process().children(recursive=True) if child not in before]
    lasting = [child for child in new if _child_name(child) in LASTING_CHILDREN]
    _, alive = psutil.wait_procs([child for child in new if child not in lasting], timeout=_GRACE_S)
    left = [f"process {child.pid} ({_child_name(child)})" for child in alive]
    for child in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(alive, timeout=_GRACE_S)
    return left


def _child_name(child: psutil.Process) -> str:
    try:
        return child.name()
    except psutil.NoSuchProcess:
        return "ended"


def _windows() -> list[Any]:
    """Return the top-level widgets; does not import Qt for tests that do without."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return []
    return list(widgets.QApplication.topLevelWidgets())


def _left_windows(before: set[int]) -> list[str]:
    if not [window for window in _windows() if id(window) not in before]:
        return []
    gc.collect()  # a window in a reference cycle is not a leak, only late
    _deliver_deletions()
    left = [window for window in _windows() if id(window) not in before]
    names = [f"window {type(window).__name__} {window.objectName()!r}" for window in left]
    for window in left:
        window.hide()
        window.deleteLater()
    _deliver_deletions()
    return names


def _deliver_deletions() -> None:
    core = sys.modules["PySide6.QtCore"]
    core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)


def _name_of(coroutine: Any) -> str:
    return getattr(coroutine, "__qualname__", repr(coroutine))
