"""The test ground: no display, an own data folder per test, no network, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

# Before anything imports Qt; a person who wants to watch sets it.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# A shell starts background jobs with Ctrl+C ignored, and programs started from here would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.support.leaks", "pytester"]

T = TypeVar("T")
RunInWindowLoop = Callable[[Callable[[], Coroutine[Any, Any, T]]], T]

#: Collections of the middle generation between two of everything.
_FULL_COLLECTION_AFTER = 25
_MODEL_PATH = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Note where the real model lies, before every test gets a data folder of its own."""
    # As in the program (app/collector.py): a worker thread that collects a Qt object with a running timer kills Qt.
    gc.disable()
    from setup_steps.model import model_path

    named = os.environ.get("AI4ARTSED_TEST_MODEL")
    config.stash[_MODEL_PATH] = Path(named) if named else model_path()


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish() -> None:
    """Collect between the tests, on the main thread: young garbage each time, all of it when there is much."""
    gc.collect(2 if gc.get_count()[2] > _FULL_COLLECTION_AFTER else 1)


@pytest.fixture(autouse=True)
def app_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that holds this test's settings, data and cache; no test touches the person's own, or keys."""
    home = tmp_path / "ai4artsed-home"
    monkeypatch.setenv("AI4ARTSED_HOME", str(home))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return home


@pytest.fixture(scope="session")
def smollm2_path(pytestconfig: pytest.Config) -> Path:
    """Return the try-out model's file; without it the tests that need it fail, they are not skipped."""
    path = pytestconfig.stash[_MODEL_PATH]
    if not path.is_file():
        pytest.fail(f"{path} is missing; next step: python3 packaging/start.py --setup-only", pytrace=False)
    return path


@pytest.fixture
def run_in_window_loop(qapp: Any) -> RunInWindowLoop[Any]:
    """Return a function that runs one coroutine function on a qasync loop, as the window does, and returns its result.

    For synchronous tests. Inside the coroutine no ``qtbot.wait…`` and no ``exec()``: both start a loop in the loop.
    """

    def run(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
        import qasync

        from ai4artsed_desktop.engine.async_generators import async_generators_of

        loop: Any = qasync.QEventLoop(qapp)  # qasync brings no types
        asyncio.set_event_loop(loop)
        try:
            with loop, async_generators_of(loop):
                return loop.run_until_complete(_and_no_task_left(body))
        finally:
            asyncio.set_event_loop(None)

    return run


async def _and_no_task_left(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    from tests.support.leaks import end_left_tasks

    result = await body()
    left = await end_left_tasks()
    assert not left, "left behind: " + "; ".join(left)
    return result
