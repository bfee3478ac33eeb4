"""A training that failed is told wherever the person is, also at the next start, until it is put away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.training.records import QueueEntry
from ai4artsed_desktop.ui.train.notices import TrainingNotices
from ai4artsed_desktop.ui.widgets.basics import Button
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from tests.conftest import RunInWindowLoop
from tests.support.train_window import TrainWindow, train_window

Run = RunInWindowLoop[None]


def cards_of(train: TrainWindow) -> dict[str, ErrorCard]:
    notices = train.opened.window.training_notices
    return notices.cards if isinstance(notices, TrainingNotices) else {}


def words_of(card: ErrorCard) -> str:
    return f"{card.accessibleName()} {card.accessibleDescription()}"


def press(card: ErrorCard, words: str) -> None:
    next(button for button in card.findChildren(Button) if button.text() == words).click()


def test_one_that_could_not_begin_in_the_night_is_told_on_any_page_and_at_the_next_start(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Übung 1")
            train.opened.window.show_page("create")
            next(train.locations.model_file(file) for file in train.page.link.family.files).unlink()
            await train.service.enqueue("Übung 1")
            await train.opened.until(lambda: "Übung 1" in cards_of(train))
            card = cards_of(train)["Übung 1"]
            assert card.isVisible() and card.accessibleName().startswith("Übung 1: A model file is missing")
            assert "There is nothing at" in words_of(card) and "Put the file there" in words_of(card)
        async with train_window(tmp_path, monkeypatch) as train:  # it was not put away: it is told again
            train.opened.window.show_page("settings")
            await train.opened.until(lambda: "Übung 1" in cards_of(train))
            card = cards_of(train)["Übung 1"]
            assert card.isVisible() and "A model file is missing" in words_of(card)
            card.close_button.click()
            await train.opened.until(lambda: not (train.locations.project("Übung 1") / "notice.json").exists())
            assert cards_of(train) == {}
        async with train_window(tmp_path, monkeypatch) as train:
            train.page.link.list_projects()
            await train.opened.until(lambda: train.page.list.projects.row_of("Übung 1") is not None)
            assert cards_of(train) == {}

    run_in_window_loop(body)


def test_one_that_failed_while_the_program_was_closed_is_told_with_a_way_to_it(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        gate = tmp_path / "gate"
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Nacht")
            train.play("bad_disk_full", gate={"saving checkpoint": str(gate)})
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.opened.until(lambda: train.state() == "running")
            train.opened.window.show_page("create")
            train.leave_running = True
        gate.write_text("")
        async with train_window(tmp_path, monkeypatch) as train:
            train.opened.window.show_page("create")
            await train.opened.until(lambda: "Nacht" in cards_of(train), 60)
            card = cards_of(train)["Nacht"]
            assert card.isVisible() and card.accessibleName() == "Nacht: The disk is full."
            press(card, "Show the training")
            await train.opened.until(lambda: train.page.run.isVisible() and train.page.link.name == "Nacht")
            assert cards_of(train) == {}
            await train.shows("The disk is full.")  # and there it stays

    run_in_window_loop(body)


def test_a_new_start_takes_the_notice_back(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Übung 1")
            train.play("bad_empty_dataset")
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.opened.until(lambda: train.state() == "failed", 30)
            await train.opened.until(lambda: "Übung 1" in cards_of(train))
            assert not cards_of(train)["Übung 1"].isVisible(), "the run in sight says it already"
            train.opened.window.show_page("create")
            assert cards_of(train)["Übung 1"].isVisible()
            train.opened.window.show_page("train")
            train.play("good_python", gate={"steps:  60%": str(tmp_path / "never")})
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.opened.until(lambda: train.state() == "running" and cards_of(train) == {})

    run_in_window_loop(body)


def test_an_entry_of_the_queue_whose_project_is_gone_is_no_end_of_the_queue(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Übung 1")
            train.play("good_python")
            gone = QueueEntry(project="gone", not_before_s=time.time() - 1)
            await train.service.workshop.change_queue(lambda entries: [*entries, gone])
            await train.service.enqueue("Übung 1")
            await train.opened.until(lambda: train.state() == "finished", 60)
            assert not (train.locations.projects / "gone").exists(), "no folder is made for it"

    run_in_window_loop(body)
