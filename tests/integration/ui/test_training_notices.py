"""A training that failed is told wherever the person is, also at the next start, until it is put away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.training.records import QueueEntry, Verdict
from ai4artsed_desktop.ui.train.notices import TrainingNotices
from ai4artsed_desktop.ui.widgets.basics import Button
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from tests.conftest import RunInWindowLoop
from tests.support.train_window import TrainWindow, train_window

Run = RunInWindowLoop[None]
SAID = "No space left on device"
FAILED = Verdict(state="failed", code="error.training.disk_full", params={"said": SAID}, detail=SAID, ended_s=1.0)


def cards_of(train: TrainWindow) -> dict[str, ErrorCard]:
    notices = train.opened.window.training_notices
    return notices.cards if isinstance(notices, TrainingNotices) else {}


def look_again(train: TrainWindow) -> None:
    notices = train.opened.window.training_notices
    assert isinstance(notices, TrainingNotices)
    notices.refresh()


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
            # The run in sight says it already.
            await train.opened.until(lambda: not cards_of(train)["Übung 1"].isVisible())
            train.opened.window.show_page("create")
            assert cards_of(train)["Übung 1"].isVisible()
            train.opened.window.show_page("train")
            train.play("good_python", gate={"steps:  60%": str(tmp_path / "never")})
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.opened.until(lambda: train.state() == "running" and cards_of(train) == {})

    run_in_window_loop(body)


def test_the_way_to_a_training_leads_there_from_a_window_that_never_showed_trainings(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Abend")
            await train.project("Nacht")
            await train.service.workshop.put_notice("Nacht", FAILED)
        async with train_window(tmp_path, monkeypatch, page="create", state={"train_project": "Abend"}) as train:
            await train.opened.until(lambda: "Nacht" in cards_of(train))
            assert "train" not in train.opened.window.pages
            press(cards_of(train)["Nacht"], "Show the training")
            await train.opened.until(lambda: bool(train.page.link.name))
            assert train.page.link.name == "Nacht"

    run_in_window_loop(body)


def test_the_project_that_was_in_sight_is_there_again_at_the_next_start(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Abend")
            await train.project("Nacht")
        async with train_window(tmp_path, monkeypatch, page="create", state={"train_project": "Nacht"}) as train:
            train.opened.window.show_page("train")
            await train.opened.until(lambda: bool(train.page.link.name))
            assert train.page.link.name == "Nacht"

    run_in_window_loop(body)


def test_a_notice_is_not_shown_anew_and_stands_where_the_page_does_not_say_it(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            until, page = train.opened.until, train.page
            await train.project("Abend")
            await train.project("Nacht")
            await train.service.workshop.put_notice("Nacht", FAILED)
            await until(lambda: isinstance(train.opened.window.training_notices, TrainingNotices))
            look_again(train)
            await until(lambda: "Nacht" in cards_of(train))
            night = cards_of(train)["Nacht"]
            night.details_button.click()
            await train.service.workshop.put_notice("Abend", FAILED)
            look_again(train)
            await until(lambda: "Abend" in cards_of(train))
            evening = cards_of(train)["Abend"]
            assert cards_of(train)["Nacht"] is night and night.details.isVisible(), "what was opened stays open"
            page.show_tab("run")
            assert not night.isVisible() and evening.isVisible()
            page.show_tab("plan")
            assert night.isVisible()
            page.show_tab("run")
            page.list.show_project("Abend")
            await until(lambda: page.link.name == "Abend")
            assert night.isVisible() and evening.isVisible()
            page.show_tab("run")
            assert night.isVisible() and not evening.isVisible()

    run_in_window_loop(body)


def test_one_that_was_put_away_while_it_was_read_does_not_come_back(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Nacht")
            await train.service.workshop.put_notice("Nacht", FAILED)
            await train.opened.until(lambda: isinstance(train.opened.window.training_notices, TrainingNotices))
            look_again(train)
            await train.opened.until(lambda: "Nacht" in cards_of(train))
            look_again(train)
            cards_of(train)["Nacht"].close_button.click()
            look_again(train)
            notice = train.locations.project("Nacht") / "notice.json"

            def is_gone() -> bool:
                assert cards_of(train) == {}, "it came back"
                return not notice.exists()

            await train.opened.until(is_gone)
            await train.service.notices()
            assert cards_of(train) == {}

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
