"""Every procedure, by the one contract, and each by its historical rule."""

from __future__ import annotations

import re
import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.procedures.lipogram import has_letter
from ai4artsed_desktop.domain.procedures.tokens import graphemes, sentences, words
from tests.support.word_lists import LANGUAGES, context_for

PROCEDURES = discover_procedures()
APPLE = {"en": "A red apple on a table", "de": "Ein roter Apfel auf einem Tisch"}
LONG = {
    "en": "My grandmother drinks tea in the garden. The children run, and an old dog watches the bright moon! ",
    "de": "Meine Großmutter trinkt Tee im Garten. Die Kinder rennen, und ein alter Hund betrachtet den hellen Mond! ",
}
INPUTS = [
    "apple", "Apfel", "🍎", "🍎🍐 👩‍👩‍👧", "تفاحة حمراء على طاولة", "תפוח אדום", "りんごが机の上にある", "42",
    "3.14 + 2,7", "?!…",
    "“Quotes”, she said: ‘why?’", "don't  stop —\n\nnow", "x", "ß", "ﬁne", "\u200d",
    "A" * 3000, "e e e e", "-", "<b>&amp;</b> {x}",
]  # fmt: skip
#: Those that are pure rules: their result depends on the text alone.
WITHOUT_CHANCE = {"antonymy", "n_plus_7", "homophones"}


def apply(name: str, text: str, language: str = "en", seed: int = 1, **options: int | float | str) -> str:
    return PROCEDURES[name].apply(text, context_for(language, seed, **options)).text


def test_at_least_twelve_procedures_are_found_in_order() -> None:
    assert len(PROCEDURES) >= 12
    assert list(PROCEDURES) == sorted(PROCEDURES)
    for name, procedure in PROCEDURES.items():
        assert procedure.id == name
        assert re.search(r"\d{3,4}|century", procedure.source), f"{name}: a source has a time"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PROCEDURES)
def test_needed_word_lists_are_all_that_is_used(name: str, language: str) -> None:
    full = context_for(language, 3)
    needed = {key: full.word_lists[key] for key in PROCEDURES[name].word_lists if key in full.word_lists}
    assert set(PROCEDURES[name].word_lists) - set(needed) <= {"plurals"}
    lean = type(full)(language, context_for(language, 3).random, needed, {})
    assert PROCEDURES[name].apply(LONG[language], lean) == PROCEDURES[name].apply(LONG[language], full)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PROCEDURES)
def test_the_apple_is_changed_and_repeatable(name: str, language: str) -> None:
    first = apply(name, APPLE[language], language, seed=7)
    assert first.strip()
    assert first != APPLE[language]
    assert apply(name, APPLE[language], language, seed=7) == first


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(set(PROCEDURES) - WITHOUT_CHANCE))
def test_different_seeds_give_different_texts(name: str, language: str) -> None:
    assert len({apply(name, LONG[language], language, seed) for seed in range(8)}) >= 3


@pytest.mark.parametrize("text", INPUTS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PROCEDURES)
def test_any_input_gives_a_text(name: str, language: str, text: str) -> None:
    assert apply(name, text, language)


@pytest.mark.parametrize("name", PROCEDURES)
@settings(max_examples=40, deadline=None)
@given(text=st.text(min_size=1, max_size=80), language=st.sampled_from(LANGUAGES), seed=st.integers(0, 2**32 - 1))
@example(text="0\n\x1b", language="de", seed=0)
def test_no_text_breaks_a_procedure(name: str, text: str, language: str, seed: int) -> None:
    assert apply(name, text, language, seed)


@pytest.mark.parametrize("name", PROCEDURES)
def test_missing_word_lists_break_nothing(name: str) -> None:
    bare = type(context_for("en"))("en", context_for("en").random)
    assert PROCEDURES[name].apply(LONG["en"], bare).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PROCEDURES)
