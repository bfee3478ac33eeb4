"""Models brought into Ollama and out of it: downloads by the server, GGUF imports, copies of its store on disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.text_models.ollama_address import from_host_variable, ollama_address
from ai4artsed_desktop.adapters.text_models.ollama_library import OllamaLibrary
from ai4artsed_desktop.adapters.text_models.ollama_store import copy_model, default_store, list_store
from ai4artsed_desktop.domain.errors import (
    AppError,
    ChecksumError,
    DiskFullError,
    InputError,
    LocalOnlyError,
    ModelMissingError,
    ProviderError,
    ProviderUnavailableError,
    StorageError,
)
from ai4artsed_desktop.domain.events import DownloadEnded, DownloadPart, DownloadProgressed, ModelsChanged
from ai4artsed_desktop.domain.settings import OLLAMA_ADDRESS
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.served_models import ServedModels
from tests.support.ollama_double import OllamaDouble, lines, make_store, shape, shaped
from tests.support.openai_double import Reply
from tests.support.probe import EventProbe


class Told(list[tuple[int, int | None, str]]):
    """What was told of a long work."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[DownloadPart, ...]] = []

    def note(self, done: int, total: int | None, step: str, parts: tuple[DownloadPart, ...] = (), /) -> None:
        self.append((done, total, step))
        self.parts.append(parts)


def nobody_asked(done: int, total: int | None, step: str, parts: tuple[DownloadPart, ...] = (), /) -> None:
    """Nobody listens to the progress."""


@asynccontextmanager
async def library(is_local_only: bool = False) -> AsyncGenerator[tuple[OllamaLibrary, OllamaDouble], None]:
    double = OllamaDouble()
    async with double.serving() as url:
        yield OllamaLibrary(lambda: url, NetworkGuard(lambda: is_local_only)), double


async def test_a_download_tells_its_bytes_over_all_layers_and_what_it_does_without_bytes() -> None:
    told = Told()
    async with library() as (models, double):
        await models.pull("llama3.2", told.note)
    assert double.of("/api/pull")[0].json == {"model": "llama3.2:latest", "stream": True}
    first, second = 2_019_377_376, 561
    assert told[0] == (0, None, "pull.step.manifest")
    assert (0, first, "") in told and (241_970, first, "") in told
    assert told[-1][:2] == (first + second, first + second)
    assert [step for *_, step in told if step][1:] == ["pull.step.verifying", "pull.step.writing", "pull.step.writing"]


async def test_a_download_tells_each_layer_apart_and_a_resumed_one_begins_where_it_stopped() -> None:
    told = Told()
    model, licence = f"sha256:{'a1' * 32}", f"sha256:{'b2' * 32}"
    events = [
        {"status": "pulling manifest"},
        {"status": "pulling a1", "digest": model, "total": 2_000_000_000},
        {"status": "pulling a1", "digest": model, "total": 2_000_000_000, "completed": 1_500_000_000},  # resumed
        {"status": "pulling a1", "digest": model, "total": 2_000_000_000, "completed": 2_000_000_000},
        {"status": "pulling b2", "digest": licence, "total": 561, "completed": 561},
        {"status": "verifying sha256 digest"},
        {"status": "success"},
    ]
    async with library() as (models, double):
        double.then("/api/pull", lines(*events))
        await models.pull("llama3.2", told.note)
    first, second = "a1" * 6, "b2" * 6
    assert told.parts[:4] == [
        (),
        (DownloadPart(first, 0, 2_000_000_000),),
        (DownloadPart(first, 1_500_000_000, 2_000_000_000),),
        (DownloadPart(first, 2_000_000_000, 2_000_000_000),),
    ]
    whole = (DownloadPart(first, 2_000_000_000, 2_000_000_000), DownloadPart(second, 561, 561))
    assert told.parts[4:] == [whole, whole], "what was brought stays to be seen while the whole is checked"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (shaped("pull unknown model"), ProviderError),
        (shaped("pull without network"), ProviderError),
        (shaped("pull disk full or damaged"), ProviderError),
        (lines({"status": "pulling manifest"}), ProviderError),
        (shaped("pull").cut(40), ProviderUnavailableError),
        (lines("{nonsense"), ProviderError),
        (Reply(500, (b'{"error":"no"}',)), ProviderError),
    ],
    ids=["unknown", "offline", "damaged", "no end", "cut", "nonsense", "500"],
)
async def test_a_download_that_goes_wrong_is_never_taken_for_done(reply: Reply, error: type[AppError]) -> None:
    async with library() as (models, double):
        double.then("/api/pull", reply)
        with pytest.raises(error) as caught:
            await models.pull("llama3.2", nobody_asked)
    assert type(caught.value) is error


async def test_local_only_stops_downloads_by_the_server_too() -> None:
    async with library(is_local_only=True) as (models, double):
        for name, host in (("qwen3:8b", "registry.ollama.ai"), ("hf.co/x/y:q4", "hf.co")):
            with pytest.raises(LocalOnlyError) as caught:
                await models.pull(name, nobody_asked)
            assert caught.value.params == {"host": host}
    assert double.heard == []


