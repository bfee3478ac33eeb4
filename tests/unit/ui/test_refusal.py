"""The card of a refusal: kind words, what was found, what to do instead; and of any other error: as ever."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.domain.backend_errors import (
    BackendStoppedError,
    ModelFileMissingError,
    OutOfMemoryError,
    ValueRefusedError,
)
from ai4artsed_desktop.domain.errors import AppError, ErrorInfo, ModelStoppedError, PersonNamedError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.safety.verdicts import Category, Verdict
from ai4artsed_desktop.engine.safety import refusal
from ai4artsed_desktop.ui.create.refusal import RefusalCard
from ai4artsed_desktop.ui.create.remedies import remedies_for
from ai4artsed_desktop.ui.kit import Kit
from tests.support.safety_lists import judged
from tests.support.ui_kit import nameless


@pytest.fixture
def card(kit: Kit, qtbot: QtBot) -> RefusalCard:
    card = RefusalCard(kit)
    qtbot.addWidget(card)
    return card


def words(card: RefusalCard) -> str:
    from PySide6.QtWidgets import QLabel

    return "\n".join(label.text() for label in card.findChildren(QLabel) if label.isVisibleTo(card) and label.text())


def refused(text: str) -> ErrorInfo:
    return refusal(judged(text)).info()


def test_a_refusal_is_calm_and_says_what_was_found_and_what_to_do_instead(card: RefusalCard) -> None:
    card.show_error(refused("Ein Porno am Strand"))
    assert set(words(card).split("\n")) == {
        "This is not made here",
        "It is about sexuality or nudity.",
        "Found: Porno",
        "Describe clothes, movement or mood instead.",
        "Safety level: kids",
    }
    assert card.property("look") == "card" and not card.details_button.isVisibleTo(card)
    assert card.accessibleName() == "This is not made here" and nameless(card) == []


def test_it_speaks_the_persons_language(card: RefusalCard, kit: Kit) -> None:
    card.show_error(refused("Ein Porno am Strand"))
    kit.translator.set_language("de")
    assert "Gefunden: Porno" in words(card) and "Stattdessen " in words(card)
    assert "Schutzstufe: Kinder" in words(card)


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_category_has_its_words(card: RefusalCard, kit: Kit, category: Category, language: str) -> None:
    kit.translator.set_language(language)
    card.show_error(refusal(Verdict("block", "youth", (Reason(f"safety.reason.{category.value}"),))).info())
    assert "safety." not in words(card) and "{" not in words(card) and len(words(card)) > 60
    assert kit.text(f"safety.category.{category.value}")


def test_somebody_who_wants_to_die_reads_where_help_is(card: RefusalCard) -> None:
    card.show_error(refused("I want to die"))
    assert "116 111" in words(card)


@pytest.mark.parametrize("key", ["no_vision", "no_frames", "no_lists", "model_silent", "picture", "model"])
def test_what_cannot_be_checked_is_said(card: RefusalCard, key: str) -> None:
    verdict = "block" if key in ("picture", "model") else "unavailable"
    card.show_error(refusal(Verdict(verdict, "kids", (Reason(f"safety.reason.{key}"),))).info())
    assert "safety." not in words(card) and "{" not in words(card)


def test_a_language_nobody_can_check_names_those_that_can_be(card: RefusalCard) -> None:
    card.show_error(refused("一个红苹果在桌子上"))
    assert "一个红苹果在桌子上" in words(card) and "Ukrainian" in words(card)
    assert "This cannot be checked here" in words(card)


def test_hostile_words_are_shown_as_text(card: RefusalCard) -> None:
    card.show_error(refused("<b>porn</b> {level} \u202eporn"))
    assert "Found: " in words(card) and "\u202e" not in words(card)


def test_another_error_looks_as_ever(card: RefusalCard) -> None:
    card.show_error(refused("Ein Porno"))
    error: AppError = ModelStoppedError("exit 9", model="Good")
    card.show_error(error.info())
    assert card.property("look") == "bad-card" and "Found" not in words(card) and "Safety level" not in words(card)
    assert card.details_button.isVisibleTo(card)


@pytest.mark.parametrize(
    ("error", "actions"),
    [
        (OutOfMemoryError(backend="ComfyUI", node="Decode", kind="x"), ["free_and_retry", "smaller"]),
        (ValueRefusedError(backend="ComfyUI", node="KSampler", parameter="steps"), ["parameters", "pick_output"]),
        (ModelFileMissingError(backend="ComfyUI", file="x"), ["media_models", "pick_output"]),
        (BackendStoppedError(backend="ComfyUI"), ["again", "services"]),
    ],
)
def test_each_error_of_a_server_offers_what_helps_against_it(error: AppError, actions: list[str]) -> None:
    assert [remedy.action for remedy in remedies_for(error.info())] == actions


def test_a_name_that_would_leave_can_be_sent_on_purpose(card: RefusalCard) -> None:
    error = PersonNamedError(names="Anna Müller", where="Cloud").info()
    card.show_error(error)
    assert "Anna Müller" in words(card) and card.property("look") == "card"
    assert [remedy.action for remedy in remedies_for(error)] == ["idea", "send_names"]
