"""The shipped interception configs: both languages, sources, a stance, good examples, no leftovers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from ai4artsed_desktop.domain.configs import InterceptionConfig
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.engine.steps.processing import check_options

ROOT = Path(__file__).parents[2] / "configs" / "interception"
RAW: dict[str, dict[str, Any]] = {
    f.stem: json.loads(f.read_text(encoding="utf-8")) for f in sorted(ROOT.glob("*.json"))
}
CONFIGS = {name: InterceptionConfig.model_validate({"id": name, **raw}) for name, raw in RAW.items()}
BY_MODEL = {name: config for name, config in CONFIGS.items() if config.instruction_type == "transformation"}
BY_RULE = {name: config for name, config in CONFIGS.items() if config.instruction_type == "procedure"}
GROUPS = {
    *("art_movements", "media_history", "language_games", "critical", "stances", "music", "code", "free", "procedures"),
}
ICONS = {
    *("shapes", "scissors", "dice", "ear", "eye", "telephone", "feather", "newspaper", "film", "radio", "mask"),
    *("mirror", "child", "chair", "megaphone", "leaf", "grid", "letter", "hourglass", "hand", "hammer", "question"),
    *("pen", "arrow", "shuffle", "snowflake", "chain", "eraser", "book", "swap", "quiet", "cube", "cloud", "compass"),
    *("list", "search", "text", "notes", "code"),
}
PROCEDURES = discover_procedures()


def texts_of(value: Any) -> list[str]:
    """Every string in a config."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return texts_of(list(cast("dict[str, Any]", value).values()))
    if isinstance(value, list):
        return [text for part in cast("list[Any]", value) for text in texts_of(part)]
    return []


def test_there_are_thirty_lenses_for_models_and_the_two_special_ones() -> None:
    assert len(BY_MODEL) >= 30
    assert CONFIGS["as_is"].meta.skip_interception
    assert CONFIGS["as_is"].pipeline == "text_passthrough"
    assert not any(texts_of(CONFIGS["free"].context))
    assert {group for config in CONFIGS.values() for group in config.properties} == GROUPS


@pytest.mark.parametrize("name", CONFIGS)
def test_both_languages_are_complete(name: str) -> None:
    config, raw = CONFIGS[name], RAW[name]
    localized = [config.name, config.description, config.category, config.meta.stance]
    if name not in {"as_is", "free"}:
        assert isinstance(config.context, dict)
        localized.append(config.context)
    localized += [text for step in config.steps for text in (step.name, step.context)]
    for text in localized:
        assert text is not None
        assert set(text) == {"de", "en"}
        assert all(part.strip() == part and part for part in text.values())
    assert set(raw["tags"]) == {"de", "en"}
    assert config.name["de"] != "" and len(config.name["en"]) <= 28 and len(config.name["de"]) <= 28
    for language in ("de", "en"):
        assert len(re.findall(r"[.?!](?:\s|$)", config.meta.stance[language] if config.meta.stance else "")) >= 2


@pytest.mark.parametrize("name", CONFIGS)
def test_sources_group_icon_and_author_are_given(name: str) -> None:
    config = CONFIGS[name]
    assert config.meta.sources
    assert any(re.search(r"\d{3,4}|century", source) for source in config.meta.sources)
    assert config.display.category in config.properties
    assert config.display.icon in ICONS
    assert config.meta.author == "AI4ArtsEd Desktop"
    assert config.meta.loras == ()


@pytest.mark.parametrize("name", CONFIGS)
def test_no_leftovers_and_no_address_in_german(name: str) -> None:
    for text in texts_of(RAW[name]):
        said = text.replace("{{HOME_LANGUAGE}}", "")
        assert not re.search(r"\{\{|\{[a-z0-9_]*\}|TODO|TBD|XXX|lorem|\bN/A\b", said), text
        assert "  " not in text or name == "concrete_poetry"
    german = [text for key in ("name", "description") for text in texts_of(RAW[name][key]["de"])]
    german += texts_of(RAW[name]["context"]["de"]) if RAW[name]["context"] else []
    for text in german:
        assert not re.search(r"\b(du|dein\w*|dir|dich|Ihnen|Ihren?|Sie bitte|[a-zäöü]+en Sie)\b", text), text


@pytest.mark.parametrize("name", BY_MODEL)
def test_lenses_for_models_have_rules_parameters_and_examples(name: str) -> None:
    config = BY_MODEL[name]
    assert config.pipeline == "text_transformation"
    assert config.meta.is_ai
    assert set(config.parameters) == {"temperature", "top_p", "max_tokens"}
    assert isinstance(config.context, dict)
    assert 150 <= len(config.context["en"]) <= 1200
    assert "utput only the" in config.context["en"]
    assert "usgeben" in config.context["de"]
    assert not re.search(r"(?i)you are an?\b|act as|in the style of", config.context["en"])


@pytest.mark.parametrize("name", [name for name, config in BY_MODEL.items() if not config.steps])
def test_examples_are_short_different_and_keep_their_idea(name: str) -> None:
    examples = BY_MODEL[name].examples
    assert examples is not None
    assert len(examples.pairs) >= 3
    ideas = [pair.idea for pair in examples.pairs]
    assert len(set(ideas)) == len(ideas)
    assert "A red apple on a table" not in ideas
    for pair in examples.pairs:
        assert len(pair.text.split()) <= 40
        assert pair.text != pair.idea
        if name != "opposite":
            assert {word[:4] for word in re.findall(r"[a-z]{3,}", pair.idea.lower())} & {
                word[:4] for word in re.findall(r"[a-z]{3,}", pair.text.lower())
            }, pair


def test_the_telephone_game_ends_where_it_began() -> None:
    steps = CONFIGS["telephone_game"].steps
    assert len(steps) >= 4
    assert CONFIGS["telephone_game"].examples is None, "a chain needs a model that follows instructions"
    assert all("{{HOME_LANGUAGE}}" in text for text in steps[-1].context.values())
    assert all(not config.steps for name, config in CONFIGS.items() if name != "telephone_game")


def test_each_procedure_has_its_card_and_each_card_its_procedure() -> None:
    assert {config.parameters["PROCEDURE"] for config in BY_RULE.values()} == set(PROCEDURES)
    assert {f"procedure_{name}" for name in PROCEDURES} == set(BY_RULE)


@pytest.mark.parametrize("name", BY_RULE)
def test_cards_of_procedures_say_that_they_are_not_ai_and_have_valid_options(name: str) -> None:
    config = BY_RULE[name]
    assert config.pipeline == "text_procedure"
    assert not config.meta.is_ai
    assert config.description["en"].startswith("Procedure, not AI:")
    assert config.description["de"].startswith("Verfahren, keine KI:")
    assert re.search(r"\d{3,4}|\d+th century|\dth", config.description["en"])
    options = {key: value for key, value in config.parameters.items() if key != "PROCEDURE"}
    assert check_options(PROCEDURES[config.parameters["PROCEDURE"]], options) == options
    assert config.examples is None


def test_no_two_cards_share_a_name_or_a_place() -> None:
    for language in ("de", "en"):
        assert len({config.name[language] for config in CONFIGS.values()}) == len(CONFIGS)
    assert len({config.display.order for config in CONFIGS.values()}) == len(CONFIGS)
