"""Text from outside, texts in several languages, and guessing the language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.language import guess_language
from ai4artsed_desktop.domain.text import clean_text, localized


@given(st.text(st.characters()))
def test_cleaned_text_can_be_written_and_cleaning_twice_changes_nothing(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned and "\r" not in cleaned
    assert clean_text(cleaned) == cleaned


@pytest.mark.parametrize("text", ["🏳️‍🌈 👩‍🎨", "‏שלום‎", "a\tb\nc", "ｆｕｌｌ", "க்ஷ", "\u200b\u00ad"])
def test_what_a_person_can_have_meant_stays(text: str) -> None:
    assert clean_text(text) == text


def test_localized_takes_the_language_else_english_else_any() -> None:
    assert localized({"en": "a", "de": "b"}, "de") == "b"
    assert localized({"en": "a", "de": ""}, "de") == "a"
    assert localized({"fr": "c"}, "de") == "c"
    assert localized({}, "de") == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The apple is on the table", "en"),
        ("Ein roter Apfel auf einem Tisch", "de"),
        ("Straße", "de"),
        ("Яблоко на столе", "uk"),
        ("Красное яблоко и ещё одно", "ru"),
        ("Une pomme rouge", "fr"),
        ("Masanın üzerinde kırmızı bir elma", "tr"),
        ("Una manzana y los niños", "es"),
        ("Il gatto è nel giardino", "it"),
        ("Uma maçã não cai", "pt"),
        ("De kat zit bij het raam", "nl"),
        ("Kot jest na stole", "pl"),
        ("A boy and his dog in a van", "en"),
        ("Ein Bär, eine Möwe und das Büro", "de"),
        ("りんご", "ja"),
        ("تفاحة حمراء", "ar"),
        ("apple", None),
        ("", None),
        ("12345 !?", None),
        ("🍎", None),
    ],
)
def test_the_language_is_guessed_or_left_open(text: str, language: str | None) -> None:
    assert guess_language(text) == language


@given(st.text(st.characters()))
def test_guessing_never_fails(text: str) -> None:
    assert guess_language(text) is None or len(guess_language(text) or "") == 2
