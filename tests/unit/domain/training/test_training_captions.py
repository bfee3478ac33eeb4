"""Captions as tags: added once, removed everywhere, counted over all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.training.captions import add_tag, count_tags, remove_tag, replace_text, tags_of


@pytest.mark.parametrize(
    ("caption", "tag", "at_start", "after"),
    [
        ("a, b", "c", False, "a, b, c"),
        ("a, b", "c", True, "c, a, b"),
        ("a,  Big  Tree ", "big tree", False, "a,  Big  Tree "),
        ("", "c", False, "c"),
        ("a", "  ", False, "a"),
    ],
)
def test_a_tag_is_added_once(caption: str, tag: str, at_start: bool, after: str) -> None:
    assert add_tag(caption, tag, at_start=at_start) == after


@given(st.text(max_size=40), st.text(max_size=10))
def test_a_removed_tag_is_gone_and_the_others_stay(caption: str, tag: str) -> None:
    left = tags_of(remove_tag(caption, tag))
    gone = " ".join(tag.split()).casefold()
    assert left == [kept for kept in tags_of(caption) if kept.casefold() != gone]


def test_tags_are_counted_per_caption_and_replaced_literally() -> None:
    assert count_tags(["a, b, a", "b", ""]) == [("b", 2), ("a", 1)]
    assert replace_text("a cat, a dog", "cat", "bird") == "a bird, a dog"
    assert replace_text("a", "", "x") == "a"
