from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.model_catalogue import read_model_catalogue
from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.text_models.llama_files import ModelFiles, may_vanish, read_header
from ai4artsed_desktop.adapters.text_models.llama_server import (
    context_for,
    default_threads,
    first_context,
    longest_context,
)
from ai4artsed_desktop.domain.errors import ModelLoadError, ModelMissingError, StorageError
from ai4artsed_desktop.domain.gguf import GgufIncompleteError
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo
from tests.support.gguf_files import write_model

CATALOGUE = Path(__file__).parents[3] / "resources" / "models" / "catalogue.json"


@pytest.fixture
def store(tmp_path: Path) -> ModelsStore:
    return ModelsStore(tmp_path / "own", [tmp_path / "further"])


def test_folders_that_do_not_exist_hold_no_models(store: ModelsStore) -> None:
    assert store.files() == []


def test_all_folders_are_looked_into_and_other_files_ignored(store: ModelsStore, tmp_path: Path) -> None:
    one = write_model(tmp_path / "own" / "b.gguf")
    two = write_model(tmp_path / "further" / "a.GGUF")
    (tmp_path / "own" / "notes.txt").write_text("x")
    (tmp_path / "own" / "c.gguf.part").write_text("x")
    assert store.files() == [one, two]


def test_equal_names_in_two_folders_are_two_models(store: ModelsStore, tmp_path: Path) -> None:
    write_model(tmp_path / "own" / "m.gguf")
    write_model(tmp_path / "further" / "m.gguf")
    assert [info.id for info in ModelFiles().describe(store.files())] == ["built_in/m", "built_in/m (further)"]


