"""The whole chain with a real model: the embedded llama.cpp behind the OpenAI-compatible adapter, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.assembly import Assembly, assemble
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.paths import find_paths, find_shipped
from ai4artsed_desktop.adapters.secrets import Secrets
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.adapters.text_models.llama_server import LlamaServer
from ai4artsed_desktop.adapters.text_models.openai_compatible import OpenAICompatible
from ai4artsed_desktop.adapters.text_models.provider_presets import read_provider_presets
from ai4artsed_desktop.domain.errors import ContextEstimateError, ContextTooLongError, ModelError, ProviderKeyError
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.domain.settings import StageModels
from ai4artsed_desktop.domain.text_models import ChatMessage, ModelGrade, TextDelta, TextRequest
from ai4artsed_desktop.domain.token_estimate import estimate_tokens
from tests.support.fake_backend import PIXEL

pytestmark = pytest.mark.llm

(PRESET,) = (p for p in read_provider_presets(find_shipped() / "resources" / "providers") if p.id == "llama_server")
CHAT = TextRequest(messages=(ChatMessage("user", "Name a fruit."),), max_tokens=16, seed=3, temperature=0.7)
RAW = TextRequest(prompt="Idea: A red apple.\nDada:", max_tokens=16, seed=11, stop=("\n",), repeat_penalty=1.08)
TEXTS = (
    "The quick brown fox jumps over the lazy dog, again and again and again. ",
    "Der schnelle braune Fuchs springt über den faulen Hund; Donaudampfschifffahrtsgesellschaft! ",
    "1234567890, 3.14159 {[()]} <b>x</b>\n\tif (a != b) { return a ** b; }\n",
    "Швидкий бурий лис стрибає через ледачого пса. ",
    "Çevik kahverengi tilki tembel köpeğin üzerinden atlar. ",
)


@dataclass
class Served:
    """The real model in its child, and the same model behind the adapter for services."""

    built_in: BuiltInModels
    server: LlamaServer
    key: str
    service: OpenAICompatible
    secrets: Secrets

    async def direct(self, request: TextRequest) -> list[TextDelta]:
        return await collect(self.built_in, "built_in/tiny", request)

    async def by_http(self, request: TextRequest) -> list[TextDelta]:
        return await collect(self.service, "llama_server/tiny", request)


async def collect(provider: BuiltInModels | OpenAICompatible, model: str, request: TextRequest) -> list[TextDelta]:
    async with asyncio.timeout(90), aclosing(provider.stream(model, request)) as deltas:
        return [delta async for delta in deltas]


def text(deltas: list[TextDelta]) -> str:
    return "".join(delta.text for delta in deltas)


@pytest.fixture
async def served(smollm2_path: Path, tmp_path: Path) -> AsyncGenerator[Served, None]:
    async with serving(smollm2_path, tmp_path) as served:
        yield served


@asynccontextmanager
async def serving(model: Path, folder: Path) -> AsyncGenerator[Served, None]:
    (folder / "models").mkdir()
    (folder / "models" / "tiny.gguf").symlink_to(model)
    built_in = BuiltInModels(ModelsStore(folder / "models"), threads=1)
    await collect(built_in, "built_in/tiny", replace(CHAT, max_tokens=1))  # loads it
    server = built_in.loaded()["built_in/tiny"]
    secrets = Secrets(folder / "keys.json", {})
    key = server._headers["Authorization"].removeprefix("Bearer ")  # pyright: ignore[reportPrivateUsage]
    await secrets.put("llama_server", key)
    service = OpenAICompatible(PRESET, lambda: f"{server.url}/v1", secrets, NetworkGuard(lambda: True))
    try:
        yield Served(built_in, server, key, service, secrets)
    finally:
        await service.aclose()
        await built_in.aclose()


async def test_the_list_is_the_servers_own(served: Served) -> None:
    (info,) = await served.service.list_models()
    assert (info.id, info.grade, info.is_local) == ("llama_server/tiny", ModelGrade.TINY, True)
    assert (info.parameters, info.context_tokens) == (134_515_008, 2048)


@pytest.mark.parametrize("request_", [CHAT, RAW], ids=["chat", "raw"])
async def test_the_same_request_gives_the_same_text_on_both_ways(served: Served, request_: TextRequest) -> None:
    direct, by_http = await served.direct(request_), await served.by_http(request_)
    assert text(direct) == text(by_http) != ""
    assert direct[-1].finish_reason == by_http[-1].finish_reason
    assert by_http[-1].usage.completion_tokens == direct[-1].usage.completion_tokens
    assert direct[-1].usage.completion_tokens


async def test_an_answer_keeps_to_its_schema(served: Served) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}, "count": {"type": "integer"}},
        "required": ["colour", "count"],
    }
    answer = json.loads(text(await served.by_http(replace(CHAT, json_schema=schema, max_tokens=60))))
    assert answer["colour"] in {"red", "blue"}
    assert isinstance(answer["count"], int)


async def test_a_picture_is_refused_by_a_model_that_does_not_see(served: Served) -> None:
    look = replace(CHAT, messages=(ChatMessage("user", "What is this?", (PIXEL,)),))
    with pytest.raises(ModelError) as caught:
        await served.by_http(look)
    assert "image input is not supported" in caught.value.detail
    assert text(await served.by_http(CHAT)), "it goes on serving"


async def test_a_text_too_long_for_the_server_is_said_before_and_by_it(served: Served) -> None:
    long = replace(CHAT, messages=(ChatMessage("user", "word " * 2500),), max_tokens=8)
    with pytest.raises(ContextTooLongError) as by_the_server:  # its list was not asked for: nobody here knows
        await served.by_http(long)
    assert type(by_the_server.value) is ContextTooLongError
    assert int(by_the_server.value.params["tokens"]) > int(by_the_server.value.params["limit"]) == 2048
    await served.service.list_models()
    with pytest.raises(ContextEstimateError):
        await served.by_http(long)


async def test_leaving_early_frees_the_server(served: Served) -> None:
    async with aclosing(served.service.stream("llama_server/tiny", replace(CHAT, max_tokens=1500))) as deltas:
        await anext(deltas)
        assert await served.server.is_busy()
    async with asyncio.timeout(20):
        while await served.server.is_busy():  # noqa: ASYNC110 - the server in its process tells only when asked
            await asyncio.sleep(0.01)


async def test_a_wrong_key_is_refused_and_said(served: Served) -> None:
    await served.secrets.put("llama_server", "wrong")
    with pytest.raises(ProviderKeyError):
        await served.by_http(CHAT)


async def test_tokens_are_counted_by_the_models_own_tokenizer_and_the_estimate_is_above_it(served: Served) -> None:
    for sample in TEXTS:
        request = TextRequest(messages=(ChatMessage("system", sample), ChatMessage("user", sample * 20)))
        tokens = await served.server.count_tokens(request)
        assert 50 < tokens <= estimate_tokens(request), sample
    raw = TextRequest(prompt=TEXTS[0])
    assert 10 < await served.server.count_tokens(raw) < 40


async def test_a_text_that_fits_by_its_tokens_is_not_refused_by_its_letters(served: Served) -> None:
    long = replace(CHAT, messages=(ChatMessage("user", "international " * 200),), max_tokens=8)
    tokens = await served.server.count_tokens(long)
    assert tokens < 500 < 2048 < sum(len(message.content) for message in long.messages)
    assert (await served.direct(long))[-1].finish_reason is not None
    with pytest.raises(ContextTooLongError) as caught:
        await served.direct(replace(long, messages=(ChatMessage("user", "word " * 9000),)))
    assert type(caught.value) is ContextTooLongError
    assert int(caught.value.params["tokens"]) > int(caught.value.params["limit"]) == 8192


async def test_a_run_goes_through_the_service_that_was_chosen_for_it(served: Served, app_home: Path) -> None:
    assembly = assemble(find_paths())
    await assembly.engine.start()
    try:
        await _choose(assembly, served)
        run_id = assembly.engine.runs.submit(RunRequest("A red apple", "dada", (), seed=7))
        async with asyncio.timeout(90):
            record = await assembly.engine.runs.wait(run_id)
    finally:
        await assembly.aclose()
    stage = next(stage for stage in record.stages if stage.name.value == "interception")
    assert (record.state, stage.model) == ("finished", "llama_server/tiny")
    assert stage.text
    assert files_with(served.key, app_home) == ["keys.json"]  # in no log, no settings, no run folder


def files_with(word: str, folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in paths if word.encode() in path.read_bytes()]


async def _choose(assembly: Assembly, served: Served) -> None:
    engine = assembly.engine
    assert engine.model_services is not None
    await engine.model_services.put_key("llama_server", served.key)
    engine.change_settings(
        local_only=True,
        providers={"llama_server": f"{served.server.url}/v1"},
        stage_models=StageModels(interception="llama_server/tiny"),
    )
