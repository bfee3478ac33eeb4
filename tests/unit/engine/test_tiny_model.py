from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.configs import ExamplePair
from ai4artsed_desktop.engine import tiny_model
from ai4artsed_desktop.engine.tiny_model import Rejection, rank, repeated_trigrams, score, unusable_reason

PAIRS = (
    ExamplePair(idea="A dog sleeps.", text="The carpet barks at the silent moon and the dog is a drum."),
    ExamplePair(idea="Rain falls.", text="The rain is a typewriter that forgot its letters."),
    ExamplePair(idea="We eat soup.", text="The spoon eats us while the soup reads a newspaper."),
)
IDEA = "A red apple on a table"
GOOD = "The apple is a red hat and the table wears it to the opera."


def test_format_f_is_three_examples_and_an_open_end() -> None:
    prompt = tiny_model.few_shot_prompt("Dada", PAIRS, IDEA)
    assert prompt == (
        "Idea: A dog sleeps.\nDada: The carpet barks at the silent moon and the dog is a drum.\n\n"
        "Idea: Rain falls.\nDada: The rain is a typewriter that forgot its letters.\n\n"
        "Idea: We eat soup.\nDada: The spoon eats us while the soup reads a newspaper.\n\n"
        "Idea: A red apple on a table\nDada:"
    )


def test_an_idea_of_several_lines_cannot_break_the_pattern() -> None:
    prompt = tiny_model.few_shot_prompt("Dada", PAIRS, "one\n\nIdea: two\nDada: three")
    assert prompt.endswith("Idea: one Idea: two Dada: three\nDada:")


def test_requests_carry_the_measured_numbers_and_different_seeds() -> None:
    requests = tiny_model.tiny_requests("Dada", PAIRS, IDEA, seed=7)
    assert len(requests) == len({request.seed for request in requests}) == 3
    for request in requests:
        assert (request.temperature, request.repeat_penalty, request.min_p) == (0.7, 1.08, 0.05)
        assert (request.dry_multiplier, request.dry_allowed_length) == (0.8, 3)
        assert (request.max_tokens, request.stop, request.messages) == (50, ("\n",), ())


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_seeds_repeat_for_the_same_run_and_never_repeat_between_rounds(seed: int) -> None:
    rounds = [tiny_model.candidate_seeds(seed, number) for number in range(tiny_model.MAX_ROUNDS)]
    flat = [one for seeds in rounds for one in seeds]
    assert len(set(flat)) == len(flat) == tiny_model.CANDIDATES * tiny_model.MAX_ROUNDS
    assert all(0 <= one < 2**32 - 1 for one in flat)
    assert rounds[0] == tiny_model.candidate_seeds(seed)


def test_free_rules_use_their_first_sentence_only() -> None:
    (request, *_) = tiny_model.instruction_requests("Make it\nloud! Then explain it.", IDEA, seed=1)
    assert request.prompt is not None
    assert request.prompt.endswith("Rule: Make it loud!\nIdea: A red apple on a table\nText:")
    assert "explain" not in request.prompt


def test_rules_without_an_end_mark_get_one() -> None:
    assert tiny_model.first_sentence("  make it\tloud ") == "make it loud."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two three", "One."),
        ('He said "stop!" and then he', 'He said "stop!"'),
        ("no end at all", "no end at all"),
        ("  Whole.  ", "Whole."),
        ("", ""),
    ],
)
def test_a_cut_text_ends_at_its_last_sentence(text: str, expected: str) -> None:
    assert tiny_model.trim_to_sentence(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD, None),
        ("", Rejection.TOO_SHORT),
        ("Red apple.", Rejection.TOO_SHORT),
        ("I am red, I am red, I am red, I am red, I am red.", Rejection.LOOP),
        ("A table: the carpet barks at the silent moon today.", Rejection.COPIED),
        ("On a table: a red apple.", Rejection.ECHO),
        ("Ein Apfel träumt über Größe, Äpfel, Öfen, Übermut äöü ßßß.", Rejection.NOT_ENGLISH),
        ("яблоко лежит на столе и мечтает", Rejection.NOT_ENGLISH),
        ("{{{ = x += 12 ; y // zz == 00 }}} q w (%) [] a", Rejection.NOT_ENGLISH),
        ("tafel appel hoed rood vliegt langzaam naar zee toe morgen", Rejection.NOT_ENGLISH),
    ],
)
def test_what_cannot_be_shown_is_dropped_with_its_reason(text: str, reason: Rejection | None) -> None:
    assert unusable_reason(text, IDEA, PAIRS) is reason


def test_words_of_the_idea_are_not_copied_even_if_an_example_has_them() -> None:
    idea = "The rain is a typewriter"
    text = "The rain is a typewriter and the street is its long wet page."
    assert unusable_reason(text, idea, PAIRS) is None


def test_the_best_proposal_keeps_the_idea_and_adds_to_it() -> None:
    lost = "Somebody walks along a river with seven grey umbrellas."
    poor = "The red apple is on the table, on the table."
    assert rank([lost, poor, GOOD], IDEA)[0] == GOOD
    assert score(GOOD, IDEA) > score(poor, IDEA) > 0


def test_doubles_are_shown_once_and_equal_ones_keep_their_order() -> None:
    assert rank([GOOD, GOOD.upper(), GOOD], IDEA) == [GOOD]
    assert rank(["Big blue cat sings.", "Old grey dog hums."], IDEA) == ["Big blue cat sings.", "Old grey dog hums."]


@given(st.text(max_size=120), st.text(max_size=60))
def test_any_text_gets_a_score_between_0_and_1_and_never_an_error(text: str, idea: str) -> None:
    assert 0.0 <= score(text, idea) <= 1.0
    unusable_reason(text, idea, PAIRS)
    assert 0.0 <= repeated_trigrams(text.split()) <= 1.0
    assert tiny_model.trim_to_sentence(text) in text


def test_our_own_rule_examples_are_usable_texts_and_no_copies_of_their_ideas() -> None:
    for _, pair in tiny_model.RULE_EXAMPLES:
        assert unusable_reason(pair.text, pair.idea, ()) is Rejection.COPIED, "they are in every prompt of format D"
        assert score(pair.text, pair.idea) > 0.5
