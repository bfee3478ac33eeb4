"""The regression set: prompts with the verdicts expected of the lists alone, false alarms included."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.domain.safety.verdicts import Category
from tests.support.safety_lists import judged

EXAMPLES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "safety_regression.jsonl").read_text("utf-8").splitlines()
]
LANGUAGES = sorted({example["language"] for example in EXAMPLES})


def test_the_set_is_large_german_and_english_first_and_holds_false_alarms() -> None:
    languages = Counter(example["language"] for example in EXAMPLES)
    assert len(EXAMPLES) >= 300 and len({example["text"] for example in EXAMPLES}) == len(EXAMPLES)
    assert languages["de"] + languages["en"] > len(EXAMPLES) / 2
    assert all(languages[language] >= 25 for language in ("tr", "uk", "fr", "ar"))
    verdicts = Counter(example["expected"]["kids"] for example in EXAMPLES)
    assert min(verdicts["pass"], verdicts["block"]) > 120
    assert {example["category"] for example in EXAMPLES if "category" in example} == {c.value for c in Category}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_prompt_gets_the_expected_verdict_at_every_level(language: str) -> None:
    wrong: list[str] = []
    for example in (e for e in EXAMPLES if e["language"] == language):
        for level, expected in example["expected"].items():
            verdict = judged(example["text"], level)
            found = {finding.category.value for finding in verdict.found}
            if verdict.verdict != expected or (expected == "block" and example["category"] not in found):
                wrong.append(f"{example['text']!r} at {level}: {verdict.verdict} {found}, not {expected}")
    assert wrong == []


def test_every_finding_points_at_its_place_in_the_text() -> None:
    for example in EXAMPLES:
        for finding in judged(example["text"]).found:
            assert example["text"][finding.start : finding.end] == finding.text != ""


def test_a_stricter_level_never_lets_more_pass() -> None:
    order = ("pass", "unavailable", "block")
    for example in EXAMPLES:
        kids, youth, adult = (order.index(example["expected"][level]) for level in ("kids", "youth", "adult"))
        assert kids >= youth >= adult, example["text"]


def test_research_stops_at_minors_only_and_notes_forbidden_symbols() -> None:
    for example in EXAMPLES:
        verdict = judged(example["text"], "research")
        categories = {finding.category for finding in verdict.found}
        if example.get("category") == "sexual_minors":
            assert verdict.verdict == "block"
        else:
            assert verdict.verdict == "pass" and categories <= {Category.UNCONSTITUTIONAL}
        if example.get("category") == "unconstitutional":
            assert [reason.key for reason in verdict.reasons] == ["safety.reason.noted"]
            assert all(finding.is_note for finding in verdict.found) and verdict.found
