"""Child processes on the window's event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import pytest

from ai4artsed_desktop.adapters.process.child import ChildProcess
from tests.support.fake_children import STUBBORN_PARENT, is_alive, python

RunInWindowLoop = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def test_output_and_exit_code_arrive_on_the_window_s_loop(run_in_window_loop: RunInWindowLoop) -> None:
    async def body() -> tuple[list[str], int]:
        async with await ChildProcess.start(python("print(1); print(2); raise SystemExit(5)"), name="t") as child:
            return [line async for line in child.lines()], await child.wait()

    assert run_in_window_loop(body) == (["1", "2"], 5)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_stubborn_tree_ends_while_the_window_s_loop_goes_on(run_in_window_loop: RunInWindowLoop) -> None:
    async def body() -> tuple[bool, int]:
        async with await ChildProcess.start(python(STUBBORN_PARENT), name="t") as child:
            async with aclosing(child.lines()) as lines:
                grandchild = int(await anext(lines))
            ticks = 0
            async with asyncio.TaskGroup() as group:
                stop = group.create_task(child.stop(grace_s=0.3))
                while not stop.done():
                    await asyncio.sleep(0.005)
                    ticks += 1
            return is_alive(grandchild), ticks

    is_left, ticks = run_in_window_loop(body)
    assert not is_left
    assert ticks >= 3, "the loop was blocked for all of the grace"
