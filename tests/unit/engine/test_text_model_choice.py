"""Which model serves which stage: what was chosen or a reason, never another one; and proposals by graphics memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ai4artsed_desktop.adapters.paths import find_shipped
from ai4artsed_desktop.adapters.text_models.assembling import read_model_presets
from ai4artsed_desktop.domain.errors import (
    AppError,
    LocalOnlyError,
    ModelMissingError,
    NotRunnableError,
    ProviderKeyError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.settings import Settings, StageModels, StageRole
from ai4artsed_desktop.domain.text_models import ChatMessage, TextModelInfo, TextRequest
from ai4artsed_desktop.domain.token_estimate import answer_room, estimate_text, estimate_tokens
from ai4artsed_desktop.engine.model_presets import ModelPresets
from ai4artsed_desktop.engine.text_models import TextModels
from tests.support.fake_models import CLOUD, GOOD, TINY, FakeModels

GUARD = TextModelInfo("fake/llama-guard3:8b", "llama-guard3:8b", "fake", parameters=80_000_000_000)
EYE = TextModelInfo("fake/eye", "eye", "fake", parameters=1_500_000_000, can_see=True)
PRESETS = read_model_presets(find_shipped() / "resources")


def choice(*models: TextModelInfo, problem: Reason | None = None, **settings: object) -> TextModels:
    fake = FakeModels(models)
    fake.said_problem = problem
    return TextModels((fake,), lambda: Settings.model_validate(settings))


async def test_auto_takes_the_largest_local_model_that_writes() -> None:
    models = choice(TINY, GOOD, CLOUD, GUARD, EYE)
    assert (await models.choose("interception")).id == "fake/good"
    assert (await models.choose("vision")).id == "fake/eye"
    assert (await models.choose("safety")).id == "fake/good"


@pytest.mark.parametrize(
    ("role", "models", "reason"),
    [
        ("vision", (GOOD,), "reason.no_vision_model"),
        ("safety", (TINY,), "reason.tiny_model"),
        ("interception", (), "reason.no_model"),
        ("interception", (GUARD,), "reason.no_model"),
    ],
)
async def test_auto_says_what_is_missing(role: StageRole, models: tuple[TextModelInfo, ...], reason: str) -> None:
    with pytest.raises(NotRunnableError) as caught:
        await choice(*models).choose(role)
    assert caught.value.params["reason"] == reason


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (None, ModelMissingError),
        (Reason("reason.provider_unreachable", {"provider": "F", "address": "http://x"}), ProviderUnavailableError),
        (Reason("reason.provider_key", {"provider": "F"}), ProviderKeyError),
        (Reason("reason.local_only", {"host": "f.example"}), LocalOnlyError),
    ],
)
async def test_a_chosen_model_whose_provider_is_away_is_never_replaced(
    problem: Reason | None, error: type[AppError]
) -> None:
    models = choice(GOOD, problem=problem, stage_models=StageModels(interception="fake/gone"))
    with pytest.raises(error):
        await models.choose("interception")
    assert models.problems() == ({} if problem is None else {"fake": problem})


async def test_a_damaged_model_is_not_used_even_if_its_provider_is_well() -> None:
    with pytest.raises(ModelMissingError):
        await choice(replace(GOOD, problem="reason.model_cut")).choose("interception", GOOD.id)


def test_every_proposal_names_known_models_that_fit_and_says_what_to_expect() -> None:
    tiers = [preset.vram_gb for preset in PRESETS.presets]
    assert tiers == [8, 12, 16, 24, 32, 48, 96]
    for preset in PRESETS.presets:
        assert preset.note.keys() == {"de", "en"}
        for model_id in preset.model_ids:
            # A quarter of the card stays for the context and the desktop.
            assert PRESETS.models[model_id].size_bytes <= preset.vram_gb * 1e9 * 0.8, (preset.vram_gb, model_id)
    assert all(model_id.startswith("ollama/") and ":" in model_id for model_id in PRESETS.models)
    assert all(model.licence and model.source and model.checked for model in PRESETS.models.values())


@pytest.mark.parametrize(
    ("vram_gb", "tier"),
    [(None, None), (4.0, None), (7.6, 8), (8.6, 8), (11.9, 12), (25.3, 24), (80.0, 48), (102.0, 96)],
)
def test_a_card_gets_the_largest_proposal_that_fits(vram_gb: float | None, tier: int | None) -> None:
    found = PRESETS.for_memory(None if vram_gb is None else int(vram_gb * 1e9))
    assert (found.vram_gb if found else None) == tier


def test_a_proposal_tells_what_is_missing_and_how_much_it_weighs() -> None:
    preset = PRESETS.presets[0]
    here = TextModelInfo(preset.stage_models.interception, "x", "ollama")
    missing = preset.missing([here, replace(here, id=preset.stage_models.coding, problem="reason.model_cut")])
    assert here.id not in missing
    assert preset.stage_models.coding in missing
    assert PRESETS.size_bytes(missing) == sum(PRESETS.models[name].size_bytes for name in missing)
    assert ModelPresets().for_memory(10**12) is None


def test_the_estimate_grows_with_the_text_and_knows_scripts_and_pictures() -> None:
    assert estimate_text("") == 0
    assert estimate_text("word " * 100) < estimate_text("слово " * 100) < estimate_text("1234 " * 300)
    plain = TextRequest(messages=(ChatMessage("user", "Hi"),))
    seeing = TextRequest(messages=(ChatMessage("user", "Hi", (b"x", b"y")),))
    assert estimate_tokens(seeing) - estimate_tokens(plain) == 3_200
    assert estimate_text("\ud800") > 0  # half a character, as a paste may bring
    assert (answer_room(400, 4096), answer_room(100_000, 4096)) == (400, 2048)
