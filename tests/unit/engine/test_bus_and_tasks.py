"""The bus and the task scope: order, one failing listener, and no task without an owner."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import Event, ModelsChanged, RunStarted
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.messages import Messages
from ai4artsed_desktop.engine.tasks import TaskScope, beside


def test_events_come_to_everyone_in_order_and_one_failing_listener_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus, heard = EventBus(), list[Event]()

    def fail(event: Event) -> None:
        raise ValueError("broken listener")

    bus.subscribe(fail)
    unsubscribe = bus.subscribe(heard.append)
    events = [RunStarted("a"), ModelsChanged(), RunStarted("b")]
    for event in events:
        bus.publish(event)
    assert heard == events and "broken listener" in caplog.text
    unsubscribe()
    unsubscribe()
    bus.publish(ModelsChanged())
    assert len(heard) == 3


def test_a_listener_may_leave_while_it_is_called() -> None:
    bus, heard = EventBus(), list[str]()

    def once(event: Event) -> None:
        heard.append("once")
        unsubscribe()

    unsubscribe = bus.subscribe(once)
    bus.subscribe(lambda event: heard.append("always"))
    bus.publish(ModelsChanged())
    bus.publish(ModelsChanged())
    assert heard == ["once", "always", "always"]


async def test_a_task_cancelled_before_its_first_step_still_reaches_on_done() -> None:
    scope, done = TaskScope("test"), list[bool]()
    task = scope.spawn(asyncio.sleep(100), name="t", on_done=lambda task: done.append(task.cancelled()))
    task.cancel()
    await scope.aclose()
    assert done == [True]


async def test_closing_ends_tasks_and_those_they_start_and_refuses_new_ones() -> None:
    scope, ended = TaskScope("test"), list[str]()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(0)
            ended.append("stubborn")

    scope.spawn(stubborn(), name="t")
    await asyncio.sleep(0)
    await scope.aclose()
    assert ended == ["stubborn"]
    with pytest.raises(RuntimeError, match="closed"):
        scope.spawn(asyncio.sleep(1), name="late")


async def test_a_failure_nobody_asked_about_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("unseen")

    scope = TaskScope("test")
    with caplog.at_level(logging.ERROR):
        await asyncio.wait({scope.spawn(fail(), name="t")})
        await asyncio.sleep(0)
    assert "unseen" in caplog.text
    await scope.aclose()


def test_messages_fall_back_and_show_what_is_missing() -> None:
    tables = {
        "en": {"a": "A {x}", "error.unexpected.what": "U", "error.unexpected.why": "W", "error.unexpected.next": "N"},
        "de": {"a": "Ä {x}", "key": "Schlüssel"},
    }
    german = Messages(tables, "de")
    assert german.text("a", x=1) == "Ä 1" and german.text("a") == "Ä {x}" and german.text("none") == "none"
    assert german.text("a", key="k", x="{y}") == "Ä {y}"
    assert Messages(tables, "fr").language == "en"
    error = german.error(ErrorInfo("error.never.heard.of", {"x": "key"}))
    assert (error.what, error.why, error.next) == ("U", "W", "N")


async def test_what_runs_beside_has_ended_when_the_body_is_left() -> None:
    done: list[str] = []

    async def short() -> None:
        await asyncio.sleep(0)
        done.append("short")

    async with beside(short(), name="short"):
        done.append("body")
    assert done == ["body", "short"]


async def test_what_fails_beside_is_raised_as_it_is_and_the_body_goes_first(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        async with beside(broken(), name="broken"):
            await asyncio.sleep(0)
    with pytest.raises(ValueError, match="body"):
        async with beside(broken(), name="broken"):
            await asyncio.sleep(0)
            raise ValueError("body")
    assert "task broken failed, too: full" in caplog.text


async def test_a_body_that_fails_or_is_cancelled_ends_what_runs_beside_it() -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("long")

    with pytest.raises(ValueError, match="body"):
        async with beside(long(), name="long"):
            await asyncio.sleep(0)
            raise ValueError("body")

    async def outer() -> None:
        async with beside(long(), name="long"):
            await asyncio.sleep(3600)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(outer())
        await asyncio.sleep(0.01)
        task.cancel()
    assert ended == ["long", "long"]
