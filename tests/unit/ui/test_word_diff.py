from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.ui.word_diff import MAX_TOKENS, Change, DiffPiece, word_diff

KEPT, REMOVED, ADDED = Change.KEPT, Change.REMOVED, Change.ADDED


def joined(pieces: list[DiffPiece], *changes: Change) -> str:
    return "".join(piece.text for piece in pieces if piece.change in changes)


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_pieces_hold_both_texts_completely(before: str, after: str) -> None:
    pieces = word_diff(before, after)
    assert joined(pieces, KEPT, REMOVED) == before
    assert joined(pieces, KEPT, ADDED) == after


def test_words_are_the_smallest_piece() -> None:
    pieces = word_diff("The cat's tail", "The dog's tail")
    assert [(p.change, p.text) for p in pieces] == [
        (KEPT, "The "),
        (REMOVED, "cat's"),
        (ADDED, "dog's"),
        (KEPT, " tail"),
    ]


@pytest.mark.parametrize(("before", "after", "change"), [("", "new", ADDED), ("old", "", REMOVED), ("x", "x", KEPT)])
def test_from_nothing_to_nothing_and_no_change(before: str, after: str, change: Change) -> None:
    assert [piece.change for piece in word_diff(before, after)] == [change]


def test_a_very_long_text_is_compared_by_lines_and_soon_done() -> None:
    lines = [f"line {n} of many\n" for n in range(MAX_TOKENS)]
    changed = [*lines[:100], "new\n", *lines[100:]]
    pieces = word_diff("".join(lines), "".join(changed))
    assert joined(pieces, ADDED) == "new\n"
    assert joined(pieces, REMOVED) == ""
