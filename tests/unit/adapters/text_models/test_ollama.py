"""Ollama over real sockets, against a double built from its source's shapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.text_models.ollama import BUSY_PAUSES_S, Ollama
from ai4artsed_desktop.adapters.text_models.ollama_vram import OllamaVram
from ai4artsed_desktop.domain.errors import (
    AppError,
    ContextEstimateError,
    ContextTooLongError,
    LocalOnlyError,
    ModelError,
    ModelLoadError,
    ModelMissingError,
    ModelStoppedError,
    ProviderCreditError,
    ProviderLimitError,
    ProviderSignInError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.domain.text_models import ChatMessage, ModelGrade, TextDelta, TextRequest
from tests.support.ollama_double import OllamaDouble, lines, shaped, tag
from tests.support.openai_double import Reply, json_reply
from tests.support.virtual_time import run_in_virtual_time

LLAMA = "ollama/llama3.2:latest"
HELLO = TextRequest(messages=(ChatMessage("system", "Be kind."), ChatMessage("user", "Hi")), seed=7)


class Kit:
    """A provider, its double, what it told and how it paused."""

    def __init__(self, double: OllamaDouble, url: str, is_local_only: bool, **options: Any) -> None:
        self.double = double
        self.states: list[tuple[str, str]] = []
        self.pauses: list[float] = []
        self.ollama = Ollama(
            url,
            NetworkGuard(lambda: is_local_only),
            on_state=lambda model, state, _: self.states.append((model, state)),
            pause=self._pause,
            **options,
        )

    async def deltas(self, request: TextRequest = HELLO, model: str = LLAMA) -> list[TextDelta]:
        async with asyncio.timeout(30), aclosing(self.ollama.stream(model, request)) as deltas:
            return [delta async for delta in deltas]

    async def text(self, request: TextRequest = HELLO, model: str = LLAMA) -> str:
        return "".join(delta.text for delta in await self.deltas(request, model))

    def asked(self) -> dict[str, Any]:
        """The body of the last chat request."""
        return self.double.of("/api/chat")[-1].json

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@asynccontextmanager
async def talking(*models: str, is_local_only: bool = False, **options: Any) -> AsyncGenerator[Kit, None]:
    double = OllamaDouble(*models)
    async with double.serving() as url:
        kit = Kit(double, url, is_local_only, **options)
        try:
            yield kit
        finally:
            await kit.ollama.aclose()


@pytest.fixture
async def kit() -> AsyncGenerator[Kit, None]:
    async with talking() as kit:
        yield kit


async def test_the_list_tells_size_quantisation_context_and_what_is_loaded(kit: Kit) -> None:
    (info,) = await kit.ollama.list_models()
    assert (info.id, info.size_bytes, info.quantisation) == (LLAMA, 2_019_393_189, "Q4_K_M")
    assert (info.context_tokens, info.parameters, info.grade) == (131_072, 3_200_000_000, ModelGrade.INSTRUCT)
    assert (info.is_loaded, info.size_vram_bytes, kit.ollama.problem) == (False, None, None)
    kit.double.load("llama3.2:latest", size=4_000, size_vram=3_000)
    (info,) = await kit.ollama.list_models()
    assert (info.is_loaded, info.loaded_bytes, info.size_vram_bytes) == (True, 4_000, 3_000)
    assert info.is_partly_on_processor


async def test_an_older_server_is_asked_once_per_model_for_what_its_list_lacks(kit: Kit) -> None:
    old = {key: value for key, value in tag("old:1b").items() if key != "capabilities"}
    kit.double.models = [{**old, "details": {"parameter_size": "3.2B", "quantization_level": "Q8_0"}}]
    for _ in range(3):
        (info,) = await kit.ollama.list_models()
        assert (info.context_tokens, info.parameters) == (131_072, 3_212_749_888)
    assert len(kit.double.of("/api/show")) == 1


async def test_models_that_write_no_text_are_left_out_and_tiny_and_seeing_ones_are_known(kit: Kit) -> None:
    kit.double.models = [
        tag("embed:latest", capabilities=["embedding"]),
        tag("eye:8b", capabilities=["completion", "vision", "thinking"]),
        tag("tiny:135m", details={"parameter_size": "134.52M", "context_length": 8192}),
        {"no": "name"},
    ]
    eye, tiny = sorted(await kit.ollama.list_models(), key=lambda info: info.id)
    assert (eye.can_see, eye.can_think, tiny.can_see, tiny.grade) == (True, True, False, ModelGrade.TINY)


@pytest.mark.parametrize("answer", [Reply(500), json_reply([1]), Reply(200, (b"<html>",)), Reply(200, (b"{",)).cut(1)])
async def test_a_server_that_answers_nonsense_has_no_models_and_says_why(kit: Kit, answer: Reply) -> None:
    kit.double.then("/api/tags", answer)
    assert await kit.ollama.list_models() == []
    assert kit.ollama.problem is not None
    assert kit.ollama.problem.key == "reason.provider_unreachable"
    assert await kit.ollama.list_models() != []  # and it is asked again
    assert kit.ollama.problem is None


async def test_no_server_is_no_model_and_no_exception() -> None:
    ollama = Ollama("http://127.0.0.1:9", NetworkGuard(lambda: False))
    assert await ollama.list_models() == []
    assert ollama.problem is not None
    with pytest.raises(ProviderUnavailableError) as caught:
        async with aclosing(ollama.stream(LLAMA, HELLO)) as deltas:
            await anext(deltas)
    assert caught.value.params == {"provider": "Ollama", "address": "http://127.0.0.1:9"}
    await ollama.release()
    await ollama.aclose()


async def test_an_answer_streams_and_load_time_is_apart_from_generation(kit: Kit) -> None:
    deltas = await kit.deltas()
    assert [delta.text for delta in deltas] == ["Hel", "lo", ""]
    last = deltas[-1]
    assert (last.finish_reason, last.usage.prompt_tokens, last.usage.completion_tokens) == ("stop", 26, 2)
    assert last.usage.load_ms == pytest.approx(1.334875)
    assert last.usage.generate_ms == pytest.approx(342.546 + 53.217)
    assert kit.states == [(LLAMA, "loading"), (LLAMA, "ready")]
    await kit.deltas()
    assert kit.states[2:] == [(LLAMA, "ready")]  # a loaded model is not said to load


async def test_everything_a_request_can_say_reaches_the_server(kit: Kit) -> None:
    kit.double.models = [tag("eye:8b", capabilities=["completion", "vision", "thinking"])]
    schema: dict[str, object] = {"type": "object", "properties": {"mood": {"type": "string"}}}
    request = TextRequest(
        messages=(ChatMessage("user", "Was ist das? ü \"'", (b"\x89PNG1", b"\xff\xd8")),),
        max_tokens=50,
        temperature=0.1,
        top_p=0.5,
        min_p=0.05,
        repeat_penalty=1.1,
        stop=("\n",),
        seed=2**40 + 3,
        json_schema=schema,
        think=True,
    )
    await kit.deltas(request, "ollama/eye:8b")
    body = kit.asked()
    (message,) = body["messages"]
    assert message == {"role": "user", "content": "Was ist das? ü \"'", "images": ["iVBORzE=", "/9g="]}
    assert (body["format"], body["think"], body["stream"], body["truncate"]) == (schema, True, True, False)
    options = {"num_ctx": 4096, "num_predict": 50, "temperature": 0.1, "top_p": 0.5, "seed": 3}
    assert body["options"] == {**options, "min_p": 0.05, "repeat_penalty": 1.1, "stop": ["\n"]}
    assert body["keep_alive"] == 300


async def test_raw_text_is_completed_without_a_template(kit: Kit) -> None:
    assert await kit.text(TextRequest(prompt="Idea:")) == "The sky"
    (asked,) = kit.double.of("/api/generate")
    assert (asked.json["raw"], asked.json["prompt"]) == (True, "Idea:")


async def test_thinking_is_kept_apart_and_off_unless_it_was_asked_for(kit: Kit) -> None:
    kit.double.then("/api/chat", shaped("chat thinking"))
    deltas = await kit.deltas()
    assert [(delta.thinking, delta.text) for delta in deltas] == [("The user greets", ""), ("", "Hello!"), ("", "")]
    assert kit.asked()["think"] is False
    await kit.deltas(replace(HELLO, think=True))
    assert kit.asked()["think"] is False  # a model that cannot think would refuse the request


async def test_keep_alive_is_said_with_every_request_and_only_pinned_models_stay_for_ever(kit: Kit) -> None:
    kit.ollama.configure(address=kit.ollama.address, keep_alive_s=12.4)
    await kit.deltas()
    assert kit.asked()["keep_alive"] == 12
    kit.ollama.pin(frozenset({LLAMA}))
    await kit.deltas()
    assert kit.asked()["keep_alive"] == -1
    kit.ollama.pin(frozenset())
    await kit.deltas()
    assert kit.asked()["keep_alive"] == 12  # the last value sticks: it must be taken back


async def test_the_context_fits_the_text_and_does_not_reload_a_model_that_has_enough(kit: Kit) -> None:
    await kit.deltas()
    assert kit.asked()["options"]["num_ctx"] == 4096
    long = replace(HELLO, messages=(ChatMessage("user", "word " * 3000),))
    await kit.deltas(long)
    assert kit.asked()["options"]["num_ctx"] == 8192
    await kit.deltas()
    assert kit.asked()["options"]["num_ctx"] == 8192  # still loaded with that


async def test_a_text_that_cannot_fit_is_refused_with_numbers_before_it_is_sent(kit: Kit) -> None:
    with pytest.raises(ContextEstimateError) as caught:
        await kit.deltas(replace(HELLO, messages=(ChatMessage("user", "word " * 80_000),)))
    assert int(caught.value.params["tokens"]) > int(caught.value.params["limit"]) == 131_072
    assert isinstance(caught.value, ContextTooLongError)
    assert kit.double.of("/api/chat") == []


async def test_a_busy_server_is_asked_again_and_in_the_end_it_is_said(kit: Kit) -> None:
    busy = shaped("server busy")
    kit.double.then("/api/chat", busy, busy)
    assert await kit.text() == "Hello"
    assert kit.pauses == list(BUSY_PAUSES_S[:2])
    kit.double.then("/api/chat", *[busy] * 20)
    with pytest.raises(ProviderUnavailableError):
        await kit.deltas()
    assert len(kit.double.of("/api/chat")) == 3 + len(BUSY_PAUSES_S) + 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("model not found (generate, chat)", ModelMissingError),
        ("model not found (embed, scheduler)", ModelMissingError),
        ("runner could not start", ModelLoadError),
        ("old or damaged model", ModelLoadError),
        ("bad format", ModelLoadError),
        ("think on a non-thinking model", ModelError),
        ("invalid JSON", ModelError),
        ("mid-stream error", ModelError),
        ("stream that just ends", ModelStoppedError),
    ],
)
async def test_every_refusal_is_told_in_our_words(kit: Kit, name: str, error: type[AppError]) -> None:
    kit.double.then("/api/chat", shaped(name))
    with pytest.raises(error) as caught:
        await kit.deltas()
    assert type(caught.value) is error
    assert caught.value.params["model"] == "llama3.2:latest"
    assert await kit.text() == "Hello"  # the next request works


@pytest.mark.parametrize("line", ["{broken", "7", '"text"', "[]", "null", "[" * 100_000])
async def test_a_line_that_is_no_object_is_an_error(kit: Kit, line: str) -> None:
    kit.double.then("/api/chat", lines({"message": {"content": "x"}, "done": False}, line))
    with pytest.raises(ModelError):
        await kit.deltas()


async def test_a_stream_cut_at_any_byte_is_said_to_be_cut_and_keeps_what_came(kit: Kit) -> None:
    whole = lines({"message": {"content": "Grüße "}}, {"message": {"content": "🌍"}}, {"done": True})
    for after in range(len(whole.body)):
        kit.double.then("/api/chat", whole.cut(after))
        came: list[str] = []
        with pytest.raises(AppError):
            async with aclosing(kit.ollama.stream(LLAMA, HELLO)) as deltas:
                async for delta in deltas:
                    came.append(delta.text)
        assert "Grüße 🌍".startswith("".join(came))
    assert await kit.text() == "Hello"


async def test_characters_split_between_pieces_arrive_whole(kit: Kit) -> None:
    body = lines({"message": {"content": "Grüße 🌍\u2028"}}, {"done": True}).body
    kit.double.then("/api/chat", Reply(200, tuple(body[i : i + 1] for i in range(len(body)))))
    assert await kit.text() == "Grüße 🌍\u2028"


async def test_leaving_early_closes_the_connection(kit: Kit) -> None:
    kit.double.then("/api/chat", Reply(200, lines({"message": {"content": "a"}}).pieces, hangs=True))
    async with aclosing(kit.ollama.stream(LLAMA, HELLO)) as deltas:
        assert (await anext(deltas)).text == "a"
    await kit.double.until(lambda: kit.double.left == 1)


async def test_cancelling_while_the_model_loads_closes_the_connection(kit: Kit) -> None:
    kit.double.then("/api/chat", Reply(wait_s=3600))
    task = asyncio.create_task(kit.deltas())  # noqa: TID251 - awaited below
    await kit.double.until(lambda: bool(kit.double.of("/api/chat")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await kit.double.until(lambda: kit.double.left == 1)
    assert kit.states == [(LLAMA, "loading")]


def test_a_cold_load_of_ninety_seconds_is_waited_for_and_said() -> None:
    async def body() -> list[tuple[str, str]]:
        async with talking() as kit:
            kit.double.then("/api/chat", replace(shaped("chat stream"), wait_s=90))
            async with aclosing(kit.ollama.stream(LLAMA, HELLO)) as deltas:
                texts = [delta.text async for delta in deltas]
            assert "".join(texts) == "Hello"
            return kit.states

    states, took_s = run_in_virtual_time(body)
    assert states == [(LLAMA, "loading"), (LLAMA, "ready")]
    assert took_s > 89


def test_a_server_that_says_nothing_for_ten_minutes_is_given_up() -> None:
    async def body() -> str:
        async with talking() as kit:
            kit.double.then("/api/chat", Reply(wait_s=86_400))
            with pytest.raises(ProviderUnavailableError) as caught:
                async with aclosing(kit.ollama.stream(LLAMA, HELLO)) as deltas:
                    await anext(deltas)
            return caught.value.detail

    detail, took_s = run_in_virtual_time(body)
    assert "ReadTimeout" in detail
    assert 599 < took_s < 700


async def test_unloading_returns_only_when_the_memory_is_free(kit: Kit) -> None:
    await kit.deltas()
    kit.double.unload_after = 2
    await kit.ollama.release()
    assert kit.double.loaded == {}
    assert len(kit.double.of("/api/ps")) >= 4
    assert kit.states[-1] == (LLAMA, "freed")
    assert await kit.text() == "Hello"  # a request after it loads again
    assert kit.states[-2:] == [(LLAMA, "loading"), (LLAMA, "ready")]


def test_a_model_that_will_not_leave_is_said() -> None:
    async def body() -> None:
        async with talking() as kit:
            await kit.deltas()
            kit.double.unload_after = 10**6
            with pytest.raises(ModelError):
                await kit.ollama.unload("llama3.2:latest")

    _, took_s = run_in_virtual_time(body)
    assert took_s >= 10


async def test_a_connection_that_the_server_has_closed_is_never_used_again(kit: Kit) -> None:
    kept = {"connection": "keep-alive"}  # it promises to keep it, and closes it all the same
    for _ in range(5):
        kit.double.then("/api/chat", replace(shaped("chat stream"), headers=kept))
        assert await kit.text() == "Hello"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, ProviderSignInError), (402, ProviderCreditError), (429, ProviderLimitError)],
)
async def test_what_its_own_service_refuses_is_said_for_what_it_is(status: int, error: type[AppError]) -> None:
    async with talking("gpt-oss:120b-cloud") as kit:
        kit.double.then("/api/chat", Reply(status, (b'{"error":"no","signin_url":"https://x"}',)))
        with pytest.raises(error) as caught:
            await kit.deltas(model="ollama/gpt-oss:120b-cloud")
        assert type(caught.value) is error and len(kit.double.of("/api/chat")) == 1
        assert kit.states[-1][1] != "failed", "the model here is none of its business"


async def test_models_that_the_server_passes_on_to_the_internet_are_not_local() -> None:
    async with talking("gpt-oss:120b-cloud", "kimi:cloud", is_local_only=True) as kit:
        kit.double.models.append(tag("hidden:1b", remote_host="https://ollama.com"))
        assert [info.is_local for info in await kit.ollama.list_models()] == [False] * 3
        with pytest.raises(LocalOnlyError):
            await kit.deltas(model="ollama/kimi:cloud")
        assert kit.double.of("/api/chat") == []


async def test_a_cloud_model_that_the_server_itself_forbids_is_said_to_be_away() -> None:
    async with talking("gpt-oss:120b-cloud") as kit:
        kit.double.then("/api/chat", shaped("cloud model, cloud disabled"))
        with pytest.raises(LocalOnlyError):
            await kit.deltas(model="ollama/gpt-oss:120b-cloud")


async def test_another_address_counts_at_once(kit: Kit) -> None:
    assert await kit.text() == "Hello"
    async with OllamaDouble("other:1b").serving() as url:
        kit.ollama.configure(address=url, keep_alive_s=300)
        assert [info.id for info in await kit.ollama.list_models()] == ["ollama/other:1b"]
        with pytest.raises(ModelMissingError):
            await kit.deltas()


async def test_loaded_models_are_holders_of_graphics_memory_that_can_be_freed_and_warmed(kit: Kit) -> None:
    source = OllamaVram(kit.ollama)
    assert list(await source.holders()) == []
    assert await source.warm(LLAMA)
    kit.double.load("llama3.2:latest", size=4_000, size_vram=3_000)
    (holder,) = await source.holders()
    assert (holder.id, holder.name, holder.used_bytes, holder.is_busy) == (LLAMA, "llama3.2:latest", 3_000, False)
    kit.double.then("/api/chat", Reply(200, lines({"message": {"content": "a"}}).pieces, hangs=True))
    async with aclosing(kit.ollama.stream(LLAMA, HELLO)) as deltas:
        await anext(deltas)
        (busy,) = await source.holders()
        assert busy.is_busy
    (holder,) = await source.holders()
    assert not holder.is_busy
    await holder.free()
    assert list(await source.holders()) == []
    assert not await source.warm("ollama/nope:1b")
    assert not await source.warm("built_in/tiny")


async def test_a_server_on_another_machine_fills_no_card_of_ours() -> None:
    source = OllamaVram(Ollama("http://studio.invalid:11434", NetworkGuard(lambda: False)))
    assert list(await source.holders()) == []