def test_a_header_longer_than_the_first_read_is_read_to_its_end(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", vocabulary=120_000)
    assert path.stat().st_size > 2 * 1024 * 1024
    assert read_header(path).parameters == 64


def test_grade_and_context_follow_the_size(tmp_path: Path) -> None:
    tiny, large = ModelFiles().describe(
        [write_model(tmp_path / "tiny.gguf"), write_model(tmp_path / "large.gguf", weights=1_000_000_000)]
    )
    assert (tiny.grade, large.grade) == (ModelGrade.TINY, ModelGrade.INSTRUCT)
    assert (first_context(tiny), first_context(large)) == (2048, 4096)


GB = 10**9
LONG = TextModelInfo("x", "x", "built_in", size_bytes=5 * GB, context_tokens=131_072, cache_bytes_per_token=131_072)


@pytest.mark.parametrize(
    ("info", "bound", "free_bytes", "longest"),
    [
        (LONG, None, 64 * GB, 131_072),  # the model's own
        (LONG, None, 7 * GB, 7629),  # what two free gigabytes hold in their half
        (LONG, None, 3 * GB, 4096),  # the usual one is tried whatever the memory says
        (LONG, 16_000, 64 * GB, 16_000),
        (LONG, 3, 64 * GB, 512),
        (replace(LONG, cache_bytes_per_token=None), None, 9 * GB, 7629),
        (replace(LONG, context_tokens=None), None, 64 * GB, 4096),
        (replace(LONG, context_tokens=2048), None, 64 * GB, 2048),
    ],
)
def test_the_longest_context_is_what_model_settings_and_memory_allow(
    info: TextModelInfo, bound: int | None, free_bytes: int, longest: int
) -> None:
    assert longest_context(info, bound, free_bytes) == longest


def test_the_context_grows_in_steps_and_never_beyond_the_longest() -> None:
    assert [context_for(needed, 2048, 10_000) for needed in (0, 2048, 4097, 9000)] == [2048, 4096, 8192, 10_000]


def test_a_picture_encoder_is_no_text_model(tmp_path: Path) -> None:
    (info,) = ModelFiles().describe([write_model(tmp_path / "mmproj.gguf", architecture="clip")])
    assert info.problem == "reason.model_not_text"


def test_a_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    files = ModelFiles()
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    assert files.describe([path])[0].problem == "reason.model_cut"
    write_model(path)
    assert files.describe([path])[0].problem is None


def test_missing_weights_are_found_by_the_length(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", weights=1000)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(GgufIncompleteError):
        read_header(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything; Windows has no such modes")
def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf")
    path.chmod(0)
    assert ModelFiles().describe([path])[0].problem == "reason.model_unreadable"


def test_a_dropped_file_is_copied_once_and_never_over_another(store: ModelsStore, tmp_path: Path) -> None:
    source = write_model(tmp_path / "drop" / "Größe 7.gguf")
    copy = store.add_copy(source)
    assert copy == tmp_path / "own" / "Größe 7.gguf" and copy.read_bytes() == source.read_bytes()
    assert store.add_copy(copy) == copy
    assert store.add_copy(source).name == "Größe 7 (2).gguf"
    assert len(store.files()) == 2


def test_a_referenced_file_stays_where_it_is_also_when_it_is_gone(store: ModelsStore, tmp_path: Path) -> None:
    source = write_model(tmp_path / "stick" / "m.gguf")
    assert store.add_reference(source) == store.add_reference(source) == source
    assert store.files() == [source]
    source.unlink()
    assert store.files() == [source]
    store.remove(source)
    assert store.files() == []


def test_removing_deletes_only_our_own_files(store: ModelsStore, tmp_path: Path) -> None:
    own, other = write_model(tmp_path / "own" / "a.gguf"), write_model(tmp_path / "further" / "b.gguf")
    store.remove(own)
    store.remove(other)
    assert store.files() == [other]


@pytest.mark.parametrize("content", [b"", b"<html>", b"GGUF" + bytes(100)])
def test_what_is_no_model_is_not_taken(store: ModelsStore, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "x.gguf"
    source.write_bytes(content)
    for add in (store.add_copy, store.add_reference):
        with pytest.raises(ModelLoadError):
            add(source)
    assert store.files() == []


def test_folders_and_nothing_are_not_taken(store: ModelsStore, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError):
        store.add_copy(tmp_path)
    with pytest.raises(ModelMissingError):
        store.add_reference(tmp_path / "none.gguf")


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    source = write_model(tmp_path / "m.gguf")
    (tmp_path / "file").write_text("")
    store = ModelsStore(tmp_path / "file" / "models")
    for add in (store.add_copy, store.add_reference):
        with pytest.raises(StorageError):
            add(source)


def test_a_damaged_list_of_references_counts_as_empty(store: ModelsStore, tmp_path: Path) -> None:
    source = write_model(tmp_path / "m.gguf")
    store.add_reference(source)
    (tmp_path / "own" / "models.json").write_text("{")
    assert store.files() == []
    store.add_reference(source)
    assert json.loads((tmp_path / "own" / "models.json").read_text()) == [str(source)]


def test_a_file_on_the_system_disk_does_not_vanish(tmp_path: Path) -> None:
    assert may_vanish(Path(__file__)) is False
    assert may_vanish(tmp_path / "not yet there") is False


def test_one_core_stays_free_but_one_thread_always_works() -> None:
    assert 1 <= default_threads() <= max(1, (os.cpu_count() or 1) - 1)


def test_the_shipped_catalogue_offers_three_sizes_with_licence_checksum_and_memory() -> None:
    models = read_model_catalogue(CATALOGUE)
    assert [model.size_bytes for model in models] == sorted(model.size_bytes for model in models)
    assert len(models) >= 3
    for model in models:
        assert model.sha256 is not None and model.licence and {"de", "en"} <= set(model.note)
        assert model.memory_gb * 1e9 > model.size_bytes
        spec = model.download_spec()
        assert spec.url.startswith("https://") and spec.url.endswith(f"/{model.file}")
        assert (spec.sha256, spec.size_bytes) == (model.sha256, model.size_bytes)
