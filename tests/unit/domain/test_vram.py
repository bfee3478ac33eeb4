"""Who makes room: as few as possible, the smallest that is enough, never what works or is pinned."""

from __future__ import annotations

import json
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.paths import find_shipped
from ai4artsed_desktop.domain.vram import (
    VramError,
    VramHolding,
    VramNotEnoughError,
    VramNotFreedError,
    VramRefusedError,
    choose_to_unload,
)


def holding(name: str, size: int | None, *, busy: bool = False, pinned: bool = False) -> VramHolding:
    return VramHolding(name, name, "ollama", size, busy, pinned)


def names(*holdings: VramHolding, missing: int) -> list[str]:
    return [h.name for h in choose_to_unload(holdings, missing)]


def test_nothing_goes_when_nothing_is_missing() -> None:
    assert names(holding("a", 5), missing=0) == [] and names(holding("a", 5), missing=-3) == []


def test_the_smallest_that_is_enough_goes_alone() -> None:
    assert names(holding("small", 2), holding("middle", 6), holding("large", 20), missing=5) == ["middle"]


def test_several_go_when_none_is_enough() -> None:
    assert names(holding("a", 2), holding("b", 6), holding("c", 5), missing=9) == ["b", "c"]


def test_what_works_or_is_pinned_or_has_no_known_size_stays() -> None:
    kept = holding("busy", 9, busy=True), holding("pinned", 9, pinned=True), holding("unknown", None)
    assert names(*kept, holding("idle", 1), missing=5) == ["idle"]


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_error_has_its_three_texts_with_gaps_that_are_filled(language: str) -> None:
    texts = json.loads((find_shipped() / "resources" / "languages" / f"{language}.json").read_text("utf-8"))
    known = {"name", "needed_gb", "possible_gb", "kept", "free_gb"}
    for kind in (VramError, VramNotEnoughError, VramNotFreedError, VramRefusedError):
        for part in ("what", "why", "next"):
            text = texts[f"{kind.code}.{part}"]
            assert {name for _, name, _, _ in Formatter().parse(text) if name} <= known


holdings = st.lists(
    st.builds(
        VramHolding,
        st.uuids().map(str),
        st.just("x"),
        st.just("ollama"),
        st.none() | st.integers(0, 50),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@given(holdings, st.integers(-5, 200))
def test_enough_goes_if_enough_may_go_and_never_more_than_needed(found: list[VramHolding], missing: int) -> None:
    chosen = choose_to_unload(found, missing)
    assert all(h.may_go and h.used_bytes for h in chosen) and len({h.id for h in chosen}) == len(chosen)
    sizes = [h.used_bytes or 0 for h in chosen]
    possible = sum(h.used_bytes or 0 for h in found if h.may_go)
    assert sum(sizes) >= min(missing, possible) or missing <= 0
    if sizes:
        assert sum(sizes) - min(sizes) < missing