@pytest.mark.parametrize("name", ["", "../x", "a b", "x:y:z", "http://x/y", "a/b/c/d", "x\n", "ü"])
async def test_what_is_no_model_name_is_not_asked_for(name: str) -> None:
    async with library() as (models, double):
        with pytest.raises(InputError):
            await models.pull(name if name != "x\n" else "x\ny", nobody_asked)
    assert double.heard == []


async def test_a_cancelled_download_closes_the_connection_and_the_next_goes_on() -> None:
    bus = EventBus()
    async with library() as (models, double):
        served = ServedModels(bus, models)
        double.then("/api/pull", Reply(200, shaped("pull").pieces[:3], hangs=True))
        with EventProbe(bus) as probe:
            served.start_pull("llama3.2")
            served.start_pull("llama3.2")  # is under way already
            progress = await probe.next(DownloadProgressed)
            assert progress.name == "ollama/llama3.2"
            assert served.active() == {"ollama/llama3.2"}
            served.cancel("llama3.2")
            assert (await probe.next(DownloadEnded)).is_cancelled
            await double.until(lambda: double.left == 1)
            served.start_pull("llama3.2")
            ended = await probe.next(DownloadEnded)
            assert (ended.error, ended.is_cancelled) == (None, False)
            await probe.next(ModelsChanged)
        await served.aclose()
    assert len(double.of("/api/pull")) == 2


async def test_deletion_tells_what_is_not_there() -> None:
    async with library() as (models, _):
        await models.delete("llama3.2")
        with pytest.raises(ProviderError):
            await models.delete("nope")


async def test_a_gguf_file_is_sent_once_checked_and_created(tmp_path: Path) -> None:
    path = tmp_path / "größe.gguf"
    path.write_bytes(b"GGUF" + os.urandom(300_000))
    told = Told()
    async with library() as (models, double):
        for _ in range(2):
            await models.import_gguf(path, "mine:1b", told.note)
    digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert double.blobs == {digest}
    sent = [request for request in double.of(f"/api/blobs/{digest}") if request.method == "POST"]
    assert len(sent) == 1
    assert double.of("/api/create")[0].json == {"model": "mine:1b", "files": {"größe.gguf": digest}, "stream": True}
    assert (told[0], told[-1][0]) == ((0, 300_004, "pull.step.hashing"), 300_004)


async def test_a_file_that_is_no_model_or_not_there_is_said(tmp_path: Path) -> None:
    async with library() as (models, double):
        with pytest.raises(StorageError):
            await models.import_gguf(tmp_path / "gone.gguf", "mine", nobody_asked)
        (tmp_path / "x.gguf").write_bytes(b"<html>")
        double.then("/api/create", shaped("create not a GGUF"))
        with pytest.raises(ProviderError):
            await models.import_gguf(tmp_path / "x.gguf", "mine", nobody_asked)


def names(store: Path) -> list[tuple[str, int, str]]:
    return [(model.name, model.size_bytes, model.problem) for model in list_store(store)]


def test_a_copied_model_is_whole_and_a_second_copy_reads_nothing_anew(tmp_path: Path) -> None:
    blobs = make_store(tmp_path / "a")
    told: list[tuple[int, int]] = []
    assert (
        copy_model(tmp_path / "a", tmp_path / "stick", "qwen3:8b", lambda done, total: told.append((done, total)))
        == 200_340
    )
    assert told[-1] == (200_340, 200_340)
    assert names(tmp_path / "stick") == [("qwen3:8b", 200_340, "")]
    for blob in blobs:
        assert (tmp_path / "stick" / "blobs" / blob.name).read_bytes() == blob.read_bytes()
        blob.unlink()  # what is on the stick already needs no source
    copy_model(tmp_path / "a", tmp_path / "stick", "qwen3:8b")


def test_a_damaged_blob_is_not_copied_and_no_manifest_is_written(tmp_path: Path) -> None:
    blobs = make_store(tmp_path / "a")
    data = bytearray(blobs[1].read_bytes())
    data[100] ^= 1
    blobs[1].write_bytes(data)
    with pytest.raises(ChecksumError):
        copy_model(tmp_path / "a", tmp_path / "b", "qwen3:8b")
    assert [path.name for path in (tmp_path / "b" / "blobs").iterdir()] == [blobs[0].name]
    assert names(tmp_path / "b") == []
    blobs[1].write_bytes(bytes(data)[:50])
    assert names(tmp_path / "a") == [("qwen3:8b", 200_340, "reason.model_cut")]


def test_a_wrong_blob_in_the_target_is_replaced(tmp_path: Path) -> None:
    blobs = make_store(tmp_path / "a")
    (tmp_path / "b" / "blobs").mkdir(parents=True)
    (tmp_path / "b" / "blobs" / blobs[1].name).write_bytes(b"x" * 200_000)
    copy_model(tmp_path / "a", tmp_path / "b", "qwen3:8b")
    assert (tmp_path / "b" / "blobs" / blobs[1].name).read_bytes() == blobs[1].read_bytes()


