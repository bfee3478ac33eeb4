"""Whole runs through Ollama and through a service: what goes wrong there is said, and nothing typed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ai4artsed_desktop.adapters.assembly import assemble
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.domain.events import ModelStateChanged
from ai4artsed_desktop.domain.runs import RunRecord, RunRequest, StageName
from ai4artsed_desktop.domain.settings import StageModels
from ai4artsed_desktop.engine.engine import Engine
from tests.support.ollama_double import OllamaDouble, lines, shaped
from tests.support.openai_double import OpenAIDouble, Reply, json_reply, said, sse
from tests.support.probe import EventProbe

IDEA = "Ein roter Apfel, „ganz allein“"
KEY = "sk-very-secret-0123456789"


@asynccontextmanager
async def engine(**settings: Any) -> AsyncGenerator[Engine, None]:
    assembly = assemble(find_paths())
    await assembly.engine.start()
    assembly.engine.change_settings(**settings)
    try:
        yield assembly.engine
    finally:
        await assembly.aclose()


async def run(engine: Engine, interception: str = "dada", **more: Any) -> RunRecord:
    async with asyncio.timeout(60):
        return await engine.runs.wait(engine.runs.submit(RunRequest(IDEA, interception, (), seed=7, **more)))


def interception_of(record: RunRecord) -> Any:
    return next((stage for stage in record.stages if stage.name.value == "interception"), None)


@asynccontextmanager
async def with_ollama() -> AsyncGenerator[tuple[Engine, OllamaDouble], None]:
    double = OllamaDouble()
    async with double.serving() as url:
        models = StageModels(interception="ollama/llama3.2:latest")
        async with engine(ollama_address=url, stage_models=models, local_only=True) as world:
            yield world, double


async def test_a_run_speaks_to_ollama_with_the_rules_as_system_message_and_says_that_it_loads() -> None:
    async with with_ollama() as (world, double):
        with EventProbe(world.bus) as probe:
            record = await run(world)
            states = [(event.model_id, event.state) for event in probe.of(ModelStateChanged)]
    stage = interception_of(record)
    assert (record.state, stage.model, stage.text) == ("finished", "ollama/llama3.2:latest", "Hello")
    assert states == [("ollama/llama3.2:latest", "loading"), ("ollama/llama3.2:latest", "ready")]
    system, user = double.of("/api/chat")[0].json["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert IDEA in user["content"]
    assert IDEA not in system["content"]
    assert stage.model_digest == double.models[0]["digest"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (shaped("model not found (generate, chat)"), "error.model.missing"),
        (shaped("runner could not start"), "error.model.load"),
        (shaped("mid-stream error"), "error.model.failed"),
        (shaped("stream that just ends"), "error.model.stopped"),
        (lines({"message": {"content": "x"}}, "{broken"), "error.model.failed"),
        (shaped("chat stream").cut(30), "error.model.stopped"),
    ],
)
async def test_a_run_that_fails_keeps_what_was_typed_and_the_next_one_works(reply: Reply, code: str) -> None:
    async with with_ollama() as (world, double):
        double.then("/api/chat", reply)
        record = await run(world)
        assert record.state == "failed"
        assert record.error is not None
        assert record.error.code in {code, "error.provider.unavailable"}
        again = await world.runs.request_of(record.run_id)
        assert again.text == IDEA
        assert (await run(world)).state == "finished"


async def test_a_cloud_model_is_refused_before_anything_is_sent_while_all_stays_local() -> None:
    async with with_ollama() as (world, double):
        double.models.append({**double.models[0], "name": "big:cloud", "model": "big:cloud"})
        record = await run(world, model_ids={StageName.INTERCEPTION: "ollama/big:cloud"})
        assert record.error is not None
        assert record.error.code == "error.local_only"
        assert double.of("/api/chat") == []


async def test_a_run_through_a_service_records_no_key_and_fails_kindly_without_credit() -> None:
    double = OpenAIDouble(KEY)
    double.then("/v1/chat/completions", sse(said("Der Apfel lacht."), said(None, "stop")))
    double.then("/v1/chat/completions", json_reply({"error": {"message": f"no credit for {KEY}", "code": 402}}, 402))
    models = StageModels(interception="openrouter/good")
    async with double.serving() as url, engine(providers={"openrouter": f"{url}/v1"}, stage_models=models) as world:
        assert world.model_services is not None
        await world.model_services.put_key("openrouter", KEY)
        done, failed = await run(world), await run(world)
    assert interception_of(done).text == "Der Apfel lacht."
    assert failed.error is not None
    assert failed.error.code == "error.provider.credit"
    assert KEY not in done.model_dump_json() + failed.model_dump_json()
