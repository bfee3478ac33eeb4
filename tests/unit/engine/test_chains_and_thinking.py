"""Chains run every round and come home; a model's reasoning never becomes text."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.configs import ChainStep
from ai4artsed_desktop.domain.errors import PlaceholderError
from ai4artsed_desktop.domain.events import RunProgressed, StageFinished, StageRoundFinished, StageTextStreamed
from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.domain.settings import StageModels
from ai4artsed_desktop.domain.text_models import TextDelta, TextRequest
from ai4artsed_desktop.engine.chains import rounds_of
from tests.support.broken_catalog import INTERCEPTION
from tests.support.fake_models import GOOD, FakeModels, said
from tests.support.world import CODE, open_world

OTHER = replace(GOOD, id="fake/other", name="Other")


class Traveller:
    """Answers with the number of the round, and remembers the rules of each."""

    def __init__(self) -> None:
        self.rules: list[str] = []
        self.heard: list[str] = []

    def __call__(self, request: TextRequest) -> str:
        self.rules.append(request.messages[0].content)
        self.heard.append(said(request))
        return f"round {len(self.rules)}"


@pytest.mark.parametrize(
    ("idea", "language", "home"),
    [
        ("A red apple on the table", "en", "English"),
        ("Ein roter Apfel auf dem Tisch", "en", "German"),
        ("Masanın üzerinde kırmızı bir elma", "en", "Turkish"),
        ("Une pomme rouge", "de", "Französische"),
        ("Яблуко на столі", "de", "Ukrainische"),
        ("Apfel", "de", "Deutsche"),
    ],
)
async def test_the_telephone_game_runs_its_languages_and_comes_home(
    tmp_path: Path, idea: str, language: str, home: str
) -> None:
    traveller = Traveller()
    async with open_world(tmp_path, models=FakeModels(answer=traveller)) as world:
        record = await world.run(idea, "telephone_game", language=language)
        stage = next(s for s in record.stages if s.name is StageName.INTERCEPTION)
        assert stage.text == "round 4"
        assert [text for _, text in stage.rounds] == ["round 1", "round 2", "round 3", "round 4"]
        assert traveller.heard == [idea, "round 1", "round 2", "round 3"]
        assert home in traveller.rules[-1] and "{{" not in "".join(traveller.rules)
        shown = [(event.label, event.text) for event in world.probe.of(StageRoundFinished)]
        assert shown == list(stage.rounds) and len({label for label, _ in shown}) == 4
        assert {event.candidate for event in world.probe.of(StageTextStreamed)} == {0, 1, 2, 3}


async def test_rules_that_the_person_wrote_replace_the_chain(tmp_path: Path) -> None:
    traveller = Traveller()
    async with open_world(tmp_path, models=FakeModels(answer=traveller)) as world:
        await world.run("A red apple", "telephone_game", rules="Say it backwards.")
        assert traveller.rules == ["Say it backwards."]


def test_a_round_may_name_nothing_but_the_home_language() -> None:
    step = {"name": {"en": "x"}, "context": {"en": "Into {{PREVIOUS_OUTPUT}}"}}
    with pytest.raises(PlaceholderError):
        rounds_of([ChainStep.model_validate(step)], "the apple", "en", "mine")


async def test_a_chain_with_an_unknown_placeholder_is_a_catalogue_error(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        step = {"name": "Round", "context": "Into {{SECRET}}"}
        config = {"pipeline": "text_transformation", "name": "x", "description": "x", "context": "x", "steps": [step]}
        world.entry("configs/interception/mine.json", config)
        await world.engine.reload_catalog()
        assert [problem.code for problem in world.engine.catalog.errors] == ["catalog.problem.placeholder"]


class Thinker(FakeModels):
    """A model that reasons first, told apart by its provider or only by marks in the text."""

    def __init__(self, deltas: list[TextDelta]) -> None:
        super().__init__()
        self.deltas = deltas

    async def stream(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        self.requests.append((model_id, request))
        for delta in self.deltas:
            yield delta


@pytest.mark.parametrize(
    "deltas",
    [
        [TextDelta(thinking="Pears "), TextDelta(thinking="are green."), TextDelta(text="A pear.")],
        [TextDelta(text="<thi"), TextDelta(text="nk>Pears are green.</think>\n\nA "), TextDelta(text="pear.")],
    ],
    ids=["provider", "marks"],
)
async def test_reasoning_is_recorded_and_told_apart_from_the_text(tmp_path: Path, deltas: list[TextDelta]) -> None:
    async with open_world(tmp_path, models=Thinker([*deltas, TextDelta(finish_reason="stop")])) as world:
        record = await world.run("A red apple", "dada")
        stage = next(s for s in record.stages if s.name is StageName.INTERCEPTION)
        assert (stage.text, stage.thinking) == ("A pear.", "Pears are green.")
        streamed = "".join(event.delta for event in world.probe.of(StageTextStreamed))
        assert streamed.strip() == "A pear."
        assert world.probe.of(StageFinished)[-1].thinking == "Pears are green."
        assert [e.message for e in world.probe.of(RunProgressed)] == ["progress.thinking"]


async def test_a_model_that_only_thinks_gave_no_usable_answer(tmp_path: Path) -> None:
    deltas = [TextDelta(text="<think>And on, and on"), TextDelta(finish_reason="length")]
    async with open_world(tmp_path, models=Thinker(deltas)) as world:
        record = await world.run("A red apple", "dada")
        assert record.error is not None and record.error.code == "error.model.no_usable_answer"


async def test_code_that_was_cut_by_the_token_limit_is_not_cut_at_a_full_stop(tmp_path: Path) -> None:
    code = "function setup() { point(1.5, 2) } // no end. x"
    async with open_world(tmp_path, models=Thinker([TextDelta(text=code), TextDelta(finish_reason="length")])) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert next(s for s in record.stages if s.name is StageName.OPTIMISATION).text == code


async def test_a_translation_keeps_the_original_beside_it_and_names_its_language(tmp_path: Path) -> None:
    models = FakeModels(answer=lambda _: "A red apple lies on the table")
    async with open_world(tmp_path, models=models, translate_to_english=True) as world:
        idea = "Ein roter Apfel liegt auf dem Tisch"
        record = await world.run(idea, "as_is")
        stage = record.stages[0]
        assert (stage.name, stage.text) == (StageName.TRANSLATION, "A red apple lies on the table")
        assert stage.facts["language"] == "de" and record.input_text == idea
        texts = {(world.folder_of(record.run_id) / e.filename).read_text() for e in record.entities if e.type == "text"}
        assert {idea, "A red apple lies on the table"} <= texts


@pytest.mark.parametrize(("asked", "used"), [(None, GOOD.id), (OTHER.id, OTHER.id)])
async def test_an_interception_may_name_its_model_and_a_choice_for_the_run_goes_before_it(
    tmp_path: Path, asked: str | None, used: str
) -> None:
    settings = StageModels(interception=OTHER.id)
    async with open_world(tmp_path, models=FakeModels([GOOD, OTHER]), stage_models=settings) as world:
        world.entry("configs/interception/mine.json", {**INTERCEPTION, "meta": {"model": GOOD.id}})
        await world.engine.reload_catalog()
        chosen = {StageName.INTERCEPTION: asked} if asked else {}
        record = await world.run("A red apple", "mine", model_ids=chosen)
        stage = next(stage for stage in record.stages if stage.name is StageName.INTERCEPTION)
        assert (record.state, stage.model) == ("finished", used)


async def test_a_model_that_an_interception_names_is_never_replaced(tmp_path: Path) -> None:
    async with open_world(tmp_path, models=FakeModels([OTHER])) as world:
        world.entry("configs/interception/mine.json", {**INTERCEPTION, "meta": {"model": "ollama/gone:1b"}})
        await world.engine.reload_catalog()
        record = await world.run("A red apple", "mine")
        assert record.error is not None and record.error.code == "error.model.missing"
        assert world.models.requests == []
