"""The word lists and what reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.procedures.sound import sound_key
from ai4artsed_desktop.domain.procedures.tokens import graphemes, split, swap_words, words
from ai4artsed_desktop.domain.procedures.vocabulary import NounForm, Vocabulary, english_plural, inflected, sort_key
from ai4artsed_desktop.domain.procedures.wordlists import WordListError, columns, entry_lines
from tests.support.word_lists import LANGUAGES, WORD_LIST_ROOT, context_for, shipped_word_lists

FILES = sorted(WORD_LIST_ROOT.glob("*/*.txt"))


@pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.stem}" for file in FILES])
def test_a_shipped_list_reads_and_says_its_licence(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# CC0, written for this program\n")
    lines = entry_lines(text)
    assert len(lines) >= 20
    assert len(set(lines)) == len(lines), "no entry twice"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nouns_are_many_and_in_dictionary_order(language: str) -> None:
    nouns = [row[0] for row in columns(shipped_word_lists(language)["nouns"])]
    assert len(nouns) >= 1200
    assert nouns == sorted(nouns, key=lambda word: (sort_key(word), word.casefold()))


def test_german_nouns_have_a_capital_a_gender_and_mostly_a_plural() -> None:
    rows = columns(shipped_word_lists("de")["nouns"])
    assert all(re.fullmatch(r"[A-ZÄÖÜ][a-zäöüßé]+", row[0]) and row[1] in "mfn" and len(row) <= 3 for row in rows)
    assert sum(len(row) == 3 for row in rows) > 0.9 * len(rows)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "kinds"), [("opposites", "anw"), ("near_words", "anw")])
def test_lists_with_a_kind_have_a_group_of_words(language: str, name: str, kinds: str) -> None:
    for row in columns(shipped_word_lists(language)[name]):
        assert row[0] in kinds
        assert len(row) >= 3
        if row[0] == "w":
            assert len({word.count("/") for word in row[1:]}) == 1, f"forms do not match: {row}"


def test_opposite_nouns_in_german_share_their_gender_where_the_list_knows_it() -> None:
    gender = {row[0]: row[1] for row in columns(shipped_word_lists("de")["nouns"])}
    for kind, *pair in columns(shipped_word_lists("de")["opposites"]):
        if kind == "n":
            known = {gender[word] for word in pair if word in gender and word not in {"Kiefer", "See", "Leiter"}}
            assert len(known) <= 1, pair


@pytest.mark.parametrize(
    ("text", "line"), [("a\n\tb\n", 2), ("# x\n\n a\n", 3), ("a\tb \n", 1), ("a\x07b\n", 1), ("ok\nbad\t\x00\n", 2)]
)
def test_a_damaged_list_names_the_line(text: str, line: int) -> None:
    with pytest.raises(WordListError) as caught:
        entry_lines(text)
    assert caught.value.line == line


def test_comments_empty_lines_and_a_byte_order_mark_do_not_count() -> None:
    assert entry_lines("\ufeff# note\r\n\r\na\tb\r\n#c\nd") == ("a\tb", "d")


@given(st.text(max_size=200))
def test_splitting_loses_nothing(text: str) -> None:
    assert "".join(split(text)) == text
    assert all(word and not word.isspace() for word in words(text))


@given(st.text(max_size=60))
def test_graphemes_lose_nothing(word: str) -> None:
    assert "".join(graphemes(word)) == word


def test_words_of_many_scripts_stay_whole() -> None:
    assert words("Don't stop: well-known 3.14, naïve!") == ["Don't", "stop", "well-known", "3.14", "naïve"]
    assert words("नमस्ते दुनिया") == ["नमस्ते", "दुनिया"]
    assert words("—‘red’… (apple)") == ["red", "apple"]
    assert graphemes("👩‍👩‍👧e\u0301🇩🇪👍🏽") == ["👩‍👩‍👧", "e\u0301", "🇩🇪", "👍🏽"]


def test_swapped_words_keep_marks_capitals_and_articles() -> None:
    table = {"red": "old", "apple": "pear", "bear": "owl"}
    swapped = swap_words("Red! A red apple, an APPLE; a Bear.", lambda word, _: table.get(word.casefold()), "en")
    assert swapped == "Old! An old pear, a PEAR; an Owl."


@pytest.mark.parametrize(
    ("base", "ending", "form"),
    [("rot", "er", "roter"), ("dunkel", "e", "dunkle"), ("teuer", "en", "teuren"), ("müde", "es", "müdes"),
     ("hoch", "er", "hoher"), ("rosa", "e", "rosa"), ("alt", "", "alt"), ("bitter", "e", "bittere")],
)  # fmt: skip
def test_german_adjectives_take_their_endings(base: str, ending: str, form: str) -> None:
    assert inflected(base, ending) == form


@pytest.mark.parametrize(
    ("word", "plural"), [("apple", "apples"), ("box", "boxes"), ("city", "cities"), ("day", "days")]
)
def test_english_plurals(word: str, plural: str) -> None:
    assert english_plural(word) == plural


@pytest.mark.parametrize(
    ("word", "noun", "form"),
    [("Äpfeln", "Apfel", NounForm.DATIVE_PLURAL), ("Hauses", "Haus", NounForm.GENITIVE),
     ("Häuser", "Haus", NounForm.PLURAL),
     ("Spielplatz", "Spielplatz", NounForm.SINGULAR)],
)  # fmt: skip
def test_german_nouns_are_known_in_their_forms(word: str, noun: str, form: NounForm) -> None:
    found = Vocabulary(context_for("de"), "Text").noun(word)
    assert found is not None
    assert (found[0].word, found[1]) == (noun, form)


def test_a_noun_after_a_subject_reads_as_a_verb() -> None:
    vocabulary = Vocabulary(context_for("en"), "text")
    assert vocabulary.noun("dances", "grandmother") is None
    assert vocabulary.noun("dream", "to") is None
    assert vocabulary.noun("fly", "children") is None
    assert vocabulary.noun("dances", "two") is not None
    assert vocabulary.noun("children") is not None


def test_words_that_sound_alike_share_a_key() -> None:
    assert sound_key("Rad") == sound_key("Rat")
    assert sound_key("phone") == sound_key("fun")
    assert sound_key("table") != sound_key("apple")
    assert sound_key("яблоко") == ""
