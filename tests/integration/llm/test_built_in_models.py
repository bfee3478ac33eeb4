"""The real embedded model, the way the program uses it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels, ModelState
from ai4artsed_desktop.adapters.text_models.llama_server import LlamaServer
from ai4artsed_desktop.domain.errors import (
    AppError,
    ContextTooLongError,
    ModelLoadError,
    ModelMissingError,
    ModelStoppedError,
)
from ai4artsed_desktop.domain.text_models import ChatMessage, ModelGrade, TextDelta, TextRequest
from tests.support.fake_children import is_alive, until
from tests.support.gguf_files import write_model
from tests.support.lost_generators import watching_lost_generators

pytestmark = pytest.mark.llm

RAW = TextRequest(prompt="Idea: A red apple.\nDada:", max_tokens=24, seed=11, stop=("\n",), repeat_penalty=1.08)
CHAT = TextRequest(messages=(ChatMessage("user", "Name a fruit."),), max_tokens=16, seed=3)
LONG = TextRequest(prompt="Once upon a time", max_tokens=2000, seed=1, repeat_penalty=1.2)


class Model:
    """A provider with the real model under the name ``tiny``, and what it told about its state."""

    def __init__(self, models: BuiltInModels, folder: Path, states: list[tuple[str, ModelState]]) -> None:
        self.models = models
        self.folder = folder
        self.states = states

    @property
    def pid(self) -> int:
        return self.models.loaded()["built_in/tiny"].pid

    async def answer(self, request: TextRequest, model: str = "built_in/tiny") -> str:
        return "".join(delta.text for delta in await self.deltas(request, model))

    async def deltas(self, request: TextRequest, model: str = "built_in/tiny") -> list[TextDelta]:
        async with aclosing(self.models.stream(model, request)) as deltas, asyncio.timeout(60):
            return [delta async for delta in deltas]


def provider(folder: Path, states: list[tuple[str, ModelState]], idle_s: float = 300.0) -> BuiltInModels:
    return BuiltInModels(
        ModelsStore(folder), threads=1, idle_s=idle_s, on_state=lambda model, state, _: states.append((model, state))
    )


@pytest.fixture
async def model(smollm2_path: Path, tmp_path: Path) -> AsyncGenerator[Model, None]:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "tiny.gguf").symlink_to(smollm2_path)
    states: list[tuple[str, ModelState]] = []
    models = provider(folder, states)
    yield Model(models, folder, states)
    await models.aclose()


async def test_the_list_shows_what_the_header_says(model: Model) -> None:
    (info,) = await model.models.list_models()
    assert info.id == "built_in/tiny"
    assert (info.grade, info.problem, info.quantisation) == (ModelGrade.TINY, None, "Q4_1")
    assert (info.parameters, info.context_tokens) == (134_515_008, 8192)
    assert (info.size_bytes, info.languages, info.licence) == (98_362_432, ("en",), "apache-2.0")
    assert model.models.loaded() == {}


async def test_raw_completion_streams_piece_by_piece_and_tells_figures(model: Model) -> None:
    deltas = await model.deltas(RAW)
    assert len(deltas) > 5
    assert all(delta.finish_reason is None for delta in deltas[:-1])
    assert deltas[-1].finish_reason in {"stop", "length"}
    usage = deltas[-1].usage
    assert usage.load_ms is not None and usage.load_ms > 0
    assert usage.generate_ms is not None and usage.completion_tokens is not None and usage.prompt_tokens
    assert usage.completion_tokens <= 24
    assert (await model.deltas(RAW))[-1].usage.load_ms is None, "it was loaded already"
    assert model.states == [("built_in/tiny", "loading"), ("built_in/tiny", "ready")]


async def test_chat_answers(model: Model) -> None:
    assert (await model.answer(CHAT)).strip()


async def test_schema_constrains_the_answer(model: Model) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"mood": {"enum": ["glad", "sad"]}},
        "required": ["mood"],
        "additionalProperties": False,
    }
    answer = json.loads(await model.answer(replace(CHAT, json_schema=schema, max_tokens=64)))
    assert answer["mood"] in {"glad", "sad"}


async def test_same_seed_gives_the_same_text_also_after_other_requests_and_a_restart(model: Model) -> None:
    first = await model.answer(RAW)
    await model.answer(CHAT)
    assert await model.answer(RAW) == first
    pid = model.pid
    await model.models.release()
    assert not is_alive(pid)
    assert await model.answer(RAW) == first
    assert await model.answer(replace(RAW, seed=12)) != first


async def test_two_requests_at_once_start_one_child(model: Model) -> None:
    before = len(psutil.Process().children())
    answers = await asyncio.gather(model.answer(RAW), model.answer(RAW), model.answer(CHAT))
    assert answers[0] == answers[1]
    assert len(psutil.Process().children()) == before + 1
    assert model.states.count(("built_in/tiny", "loading")) == 1


async def test_closing_the_stream_frees_the_model_within_a_second(model: Model) -> None:
    with watching_lost_generators() as lost:
        async with aclosing(model.models.stream("built_in/tiny", LONG)) as deltas:
            async for _ in deltas:
                break
    assert lost == []
    server = model.models.loaded()["built_in/tiny"]
    async with asyncio.timeout(1.0):
        await until_busy(server, is_busy=False)


async def test_cancelling_while_it_loads_leaves_no_child(model: Model) -> None:
    before = set(psutil.Process().children())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(model.answer(RAW))
        await until(lambda: set(psutil.Process().children()) != before)
        task.cancel()
    assert set(psutil.Process().children()) == before
    assert model.models.loaded() == {}
    assert await model.answer(RAW), "the next request loads again"


async def test_a_waiting_request_loads_itself_when_the_loading_one_is_cancelled(model: Model) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(model.answer(RAW))
        await asyncio.sleep(0)
        second = group.create_task(model.answer(RAW))
        await until(lambda: bool(model.states))
        first.cancel()
    assert second.result()


async def test_a_killed_child_is_reported_and_the_next_request_gets_a_fresh_one(model: Model) -> None:
    await model.answer(RAW)
    pid = model.pid
    seen = ""
    with pytest.raises(ModelStoppedError) as caught:
        async with aclosing(model.models.stream("built_in/tiny", LONG)) as deltas:
            async for delta in deltas:
                seen += delta.text
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)
    assert seen, "what came before is kept"
    assert "exit code -9" in caught.value.detail
    assert model.states[-1] == ("built_in/tiny", "failed")
    assert await model.answer(RAW)
    assert model.pid != pid


async def test_a_child_killed_while_idle_is_replaced_silently(model: Model) -> None:
    first = await model.answer(RAW)
    os.kill(model.pid, signal.SIGKILL)
    await until(lambda: not model.models.loaded()["built_in/tiny"].is_alive)
    assert await model.answer(RAW) == first


async def test_an_idle_model_is_freed_and_loads_again(smollm2_path: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").symlink_to(smollm2_path)
    states: list[tuple[str, ModelState]] = []
    model = Model(provider(tmp_path, states, idle_s=0.2), tmp_path, states)
    first = await model.answer(RAW)
    pid = model.pid
    await until(lambda: not is_alive(pid))
    assert states[-1] == ("built_in/tiny", "freed")
    assert model.models.loaded() == {}
    assert await model.answer(RAW) == first
    await model.models.aclose()


async def test_another_model_pushes_out_the_idle_one(model: Model, smollm2_path: Path) -> None:
    (model.folder / "other.gguf").symlink_to(smollm2_path)
    await model.answer(RAW)
    pid = model.pid
    await model.answer(RAW, "built_in/other")
    assert not is_alive(pid)
    assert set(model.models.loaded()) == {"built_in/other"}


async def test_another_model_waits_for_a_busy_one(model: Model, smollm2_path: Path) -> None:
    (model.folder / "other.gguf").symlink_to(smollm2_path)
    request = replace(LONG, max_tokens=60)
    texts = await asyncio.gather(model.answer(request), model.answer(request, "built_in/other"))
    assert texts[0] == texts[1]
    assert [state for _, state in model.states] == ["loading", "ready", "freed", "loading", "ready"]


async def test_release_waits_for_the_running_request(model: Model) -> None:
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(model.answer(replace(LONG, max_tokens=40)))
        await until(lambda: ("built_in/tiny", "ready") in model.states)
        await model.models.release()
    assert answer.result()
    assert model.models.loaded() == {}


async def until_busy(server: LlamaServer, *, is_busy: bool) -> None:
    while await server.is_busy() is not is_busy:  # noqa: ASYNC110  # another process: there is no event to wait for
        await asyncio.sleep(0.02)


async def test_closing_ends_a_running_request(model: Model) -> None:
    await model.answer(RAW)
    pid = model.pid
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_error_of(model.answer(LONG)))
        server = model.models.loaded()["built_in/tiny"]
        await until_busy(server, is_busy=True)
        await model.models.aclose()
    assert isinstance(task.result(), ModelStoppedError)
    assert not is_alive(pid)
    with pytest.raises(ModelLoadError):
        await model.answer(RAW)


async def test_closing_while_a_model_loads_ends_it(model: Model) -> None:
    before = set(psutil.Process().children())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_error_of(model.answer(RAW)))
        await until(lambda: set(psutil.Process().children()) != before)
        await model.models.aclose()
    assert isinstance(task.result(), ModelLoadError)
    assert set(psutil.Process().children()) == before


async def _error_of(answer: Awaitable[object]) -> AppError | None:
    try:
        await answer
    except AppError as exc:
        return exc
    return None


async def test_a_text_longer_than_the_context_says_so_in_numbers(model: Model) -> None:
    with pytest.raises(ContextTooLongError) as caught:
        await model.answer(replace(RAW, prompt="word " * 9000))
    assert int(caught.value.params["tokens"]) > int(caught.value.params["limit"]) == 8192, "the model's own context"
    assert await model.answer(RAW)


#: A little more than the usual context holds, together with its answer.
WORDY = replace(RAW, prompt="word " * 1100, max_tokens=2000)


async def first_of(model: Model, request: TextRequest) -> TextDelta:
    async with aclosing(model.models.stream("built_in/tiny", request)) as deltas, asyncio.timeout(120):
        return await anext(deltas)


async def test_the_context_grows_when_a_text_needs_it_and_stays(model: Model) -> None:
    await model.answer(RAW)
    assert model.models.loaded()["built_in/tiny"].context_tokens == 2048
    first = model.pid
    assert (await first_of(model, WORDY)).text
    assert model.models.loaded()["built_in/tiny"].context_tokens == 4096
    grown = model.pid
    await model.answer(RAW)
    assert first != grown == model.pid, "loaded anew once"
    assert model.states == [("built_in/tiny", state) for state in ("loading", "ready", "freed", "loading", "ready")]


async def test_a_longer_context_waits_for_who_uses_the_short_one(model: Model) -> None:
    async with asyncio.TaskGroup() as group, aclosing(model.models.stream("built_in/tiny", LONG)) as deltas:
        await anext(deltas)
        first = model.pid
        waiting = group.create_task(first_of(model, WORDY))
        for _ in range(20):
            await anext(deltas)
        assert model.pid == first and not waiting.done()
        await deltas.aclose()
        assert (await waiting).text and model.pid != first


async def test_short_texts_that_come_later_do_not_keep_a_long_one_waiting(model: Model) -> None:
    loads = list[int]()

    async def short() -> None:
        await model.answer(RAW)
        loads.append(model.states.count(("built_in/tiny", "loading")))

    async with asyncio.TaskGroup() as group, aclosing(model.models.stream("built_in/tiny", LONG)) as deltas:
        await anext(deltas)
        long = group.create_task(first_of(model, WORDY))
        for _ in range(20):
            await anext(deltas)
        group.create_task(short())
        for _ in range(5):
            await anext(deltas)
        await deltas.aclose()
        assert (await long).text
    assert loads == [2], "answered after the longer context was there, and that was loaded once"


async def test_the_settings_bound_the_context(model: Model) -> None:
    model.models.configure(threads=1, context_tokens=1024, idle_s=300.0)
    with pytest.raises(ContextTooLongError) as caught:
        await model.answer(WORDY)
    assert caught.value.params["limit"] == "1024" and model.models.loaded()["built_in/tiny"].context_tokens == 1024


async def test_without_the_key_only_health_answers_and_there_is_no_web_page_and_no_cors(model: Model) -> None:
    await model.answer(RAW)
    server = model.models.loaded()["built_in/tiny"]
    body = {"prompt": "x", "max_tokens": 1}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
        assert (await http.get("/health")).status_code == 200
        for answer in (
            await http.get("/v1/models"),
            await http.get("/slots"),
            await http.get("/props"),
            await http.post("/v1/completions", json=body),
            await http.post("/v1/completions", json=body, headers={"Authorization": "Bearer wrong"}),
        ):
            assert answer.status_code == 401
        answer = await http.get("/", headers={"Origin": "http://evil.example"})
        assert answer.status_code in {401, 404}
        assert answer.headers.get("access-control-allow-origin", "") == ""
    assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.skipif(sys.platform == "win32", reason="reads command lines the POSIX way")
async def test_the_key_stands_in_no_command_line_and_no_environment(model: Model) -> None:
    await model.answer(RAW)
    server = model.models.loaded()["built_in/tiny"]
    key = server._headers["Authorization"].removeprefix("Bearer ")  # pyright: ignore[reportPrivateUsage]
    child = psutil.Process(server.pid)
    assert key not in " ".join(child.cmdline())
    assert key not in child.environ().values()


def damage(kind: str, path: Path, good: Path) -> None:
    """Make a damaged model file of one kind."""
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "html":
            path.write_text("<!doctype html><title>Sign in</title>")
        case "random":
            path.write_bytes(os.urandom(100_000))
        case "cut in the header":
            path.write_bytes(good.read_bytes()[:3000])
        case "cut in the weights":
            path.write_bytes(good.read_bytes()[:60_000_000])
        case "random after the magic":
            path.write_bytes(good.read_bytes()[:24] + os.urandom(1_000_000))
        case "unknown architecture":
            path.write_bytes(good.read_bytes().replace(b"llama", b"lemma"))
        case "directory":
            path.mkdir()
        case _:
            assert kind == "missing"


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("empty", "reason.model_cut"),
        ("html", "reason.model_damaged"),
        ("random", "reason.model_damaged"),
        ("cut in the header", "reason.model_cut"),
        ("cut in the weights", "reason.model_cut"),
        ("random after the magic", "reason.model_"),
        ("directory", "reason.model_not_a_file"),
    ],
)
async def test_a_damaged_file_is_listed_with_its_reason_and_refused(
    model: Model, smollm2_path: Path, kind: str, problem: str
) -> None:
    damage(kind, model.folder / "bad.gguf", smollm2_path)
    info = next(info for info in await model.models.list_models() if info.id == "built_in/bad")
    assert (info.problem or "").startswith(problem)
    with pytest.raises(ModelLoadError) as caught:
        await model.answer(RAW, "built_in/bad")
    assert caught.value.detail == info.problem


async def test_a_file_that_only_llama_cpp_refuses_gives_its_reason(model: Model, smollm2_path: Path) -> None:
    damage("unknown architecture", model.folder / "bad.gguf", smollm2_path)
    with pytest.raises(ModelLoadError) as caught:
        await model.answer(RAW, "built_in/bad")
    assert "lemma" in caught.value.detail
    assert model.states[-1] == ("built_in/bad", "failed")
    assert await model.answer(RAW), "the good model still works"


async def test_a_model_larger_than_the_memory_is_refused_before_the_machine_stands_still(model: Model) -> None:
    write_model(model.folder / "huge.gguf", weights=2 * psutil.virtual_memory().total // 4)
    with pytest.raises(ModelLoadError) as caught:
        await model.answer(RAW, "built_in/huge")
    assert "GB of memory" in caught.value.detail


async def test_a_missing_model_is_missing(model: Model, tmp_path: Path, smollm2_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        await model.answer(RAW, "built_in/none")
    stick = tmp_path / "stick" / "far.gguf"
    stick.parent.mkdir()
    shutil.copyfile(smollm2_path, stick)
    ModelsStore(model.folder).add_reference(stick)
    assert {info.problem for info in await model.models.list_models()} == {None}
    stick.unlink()
    (far,) = (info for info in await model.models.list_models() if info.id == "built_in/far")
    assert far.problem == "reason.model_missing"
    with pytest.raises(ModelMissingError):
        await model.answer(RAW, far.id)


async def test_umlauts_and_blanks_in_the_path_are_fine(tmp_path: Path, smollm2_path: Path) -> None:
    folder = tmp_path / "Größe 東京 modèles"
    folder.mkdir()
    (folder / "kleines Modell ß.gguf").symlink_to(smollm2_path)
    states: list[tuple[str, ModelState]] = []
    model = Model(provider(folder, states), folder, states)
    assert await model.answer(RAW, "built_in/kleines Modell ß")
    await model.models.aclose()
