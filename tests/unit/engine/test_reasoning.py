"""A model's reasoning is kept apart from its answer, however it is cut into pieces."""

from __future__ import annotations

import pytest

from ai4artsed_desktop.engine.reasoning import ReasoningSplitter


def split(text: str, size: int) -> tuple[str, str, str]:
    """Return (streamed, answer, thinking) for a text that comes in pieces of ``size``."""
    splitter = ReasoningSplitter()
    streamed = "".join(splitter.feed(text[i : i + size]) for i in range(0, len(text), size))
    return streamed + splitter.finish(), splitter.answer, splitter.thinking


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("begin", "end"), [("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<thinking>", "</thinking>")]
)
def test_reasoning_never_reaches_the_answer(begin: str, end: str, size: int) -> None:
    streamed, answer, thinking = split(f"{begin}Red? No < blue.{end}A blue apple.", size)
    assert streamed == answer == "A blue apple."
    assert thinking == "Red? No < blue."


@pytest.mark.parametrize("size", [1, 4, 100])
def test_text_without_marks_passes_unchanged(size: int) -> None:
    text = "if (a < b) { <thin> [T] } else </thin"
    assert split(text, size) == (text, text, "")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_reasoning_that_never_ends_leaves_no_answer(size: int) -> None:
    assert split("<think>What would a pear do", size) == ("", "", "What would a pear do")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_an_end_without_a_beginning_makes_all_before_it_reasoning(size: int) -> None:
    _, answer, thinking = split("First I look.</think>A pear.", size)
    assert (answer, thinking) == ("A pear.", "First I look.")


def test_several_turns_of_reasoning_are_all_taken_out() -> None:
    assert split("<think>a</think>One <think>b</think>two", 3) == ("One two", "One two", "ab")


def test_a_flood_of_half_marks_takes_linear_time() -> None:
    splitter = ReasoningSplitter()
    for _ in range(20_000):
        splitter.feed("<thin")
    splitter.finish()
    assert splitter.answer == "<thin" * 20_000
