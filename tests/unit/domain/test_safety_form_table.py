"""Forms of listed words that are made when they are needed: the same answers as if all had been made."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Iterator

import pytest

from ai4artsed_desktop.domain.safety.folding import fold
from ai4artsed_desktop.domain.safety.form_table import FormTable
from ai4artsed_desktop.domain.safety.lemmas import beginning_of, beginnings, forms
from ai4artsed_desktop.domain.safety.lists import COVERED_LANGUAGES, TermList
from tests.support.safety_lists import shipped_files

LANGUAGES = (*COVERED_LANGUAGES, "further")
LETTERS = {"uk": "абвгдежзиіклмнопрстуь", "ar": "ابتجحدرسشعفقكلمنهوي"}


def shipped_terms() -> list[TermList]:
    return [TermList.model_validate_json(shipped_files()[f"{language}.json"]) for language in LANGUAGES]


def listed_words(lists: list[TermList]) -> Iterator[tuple[str, str]]:
    for terms in lists:
        phrases = [*terms.allow, *(word for words in terms.contexts.values() for word in words)]
        for group in terms.groups:
            phrases += group.terms
            phrases += [word for combination in group.combinations for slot in combination.all_of for word in slot]
        for phrase in phrases:
            yield from ((fold(word.strip("=*")), terms.language) for word in phrase.lower().split())


def made_up_words() -> Iterator[tuple[str, str]]:
    chance = random.Random(7)
    for language in LANGUAGES:
        letters = LETTERS.get(language, "abcdefghijklmnorstuwy")
        endings = ("", "en", "ern", "eln", "e", "er", "eur", "if", "y", "ти", "ии", "ه")
        for _ in range(300):
            stem = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 7)))
            yield stem + chance.choice(endings), language


def test_the_beginnings_of_a_word_are_those_of_all_its_forms() -> None:
    for word, language in (*listed_words(shipped_terms()), *made_up_words()):
        missing = {form for form in forms(word, language) if beginning_of(form) not in beginnings(word, language)}
        assert not missing, (word, language)


def filled(words: list[tuple[str, str]]) -> tuple[FormTable, dict[str, set[int]]]:
    """Return the table, and what it must answer."""
    table, expected = FormTable(), defaultdict[str, set[int]](set)
    for number, (word, language) in enumerate(words):
        table.add_word(word, language, (number,))
        for form in forms(word, language):
            expected[form].add(number)
    return table, expected


def test_every_form_of_every_listed_word_is_found_and_nothing_else() -> None:
    words = [*dict.fromkeys(listed_words(shipped_terms()))]
    table, expected = filled(words)
    assert len(expected) > 50_000
    order = list(expected)
    random.Random(3).shuffle(order)
    for form in (*order[:4000], "", "a", "zzz", "ا", "ge", "gezzz"):
        assert set(table.get(form)) == expected.get(form, set()), form
    assert {form: set(numbers) for form, numbers in table.all().items()} == expected


def test_a_form_that_is_a_word_of_its_own_belongs_to_both() -> None:
    table = FormTable()
    table.add("foltern", (7,))
    table.add_word("folter", "de", (1,))
    assert sorted(table.get("foltern")) == [1, 7]
    assert table.get("folter") == (1,)


@pytest.mark.parametrize("round_number", range(5))
def test_several_threads_find_the_same(round_number: int) -> None:
    words = [*dict.fromkeys(listed_words(shipped_terms()))]
    table, expected = filled(words)
    asked = random.Random(round_number).sample(sorted(expected), 200)
    wrong: list[str] = []
    begin = threading.Barrier(4)

    def ask() -> None:
        begin.wait(10)
        wrong.extend(form for form in asked if set(table.get(form)) != expected[form])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
