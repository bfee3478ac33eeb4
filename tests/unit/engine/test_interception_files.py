"""A person's own interceptions: never over what ships, never half written, and back again after a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.domain.configs import InterceptionConfig
from ai4artsed_desktop.domain.errors import InterceptionFileError, StorageError, UnknownEntryError
from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.engine.interception_files import InterceptionDraft, InterceptionFiles, can_edit
from tests.support.fake_models import TINY, FakeModels
from tests.support.world import TestWorld, open_world, request

COPY = {"en": " (copy)", "de": " (Kopie)"}


def draft(**values: Any) -> InterceptionDraft:
    """Return a complete new draft."""
    texts = {
        "name": {"de": "Mein Blick"},
        "description": {"de": "Alles wird blau."},
        "context": {"de": "Alles wird blau. Nur den neuen Text ausgeben."},
    }
    return InterceptionDraft().with_values(**texts | values)


def files_of(world: TestWorld) -> list[str]:
    return sorted(path.name for path in world.paths.user_catalog.rglob("*.json"))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_new_one_is_saved_picked_up_and_works(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        config_id = await world.engine.interceptions.save(draft())
        assert config_id == "mein_blick" and files_of(world) == ["mein_blick.json"]
        assert world.engine.interceptions.is_own(config_id) and world.engine.catalog.errors == ()
        record = await world.run("Ein Apfel", config_id, language="en")
        assert record.state == "finished", "rules in German serve an English window as well"
        assert world.models.requests[0][1].messages[0].content == "Alles wird blau. Nur den neuen Text ausgeben."


async def test_a_second_of_the_same_name_gets_a_number_and_editing_stays_in_its_file(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        service = world.engine.interceptions
        first, second = await service.save(draft()), await service.save(draft())
        assert (first, second) == ("mein_blick", "mein_blick_2")
        changed = service.draft_of(second).with_values(description={"de": "Alles wird rot."})
        assert await service.save(changed) == second
        assert world.engine.catalog.interception(second).value.description == {"de": "Alles wird rot."}
        assert files_of(world) == ["mein_blick.json", "mein_blick_2.json"]


async def test_what_ships_is_copied_and_never_written(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        service = world.engine.interceptions
        copied = await service.save(service.copy_of("dada", COPY))
        assert copied == "dada_copy" and not service.is_own("dada")
        config = world.engine.catalog.interception(copied).value
        assert config.name == {"en": "Dada (copy)", "de": "Dada (Kopie)"}
        assert config.examples == world.engine.catalog.interception("dada").value.examples
        for attempt in (service.save(service.draft_of("dada")), service.delete("dada")):
            with pytest.raises(InterceptionFileError) as caught:
                await attempt
            assert caught.value.params["cause"] == "catalog.problem.not_own"
        assert files_of(world) == ["dada_copy.json"]


async def test_a_deleted_one_comes_back_even_where_its_place_is_taken(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        service = world.engine.interceptions
        config_id = await service.save(draft())
        before = (world.paths.user_catalog / "configs/interception/mein_blick.json").read_text()
        deleted = await service.delete(config_id)
        assert config_id not in world.engine.catalog.interceptions and files_of(world) == []
        assert await service.restore(deleted) == config_id
        assert (world.paths.user_catalog / "configs/interception/mein_blick.json").read_text() == before
        assert await service.restore(deleted) == "mein_blick_2"


async def test_one_in_a_folder_of_the_persons_own_is_changed_where_it_lies(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        path = world.entry("interception/deep/own.json", dict(draft().content))
        await world.engine.reload_catalog()
        service = world.engine.interceptions
        await service.save(service.draft_of("own").with_values(description={"de": "Neu."}))
        assert json.loads(path.read_text())["description"] == {"de": "Neu."}
        assert world.engine.catalog.errors == ()


async def test_a_shared_file_is_taken_in_as_one_more(tmp_path: Path) -> None:
    async with open_world(tmp_path / "a") as world:
        shared = tmp_path / "Dada für alle.json"
        await world.engine.interceptions.export("dada", shared)
        config_id = await world.engine.interceptions.import_file(shared)
        again = await world.engine.interceptions.import_file(shared)
        assert config_id != "dada" and again != config_id
        copied, original = (world.engine.catalog.interception(name).value for name in (config_id, "dada"))
        assert copied.model_dump(exclude={"id"}) == original.model_dump(exclude={"id"})
        with pytest.raises(UnknownEntryError):
            await world.engine.interceptions.export("nonsense", shared)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("{", "catalog.problem.not_json"),
        ("[]", "catalog.problem.not_an_object"),
        ('{"a": 1}', "catalog.problem.not_an_interception"),
        ('{"3": {"class_type": "KSampler", "inputs": {}}}', "catalog.problem.not_an_interception"),
        ("[" * 100_000, "catalog.problem.too_deep"),
        ("x" * 5_000_000, "catalog.problem.unreadable"),
        (json.dumps({**draft().content, "secret": 1}), "catalog.problem.unknown_key"),
        (json.dumps({**draft().content, "pipeline": "none"}), "catalog.problem.no_pipeline"),
        (json.dumps({**draft().content, "parameters": {"temprature": 1}}), "catalog.problem.no_parameter"),
        (json.dumps({**draft().content, "name": 7}), "catalog.problem.schema"),
    ],
    ids=["half", "list", "other", "workflow", "deep", "huge", "unknown key", "pipeline", "parameter", "type"],
)
async def test_a_file_that_is_no_good_is_refused_with_its_reason(tmp_path: Path, content: str, cause: str) -> None:
    async with open_world(tmp_path / "home") as world:
        path = tmp_path / "shared.json"
        path.write_text(content)
        with pytest.raises(InterceptionFileError) as caught:
            await world.engine.interceptions.import_file(path)
        assert caught.value.params["cause"] == cause and caught.value.params["file"] == "shared.json"
        assert files_of(world) == []


async def test_an_id_that_would_lead_out_of_the_folder_stays_inside(tmp_path: Path) -> None:
    async with open_world(tmp_path / "home") as world:
        path = tmp_path / "x.json"
        path.write_text(json.dumps({**draft().content, "id": "../../../evil"}))
        assert await world.engine.interceptions.import_file(path) == "evil"
        assert files_of(world) == ["evil.json"] and "evil.json" not in names_in(tmp_path)


async def test_problems_come_in_words_for_what_was_forgotten_and_what_experience_says(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        problems = world.engine.interceptions.problems
        empty = [p.code for p in problems(InterceptionDraft()) if p.severity == "error"]
        assert empty[:3] == ["editor.problem.no_name", "editor.problem.no_description", "editor.problem.no_context"]
        notes = [p.code for p in problems(draft(context={"en": "Make it blue. " * 100}))]
        assert notes[:2] == ["editor.problem.long_rules", "editor.problem.no_only"]
        assert all(p.severity == "note" for p in problems(draft()))
        for name, entry in world.engine.catalog.interceptions.items():
            if can_edit(entry.value) and name != "free":
                assert not problems(world.engine.interceptions.draft_of(name)), name


async def test_a_draft_with_errors_is_neither_saved_nor_tried(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        bad = draft(parameters={"temprature": 1})
        with pytest.raises(InterceptionFileError):
            await world.engine.interceptions.save(bad)
        with pytest.raises(InterceptionFileError):
            world.engine.interceptions.preview_catalog(bad)
        assert files_of(world) == []


async def test_a_draft_is_tried_as_it_stands_without_being_saved(tmp_path: Path) -> None:
    answer = "A blue boat sails over the quiet lake and sings."
    async with open_world(tmp_path, models=FakeModels((TINY,), lambda _: answer)) as world:
        pairs = [{"idea": "A boat", "text": "A blue boat."}, {"idea": "A cat", "text": "A blue cat."}]
        catalog, config_id = world.engine.interceptions.preview_catalog(
            draft(examples={"label": "Blue", "pairs": pairs})
        )
        run_id = world.engine.runs.submit(request("A boat on the lake", config_id), catalog)
        record = await world.engine.runs.wait(run_id)
        assert next(s for s in record.stages if s.name is StageName.INTERCEPTION).text == answer
        assert "Blue: A blue boat." in (world.models.requests[0][1].prompt or "")
        assert files_of(world) == [] and config_id not in world.engine.catalog.interceptions


async def test_where_nothing_can_be_written_the_catalogue_stays_as_it_was(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        in_the_way = world.paths.user_catalog / "configs"
        put(in_the_way, "a file where the folder should be")
        before = world.engine.catalog
        with pytest.raises(StorageError):
            await world.engine.interceptions.save(draft())
        assert world.engine.catalog is before


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def test_without_a_place_to_write_saving_says_so(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        service = InterceptionFiles(None, lambda: world.engine.catalog, world.engine.reload_catalog)
        with pytest.raises(StorageError):
            await service.save(draft())


def test_procedures_chains_and_passing_on_cannot_be_edited_in_a_form() -> None:
    root = Path(__file__).parents[3] / "configs/interception"

    def config(name: str) -> InterceptionConfig:
        return InterceptionConfig.model_validate({"id": name, **json.loads((root / f"{name}.json").read_text())})

    assert [can_edit(config(n)) for n in ("dada", "free", "as_is", "telephone_game", "procedure_cut_up")] == [
        *(True, True, False, False, False)
    ]