def test_ten_thousand_words_take_linear_time(name: str, language: str) -> None:
    text = LONG[language] * (10_000 // len(words(LONG[language])) + 1)
    started = time.perf_counter()
    assert apply(name, text, language)
    assert time.perf_counter() - started < 10, "0.02 … 0.5 s are usual; quadratic time would take minutes"


@pytest.mark.parametrize("language", LANGUAGES)
def test_cut_up_uses_exactly_the_words_of_the_source(language: str) -> None:
    cut = words(apply("cut_up", LONG[language], language, seed=5))
    source = words(LONG[language])
    assert Counter(word.casefold() for word in cut) == Counter(word.casefold() for word in source)
    assert [word.casefold() for word in cut] != [word.casefold() for word in source]


def test_n_plus_7_counts_exactly_seven_nouns_on() -> None:
    nouns = [line.split("\t")[0] for line in context_for("en").word_lists["nouns"]]
    apple, table = nouns[nouns.index("apple") + 7], nouns[nouns.index("table") + 7]
    result = apply("n_plus_7", APPLE["en"])
    assert words(result)[-1] == table
    assert apple in result


def test_n_plus_7_in_german_counts_within_one_gender_and_keeps_the_form() -> None:
    rows = [line.split("\t") for line in context_for("de").word_lists["nouns"]]
    masculine = [row for row in rows if row[1] == "m"]
    names = [row[0] for row in masculine]
    apple, table = masculine[names.index("Apfel") + 7], masculine[names.index("Tisch") + 7]
    assert apply("n_plus_7", APPLE["de"], "de") == f"Ein roter {apple[0]} auf einem {table[0]}"
    assert apply("n_plus_7", "Die Äpfel", "de") == f"Die {apple[2]}"


def test_a_german_text_without_any_capitals_has_its_nouns_all_the_same() -> None:
    assert apply("n_plus_7", APPLE["de"].lower(), "de") == apply("n_plus_7", APPLE["de"], "de").replace("Ein", "ein")
    assert apply("antonymy", "der weg ist alt", "de") == "der Umweg ist nicht neu"


def test_german_capitals_tell_a_noun_from_a_verb() -> None:
    assert apply("antonymy", "Er ruft sie zum Essen", "de") == "Alles, nur nicht dies: Er ruft sie zum Essen"


def test_n_plus_7_wraps_round_the_end_of_the_dictionary() -> None:
    nouns = context_for("en").word_lists["nouns"]
    assert apply("n_plus_7", f"the {nouns[-1]}") == f"the {nouns[6]}"


def test_n_plus_7_makes_the_article_fit() -> None:
    assert re.search(r"\b[Aa]n [aeiou]|\b[Aa] [^aeiou]", apply("n_plus_7", "A table"))
    assert apply("tautogram", "A red apple").startswith("An a")


@pytest.mark.parametrize("letter", "aenrst")
@pytest.mark.parametrize("language", LANGUAGES)
def test_lipogram_lacks_the_letter(language: str, letter: str) -> None:
    result = apply("lipogram", LONG[language], language, letter=letter)
    assert not has_letter(result, letter)
    assert letter not in result.casefold()
    assert len(words(result)) >= len(words(LONG[language])) * 0.7


def test_lipogram_tells_which_letter_it_lost() -> None:
    result = PROCEDURES["lipogram"].apply(APPLE["de"], context_for("de"))
    assert not has_letter(result.text, result.steps[0].text)


def test_erasure_keeps_the_order_and_adds_nothing() -> None:
    for seed in range(10):
        kept = iter(words(LONG["en"]))
        assert all(word in kept for word in words(apply("erasure", LONG["en"], seed=seed)))


def test_erasure_paints_bars_of_the_word_s_length() -> None:
    result = apply("erasure", "A red apple on a table", marks="bars", keep_percent=10)
    assert [len(word) for word in result.split()] == [len(word) for word in ["A", "red", "apple", "on", "a", "table"]]
    assert "█" in result


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_a_snowball_is_longer_than_the_one_before(language: str) -> None:
    for seed in range(10):
        for ball in apply("snowball", LONG[language], language, seed).split("\n\n"):
            lengths = [len(graphemes(line)) for line in ball.split("\n")]
            assert len(lengths) >= 5
            assert all(short < long for short, long in pairwise(lengths))


def test_a_snowball_holds_the_idea() -> None:
    assert "apple" in apply("snowball", APPLE["en"], seed=1) or "table" in apply("snowball", APPLE["en"], seed=1)


def test_a_markov_walk_in_a_long_text_only_goes_where_the_text_went() -> None:
    text = " ".join(f"{LONG['en']}The {thing} sings to the {thing}." for thing in ("stove", "river", "lamp", "owl"))
    known = {pair for part in sentences(text) for pair in pairwise(word.casefold() for word in words(part))}
    walked = apply("markov_walk", text, seed=4, length=60)
    assert all(pair in known for part in sentences(walked) for pair in pairwise(w.casefold() for w in words(part)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_exquisite_corpse_folds_the_idea_s_nouns_in_and_shows_the_folds(language: str) -> None:
    result = PROCEDURES["exquisite_corpse"].apply(APPLE[language], context_for(language))
    for noun in {"en": ("apple", "table"), "de": ("Apfel", "Tisch")}[language]:
        assert noun in result.text
    assert len(result.steps) == 6
    assert all(step.text.casefold() in result.text.casefold() for step in result.steps)


def test_german_articles_agree_in_the_exquisite_corpse() -> None:
    assert re.fullmatch(
        r"Der .+e Apfel \S+ den .+en Hasen\.", apply("exquisite_corpse", "Apfel Hase", "de", sentences=1)
    )
    assert re.fullmatch(r"Die .+e Tür \S+ das .+e Haus\.", apply("exquisite_corpse", "Tür Haus", "de", sentences=1))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_line_of_a_permutation_is_a_permutation(language: str) -> None:
    lines = apply("permutation", APPLE[language], language, lines=10).split("\n")
    assert len(lines) == len(set(lines)) == 10
    for line in lines:
        assert Counter(line.split()) == Counter(APPLE[language].split())
        assert line != APPLE[language]


def test_homophones_of_a_known_sentence() -> None:
    assert apply("homophones", "The night knows one son") != "The night knows one son"
    assert apply("homophones", "knight") == "night"
    assert apply("homophones", "KNIGHT") == "NIGHT"


def test_telephone_shows_each_round_and_never_turns_back() -> None:
    result = PROCEDURES["telephone"].apply(LONG["de"], context_for("de", 3, rounds=5))
    texts = [LONG["de"], *(step.text for step in result.steps)]
    assert len(result.steps) == 5
    assert len(set(texts)) == 6
    assert texts[-1] == result.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_nouns_and_adjectives_of_a_tautogram_share_their_initial(language: str) -> None:
    content = words(apply("tautogram", APPLE[language], language, letter="k"))
    kept = {"en": {"a", "on"}, "de": {"ein", "auf", "einem"}}[language]
    assert [word for word in content if word.casefold() not in kept]
    assert all(word.casefold()[0] == "k" for word in content if word.casefold() not in kept)


@pytest.mark.parametrize(
    ("text", "pattern"), [("Ein Roboter", r"Ein r\w+er Roboter"), ("Der Roboter", r"Der r\w+e Roboter")]
)
def test_a_tautogram_that_has_nothing_to_exchange_gets_an_adjective(text: str, pattern: str) -> None:
    assert re.fullmatch(pattern, apply("tautogram", text, "de"))
    assert re.fullmatch(r"An e\w+ elephant|A[^n].*", apply("tautogram", "An elephant"))


@pytest.mark.parametrize(("language", "key"), [("en", "APPLE"), ("de", "APFEL")])
def test_initials_of_an_acrostic_spell_the_idea(language: str, key: str) -> None:
    assert "".join(line[0] for line in apply("acrostic", APPLE[language], language).split("\n")) == key


@pytest.mark.parametrize(
    ("language", "text", "turned"),
    [
        ("en", "A big house on a hill.", "A small open field under a hollow."),
        ("en", "AN OLD FRIEND", "A NEW STRANGER"),
        ("de", "Ein großer Hund lacht laut.", "Ein kleiner Kater weint leise."),
        ("de", "den dunklen Garten", "den hellen Schrottplatz"),
    ],
)
def test_antonymy_turns_words_in_their_form(language: str, text: str, turned: str) -> None:
    assert apply("antonymy", text, language) == turned


def test_antonymy_without_any_opposite_denies_the_whole() -> None:
    assert apply("antonymy", "🍎") == "Anything but this: 🍎"


@pytest.mark.parametrize("name", PROCEDURES)
def test_options_are_described_by_their_default_and_their_bounds_or_choices(name: str) -> None:
    for default, *rest in PROCEDURES[name].options.values():
        if isinstance(default, str):
            assert default in rest
        else:
            low, high = (int(bound) for bound in rest)
            assert low <= default <= high


def test_n_plus_7_counts_as_far_as_it_is_told() -> None:
    assert len({apply("n_plus_7", APPLE["en"], distance=distance) for distance in (1, 7, 50)}) == 3
