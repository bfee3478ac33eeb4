"""Ollama that does not run yet: its models are known from its store, and the first need starts it."""

from __future__ import annotations

import hashlib
import json
from contextlib import aclosing
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.text_models.ollama import Ollama
from ai4artsed_desktop.domain.errors import ModelMissingError, ProviderUnavailableError
from ai4artsed_desktop.domain.text_models import ChatMessage, ModelGrade, TextRequest
from tests.support.ollama_double import OllamaDouble, make_store

NOWHERE = "http://127.0.0.1:9"
HELLO = TextRequest(messages=(ChatMessage("user", "Hi"),))


class Starter:
    """A supervisor's hook that starts the double, on another port than the usual one."""

    def __init__(self, url: str = "", *, is_installed: bool = True) -> None:
        self.url = url
        self.is_installed = is_installed
        self.starts = 0

    async def running(self) -> str | None:
        return self.url if self.starts else None

    async def can_start(self) -> bool:
        return self.is_installed and not self.starts

    async def address(self) -> str:
        self.starts += 1
        return self.url


def stopped(starter: Starter | None) -> Ollama:
    ollama = Ollama(NOWHERE, NetworkGuard(lambda: True))
    ollama.use_server(starter)
    return ollama


def describe(store: Path, **config: str) -> None:
    """Give the store's one model a configuration."""
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "llama3.2" / "latest"
    data = json.dumps(config).encode()
    digest = hashlib.sha256(data).hexdigest()
    (store / "blobs" / f"sha256-{digest}").write_bytes(data)
    entries = json.loads(manifest.read_text())
    entries["config"] = {"digest": f"sha256:{digest}", "size": len(data)}
    manifest.write_text(json.dumps(entries))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_store(tmp_path / "store", "llama3.2:latest")
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


async def test_a_server_that_would_only_have_to_be_started_lists_what_its_store_holds(store: Path) -> None:
    describe(store, model_family="llama", model_type="3.2B", file_type="Q4_K_M")
    starter = Starter()
    ollama = stopped(starter)
    (info,) = await ollama.list_models()
    assert (info.id, info.grade, info.parameters) == ("ollama/llama3.2:latest", ModelGrade.INSTRUCT, 3_200_000_000)
    assert (info.quantisation, info.is_loaded, info.problem, ollama.problem) == ("Q4_K_M", False, None, None)
    assert starter.starts == 0, "looking starts nothing"


@pytest.mark.usefixtures("store")
async def test_the_first_request_starts_it_where_it_can_and_later_ones_use_it_there() -> None:
    double = OllamaDouble()
    async with double.serving() as url:
        starter = Starter(url)
        ollama = stopped(starter)
        for _ in range(2):
            async with aclosing(ollama.stream("ollama/llama3.2:latest", HELLO)) as deltas:
                assert "".join([delta.text async for delta in deltas]) == "Hello"
        assert (starter.starts, ollama.address) == (1, url)
        assert [info.context_tokens for info in await ollama.list_models()] == [131_072]
        with pytest.raises(ModelMissingError):
            async with aclosing(ollama.stream("ollama/nope:1b", HELLO)) as deltas:
                await anext(deltas)
        await ollama.aclose()


async def test_what_is_no_text_model_or_not_whole_is_not_offered_as_one(store: Path) -> None:
    describe(store, model_family="nomic-bert", model_type="137M")
    assert await stopped(Starter()).list_models() == []
    describe(store, model_family="llama", model_type="135M")
    for blob in (store / "blobs").iterdir():
        if blob.stat().st_size > 1_000:
            blob.write_bytes(b"cut")
    (info,) = await stopped(Starter()).list_models()
    assert (info.grade, info.problem) == (ModelGrade.TINY, "reason.model_cut")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("starter", [None, Starter(is_installed=False)], ids=["no supervisor", "not installed"])
async def test_a_server_that_nobody_can_start_has_no_models_and_says_why(starter: Starter | None) -> None:
    ollama = stopped(starter)
    assert await ollama.list_models() == []
    assert ollama.problem is not None
    assert ollama.problem.params["address"] == NOWHERE
    with pytest.raises(ProviderUnavailableError):
        async with aclosing(ollama.stream("ollama/llama3.2:latest", HELLO)) as deltas:
            await anext(deltas)
    await ollama.aclose()