@pytest.mark.parametrize("name", ["nope:1b", "../../etc/passwd", "a/b/c/d:x", "x:..", "", "qwen3:8b/.."])
def test_a_model_that_is_not_there_or_no_name_is_said(tmp_path: Path, name: str) -> None:
    make_store(tmp_path / "a")
    with pytest.raises(ModelMissingError):
        copy_model(tmp_path / "a", tmp_path / "b", name)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    "manifest",
    [
        "{",
        "[]",
        '{"config": {"digest": "sha256:../../../../etc/passwd", "size": 1}, "layers": []}',
        '{"config": {"digest": "sha256:' + "a" * 64 + '", "size": -1}, "layers": []}',
    ],
)
def test_a_hostile_manifest_is_damaged_and_leads_nowhere(tmp_path: Path, manifest: str) -> None:
    make_store(tmp_path / "a")
    (tmp_path / "a" / "manifests" / "registry.ollama.ai" / "library" / "qwen3" / "8b").write_text(manifest)
    assert names(tmp_path / "a") == [("qwen3:8b", 0, "reason.model_damaged")]
    with pytest.raises(StorageError):
        copy_model(tmp_path / "a", tmp_path / "b", "qwen3:8b")


def test_a_full_stick_is_said_before_anything_is_copied(tmp_path: Path) -> None:
    make_store(tmp_path / "a")
    with pytest.raises(DiskFullError):
        copy_model(tmp_path / "a", tmp_path / "b", "qwen3:8b", reserve_bytes=10**18)  # no disk is that large
    assert list((tmp_path / "b" / "blobs").iterdir()) == []


def test_names_of_other_hosts_and_people_are_read_back(tmp_path: Path) -> None:
    make_store(tmp_path / "a")
    source = tmp_path / "a" / "manifests" / "registry.ollama.ai" / "library" / "qwen3" / "8b"
    for parts in (("registry.ollama.ai", "someone", "x", "latest"), ("hf.co", "y", "z", "Q4_K_M")):
        path = tmp_path / "a" / "manifests" / Path(*parts)
        path.parent.mkdir(parents=True)
        path.write_bytes(source.read_bytes())
    assert [name for name, *_ in names(tmp_path / "a")] == ["hf.co/y/z:Q4_K_M", "qwen3:8b", "someone/x:latest"]
    for name in ("hf.co/y/z:Q4_K_M", "someone/x"):
        copy_model(tmp_path / "a", tmp_path / "b", name)
    assert [name for name, *_ in names(tmp_path / "b")] == ["hf.co/y/z:Q4_K_M", "someone/x:latest"]


def test_an_empty_or_missing_store_has_no_models(tmp_path: Path) -> None:
    assert list_store(tmp_path / "nowhere") == []


def test_the_store_of_this_machine_is_where_ollama_says(tmp_path: Path) -> None:
    assert default_store({"OLLAMA_MODELS": str(tmp_path)}) == tmp_path
    assert default_store({}).parts[-2:] == (".ollama", "models")


async def test_a_copy_in_the_background_ends_with_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_store(tmp_path / "own")
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "own"))
    bus = EventBus()
    async with library() as (models, _):
        served = ServedModels(bus, models)
        with EventProbe(bus) as probe:
            served.start_copy_out("qwen3:8b", tmp_path / "stick")
            assert (await probe.next(DownloadEnded)).error is None
            served.start_copy_in("nope:1b", tmp_path / "stick")
            ended = await probe.next(DownloadEnded)
        assert ended.error is not None
        assert ended.error.code == "error.model.missing"
        assert [model.name for model in await served.list_store(tmp_path / "stick")] == ["qwen3:8b"]
        await served.aclose()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1:11500", "http://127.0.0.1:11500"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":5000", "http://127.0.0.1:5000"),
        ("studio.local", "http://studio.local:11434"),
        ("https://studio.local", "https://studio.local:443"),
        ("http://[::]:11434/", "http://[::1]:11434"),
        ("http://h:99/base/", "http://h:99/base"),
        ("h:nonsense", "http://h:11434"),
    ],
)
def test_the_variable_of_ollama_is_understood(host: str, address: str) -> None:
    assert from_host_variable(host) == address


def test_a_setting_of_the_person_counts_before_the_variable() -> None:
    environment = {"OLLAMA_HOST": "0.0.0.0:11500"}
    assert ollama_address(OLLAMA_ADDRESS, environment) == "http://127.0.0.1:11500"
    assert ollama_address("http://127.0.0.1:7/", environment) == "http://127.0.0.1:7"
    assert ollama_address(OLLAMA_ADDRESS, {}) == OLLAMA_ADDRESS
    assert shape("version")["path"] == "/api/version"
