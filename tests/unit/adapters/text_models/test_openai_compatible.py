"""Services and servers behind the OpenAI-compatible API, over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.paths import find_shipped
from ai4artsed_desktop.adapters.secrets import Secrets
from ai4artsed_desktop.adapters.text_models.openai_compatible import (
    RETRY_PAUSES_S,
    OpenAICompatible,
    provider_body,
)
from ai4artsed_desktop.adapters.text_models.provider_presets import ProviderPreset, read_provider_presets
from ai4artsed_desktop.domain.errors import (
    AppError,
    ContextEstimateError,
    ContextTooLongError,
    LocalOnlyError,
    ModelError,
    ModelMissingError,
    ModelStoppedError,
    NotRunnableError,
    ProviderCreditError,
    ProviderKeyError,
    ProviderLimitError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.domain.text_models import ChatMessage, ModelGrade, TextDelta, TextRequest
from tests.support.openai_double import OpenAIDouble, Reply, json_reply, recorded_stream, recording, said, sse
from tests.support.virtual_time import run_in_virtual_time

KEY = "sk-very-secret-0123456789"
HELLO = TextRequest(messages=(ChatMessage("system", "Be kind."), ChatMessage("user", "Hi")), seed=7)
PRESETS = {preset.id: preset for preset in read_provider_presets(find_shipped() / "resources" / "providers")}


class Kit:
    """A provider, its double and how it paused."""

    def __init__(self, double: OpenAIDouble, preset: ProviderPreset, home: Path, is_local_only: bool) -> None:
        self.double = double
        self.pauses: list[float] = []
        self.secrets = Secrets(home / "keys.json", {}, None)
        self.address = f"{double.url}/v1"
        self.provider = OpenAICompatible(
            preset, lambda: self.address, self.secrets, NetworkGuard(lambda: is_local_only), pause=self._pause
        )
        self.model = f"{preset.id}/good"

    async def deltas(self, request: TextRequest = HELLO, model: str = "") -> list[TextDelta]:
        async with asyncio.timeout(30), aclosing(self.provider.stream(model or self.model, request)) as deltas:
            return [delta async for delta in deltas]

    async def text(self, request: TextRequest = HELLO) -> str:
        return "".join(delta.text for delta in await self.deltas(request))

    def script(self, *replies: Reply) -> None:
        self.double.then("/v1/chat/completions", *replies)

    def asked(self) -> dict[str, Any]:
        return self.double.of("/v1/chat/completions")[-1].json

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@asynccontextmanager
async def talking(
    home: Path, preset: str = "openrouter", *, key: str = "", is_local_only: bool = False, **options: Any
) -> AsyncGenerator[Kit, None]:
    double = OpenAIDouble(key, **options)
    async with double.serving():
        kit = Kit(double, PRESETS[preset], home, is_local_only)
        if key:
            await kit.secrets.put(preset, key)
        try:
            yield kit
        finally:
            await kit.provider.aclose()


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncGenerator[Kit, None]:
    async with talking(tmp_path, key=KEY) as kit:
        yield kit


async def test_a_recorded_stream_gives_text_end_and_usage(kit: Kit) -> None:
    deltas = await kit.deltas()
    events = [line.removeprefix("data: ") for _, line in recording("stream with usage")["sse"] if "content" in line]
    expected = "".join(json.loads(event)["choices"][0]["delta"].get("content") or "" for event in events)
    assert "".join(delta.text for delta in deltas) == expected != ""
    assert deltas[-1].finish_reason == "length"
    assert (deltas[-1].usage.completion_tokens, kit.asked()["stream_options"]) == (6, {"include_usage": True})


async def test_the_key_goes_into_the_header_and_nowhere_else(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await kit.provider.list_models()
    await kit.deltas()
    kit.script(json_reply({"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid"}}, 401))
    with pytest.raises(ProviderKeyError) as refused:
        await kit.deltas()
    kit.script(json_reply({"error": {"message": f"Your key {KEY} is odd"}}, 400))
    with pytest.raises(ModelError) as odd:
        await kit.deltas()
    for request in kit.double.heard:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert KEY.encode() not in request.body + request.path.encode()
    for error in (refused.value, odd.value):
        assert KEY not in repr(error) + str(error.info())
    assert KEY not in caplog.text


async def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(kit: Kit) -> None:
    await kit.secrets.put("openrouter", "sk-line\nbreak-ü")
    with pytest.raises(ProviderKeyError) as caught:
        await kit.deltas()
    assert "line" not in str(caught.value)
    assert kit.double.heard == []


async def test_without_a_key_nothing_is_sent_and_the_list_says_why(tmp_path: Path) -> None:
    async with talking(tmp_path) as kit:
        assert await kit.provider.list_models() == []
        assert kit.provider.problem is not None
        assert (kit.provider.problem.key, kit.provider.problem.params) == (
            "reason.provider_key",
            {"provider": "OpenRouter"},
        )
        with pytest.raises(ProviderKeyError):
            await kit.deltas()
        assert kit.double.heard == []


async def test_a_key_of_the_environment_only_goes_to_the_service_itself(tmp_path: Path) -> None:
    environment: Mapping[str, str] = {"OPENROUTER_API_KEY": KEY}
    double = OpenAIDouble()
    async with double.serving() as url:
        secrets = Secrets(tmp_path / "keys.json", environment)
        provider = OpenAICompatible(PRESETS["openrouter"], lambda: f"{url}/v1", secrets, NetworkGuard(lambda: False))
        with pytest.raises(ProviderKeyError):
            async with aclosing(provider.stream("openrouter/good", HELLO)) as deltas:
                await anext(deltas)
        await provider.aclose()
    assert double.heard == []


async def test_a_service_that_is_switched_off_lists_nothing_and_sends_nothing(kit: Kit) -> None:
    kit.address = ""
    assert await kit.provider.list_models() == []
    assert kit.provider.problem is None
    with pytest.raises(ModelMissingError):
        await kit.deltas()
    assert kit.double.heard == []


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": {"message": "no", "code": 401}}, ProviderKeyError),
        (402, {"error": {"message": "Insufficient credits", "code": 402}}, ProviderCreditError),
        (403, {"error": {"message": "flagged", "code": 403}}, ProviderRefusedError),
        (404, {"error": {"message": "no such model", "code": 404}}, ModelMissingError),
        (400, {"error": {"message": "bad", "type": "invalid_request_error"}}, ModelError),
        (
            400,
            {"error": {"message": "x", "metadata": {"error_type": "content_policy_violation"}}},
            ProviderRefusedError,
        ),
        (400, {"error": {"message": "x", "code": "moderation_blocked"}}, ProviderRefusedError),
        (429, {"error": {"message": "x", "code": "insufficient_quota"}}, ProviderCreditError),
        (500, {"error": {"message": "boom"}}, ModelError),
        (200, {"error": {"message": "no", "code": 402}}, ProviderCreditError),
        (418, "teapot", ModelError),
    ],
)
async def test_a_final_refusal_is_told_once_and_not_repeated(
    kit: Kit, status: int, body: object, error: type[AppError]
) -> None:
    kit.script(json_reply(body, status) if status != 200 else sse(body, done=False))
    with pytest.raises(error) as caught:
        await kit.deltas()
    assert type(caught.value) is error
    assert kit.pauses == []
    assert len(kit.double.of("/v1/chat/completions")) == 1


async def test_too_many_requests_are_waited_for_as_long_as_the_service_asks(kit: Kit) -> None:
    kit.script(json_reply({"error": {"message": "slow down"}}, 429, retry_after="7"), json_reply({}, 529))
    assert await kit.text()
    assert kit.pauses == [7.0, RETRY_PAUSES_S[1]]


async def test_a_wait_that_nobody_waits_for_is_told_in_seconds(kit: Kit) -> None:
    kit.script(json_reply({"error": {"message": "slow down"}}, 429, retry_after="3600"))
    with pytest.raises(ProviderLimitError) as caught:
        await kit.deltas()
    assert caught.value.params == {"provider": "OpenRouter", "wait_s": "3600"}
    assert kit.pauses == []


@pytest.mark.parametrize(
    ("status", "error"), [(429, ProviderLimitError), (503, ProviderUnavailableError), (524, ProviderUnavailableError)]
)
async def test_tries_are_bounded(kit: Kit, status: int, error: type[AppError]) -> None:
    kit.script(*[json_reply({"error": {"message": "later"}}, status)] * 20)
    with pytest.raises(error):
        await kit.deltas()
    assert len(kit.double.of("/v1/chat/completions")) == 1 + len(RETRY_PAUSES_S)


async def test_an_error_in_the_middle_of_an_answer_keeps_its_beginning_and_is_not_repeated(kit: Kit) -> None:
    for event in (
        {"error": {"message": "overloaded", "code": 503}, "choices": [{"delta": {"content": ""}}]},
        said("", "error"),
    ):
        kit.script(sse(": OPENROUTER PROCESSING\n\n", said("Once"), event, said("upon")))
        came: list[str] = []
        with pytest.raises(AppError):
            async with aclosing(kit.provider.stream(kit.model, HELLO)) as deltas:
                async for delta in deltas:
                    came.append(delta.text)
        assert came == ["Once"]
    assert kit.pauses == []


async def test_comments_and_characters_split_between_pieces_do_no_harm(kit: Kit) -> None:
    stream = sse(": OPENROUTER PROCESSING\n\n", ":\n\n", said("Grüße 🌍\u2028"), "event: x\n", said(None, "stop"))
    kit.script(Reply(200, tuple(stream.body[i : i + 1] for i in range(len(stream.body)))))
    assert await kit.text() == "Grüße 🌍\u2028"


async def test_a_stream_cut_at_any_byte_is_said_to_be_cut(kit: Kit) -> None:
    whole = sse(said("Grüße "), said("🌍"), said(None, "stop"), done=False)
    end = whole.body.index(b'"stop"')
    for after in range(end):
        kit.script(whole.cut(after))
        came: list[str] = []
        with pytest.raises(AppError):
            async with aclosing(kit.provider.stream(kit.model, HELLO)) as deltas:
                async for delta in deltas:
                    came.append(delta.text)
        assert "Grüße 🌍".startswith("".join(came))


async def test_a_stream_that_just_ends_is_incomplete(kit: Kit) -> None:
    kit.script(sse(said("half")))
    with pytest.raises(ModelStoppedError):
        await kit.deltas()


async def test_leaving_early_closes_the_connection(kit: Kit) -> None:
    kit.script(Reply(200, sse(said("a"), done=False).pieces, hangs=True))
    async with aclosing(kit.provider.stream(kit.model, HELLO)) as deltas:
        assert (await anext(deltas)).text == "a"
    await kit.double.until(lambda: kit.double.left == 1)


def test_a_cold_load_of_ninety_seconds_is_waited_for(tmp_path: Path) -> None:
    async def body() -> str:
        async with talking(tmp_path, "vllm") as kit:
            kit.script(replace(sse(said("Hello"), said(None, "stop")), wait_s=90))
            async with aclosing(kit.provider.stream(kit.model, HELLO)) as deltas:
                return "".join([delta.text async for delta in deltas])

    text, took_s = run_in_virtual_time(body)
    assert text == "Hello" and took_s > 89


async def test_a_connection_that_the_service_has_closed_is_never_used_again(kit: Kit) -> None:
    kept = {"connection": "keep-alive"}  # it promises to keep it, and closes it all the same
    for _ in range(5):
        kit.script(replace(sse(said("Hello"), said(None, "stop")), headers=kept))
        assert await kit.text() == "Hello"


@pytest.mark.parametrize("line", ["{nonsense", "[]", '"x"', "7", "{} {}", "\x00"])
async def test_an_event_that_is_no_object_is_an_error_and_keeps_what_came(kit: Kit, line: str) -> None:
    kit.script(sse(said("Once"), f"data: {line}\n\n", said(None, "stop")))
    came: list[str] = []
    with pytest.raises(ModelError):
        async with aclosing(kit.provider.stream(kit.model, HELLO)) as deltas:
            async for delta in deltas:
                came.append(delta.text)
    assert came == ["Once"]


def test_silence_is_given_up_after_ten_minutes(tmp_path: Path) -> None:
    async def body() -> None:
        async with talking(tmp_path, "vllm") as kit:
            kit.script(Reply(wait_s=86_400))
            with pytest.raises(ProviderUnavailableError):
                async with aclosing(kit.provider.stream(kit.model, HELLO)) as deltas:
                    await anext(deltas)

    _, took_s = run_in_virtual_time(body)
    assert 590 < took_s < 700


async def test_thinking_is_kept_apart_however_it_is_named(kit: Kit) -> None:
    parts: list[object] = [{"type": "text", "text": "yes"}]
    stream = sse(said(reasoning="why"), said(reasoning_content="how"), said(parts), said(None, "stop"))  # type: ignore[arg-type]
    kit.script(stream)
    deltas = await kit.deltas()
    assert ("".join(d.thinking for d in deltas), "".join(d.text for d in deltas)) == ("whyhow", "yes")


async def test_what_a_service_charges_is_reported(kit: Kit) -> None:
    kit.script(sse(said("x"), said(None, "stop"), {"choices": [], "usage": {"prompt_tokens": 3, "cost": 0.00042}}))
    (*_, last) = await kit.deltas()
    assert (last.usage.cost_usd, last.usage.prompt_tokens) == (0.00042, 3)


async def test_a_server_that_measured_the_text_tells_its_numbers(tmp_path: Path) -> None:
    async with talking(tmp_path, "llama_server") as kit:
        recorded = recording("too long prompt")
        kit.script(json_reply(recorded["body"], recorded["status"]))
        with pytest.raises(ContextTooLongError) as caught:
            await kit.deltas()
        assert type(caught.value) is ContextTooLongError
        assert int(caught.value.params["tokens"]) > int(caught.value.params["limit"])


async def test_a_long_text_is_measured_against_the_listed_context_before_it_is_sent(tmp_path: Path) -> None:
    models = ({"id": "good", "max_model_len": 4096},)
    async with talking(tmp_path, "vllm", models=models) as kit:
        await kit.provider.list_models()
        with pytest.raises(ContextEstimateError) as caught:
            await kit.deltas(replace(HELLO, messages=(ChatMessage("user", "word " * 4000),)))
        assert caught.value.params["limit"] == "4096"
        assert kit.double.of("/v1/chat/completions") == []


async def test_a_list_that_tells_no_context_has_the_smallest_of_the_service(tmp_path: Path) -> None:
    async with talking(tmp_path, "openai", key=KEY, models=({"id": "gpt-x"},)) as kit:
        (info,) = await kit.provider.list_models()
        assert info.context_tokens == PRESETS["openai"].context_tokens
        with pytest.raises(ContextEstimateError):
            await kit.deltas(replace(HELLO, messages=(ChatMessage("user", "слово " * 60_000),)), info.id)
        assert kit.double.of("/v1/chat/completions") == []


async def test_a_service_that_measured_the_text_says_that_it_is_too_long(kit: Kit) -> None:
    kit.script(json_reply({"error": {"message": "too many tokens", "code": "context_length_exceeded"}}, 400))
    with pytest.raises(ContextTooLongError) as caught:
        await kit.deltas()
    assert caught.value.params["model"] == "good" and kit.pauses == []


async def test_lists_of_every_service_are_read(tmp_path: Path) -> None:
    models: tuple[dict[str, Any], ...] = (
        {"id": "openai/gpt-x", "name": "GPT X", "context_length": 128_000, "architecture": {
            "input_modalities": ["text", "image"], "output_modalities": ["text"]}},
        {"id": "google/painter", "architecture": {"output_modalities": ["image"]}},
        {"id": "mistral-embed", "capabilities": {"completion_chat": False}},
        {"id": "pixtral", "capabilities": {"completion_chat": True, "vision": True}, "max_context_length": 32_768},
        {"id": "text-embedding-nomic", "type": "embeddings"},
        {"id": "eye", "type": "vlm", "state": "loaded"},
        recording("models")["body"]["data"][0],
        {"id": 7}, {"name": "no id"}, {"id": ""},
    )  # fmt: skip
    async with talking(tmp_path, "lm_studio", models=models) as kit:
        infos = {info.name: info for info in await kit.provider.list_models()}
    assert sorted(infos) == ["GPT X", "eye", "pixtral", "smollm2-135m"]
    assert (infos["GPT X"].id, infos["GPT X"].context_tokens, infos["GPT X"].can_see) == (
        "lm_studio/openai/gpt-x",
        128_000,
        True,
    )
    assert (infos["pixtral"].context_tokens, infos["pixtral"].can_see, infos["eye"].is_loaded) == (32_768, True, True)
    tiny = infos["smollm2-135m"]
    assert (tiny.grade, tiny.context_tokens, tiny.parameters) == (ModelGrade.TINY, 2048, 134_515_008)
    assert all(info.is_local for info in infos.values())


@pytest.mark.parametrize("body", ["[]", "7", '{"data": 7}', '{"data": [7, null, [[]]]}', '{"nothing": 1}'])
async def test_a_list_of_another_shape_is_an_empty_list(kit: Kit, body: str) -> None:
    kit.double.then("/v1/models", Reply(200, (body.encode(),)))
    assert await kit.provider.list_models() == []


async def test_a_fresh_list_is_not_asked_for_again(kit: Kit) -> None:
    for _ in range(3):
        assert [info.id for info in await kit.provider.list_models()] == ["openrouter/good"]
    assert len(kit.double.of("/v1/models")) == 1
    await kit.secrets.put("openrouter", "another-key")
    assert await kit.provider.list_models() == []  # another key, another list: refused here


async def test_local_only_lets_a_server_on_this_machine_work(tmp_path: Path) -> None:
    async with talking(tmp_path, "vllm", is_local_only=True) as kit:
        assert await kit.provider.list_models()
        assert await kit.text()


async def test_local_only_stops_every_request_to_a_service(tmp_path: Path) -> None:
    async with talking(tmp_path, key=KEY, is_local_only=True) as kit:
        kit.address = "https://openrouter.ai/api/v1"
        assert await kit.provider.list_models() == []
        assert kit.provider.problem is not None
        assert kit.provider.problem.key == "reason.local_only"
        with pytest.raises(LocalOnlyError) as caught:
            await kit.deltas()
        assert caught.value.params == {"host": "openrouter.ai"}


async def test_raw_text_is_only_given_to_services_that_complete_it(kit: Kit, tmp_path: Path) -> None:
    raw = TextRequest(prompt="Idea:")
    with pytest.raises(NotRunnableError):
        await kit.deltas(raw)
    assert kit.double.heard == []
    async with talking(tmp_path / "b", "llama_server") as other:
        other.double.then("/v1/completions", recorded_stream("stream"))
        await other.deltas(raw)
        assert other.double.of("/v1/completions")[0].json["prompt"] == "Idea:"


def test_each_service_gets_what_it_knows_under_its_own_names() -> None:
    request = replace(HELLO, min_p=0.1, repeat_penalty=1.1, dry_multiplier=0.8, stop=("\n",))
    bodies = {name: provider_body(request, "m", preset) for name, preset in PRESETS.items()}
    assert "max_tokens" not in bodies["openai"]
    assert bodies["openai"]["max_completion_tokens"] == 512
    assert (bodies["mistral"]["random_seed"], "seed" in bodies["mistral"]) == (7, False)
    assert (bodies["vllm"]["repetition_penalty"], bodies["vllm"]["min_p"]) == (1.1, 0.1)
    assert bodies["openrouter"]["provider"] == {"data_collection": "deny"}
    assert bodies["llama_server"]["dry_multiplier"] == 0.8
    assert all("dry_multiplier" not in body for name, body in bodies.items() if name != "llama_server")
    assert all(body["messages"] and body["stream"] is True for body in bodies.values())


async def test_pictures_go_as_data_urls_of_their_kind(kit: Kit) -> None:
    images = (b"\x89PNG\r\n", b"RIFF1234WEBP", b"\xff\xd8\xff")
    await kit.deltas(TextRequest(messages=(ChatMessage("user", "What?", images),)))
    (message,) = kit.asked()["messages"]
    kinds = [part["image_url"]["url"].partition(";")[0] for part in message["content"][1:]]
    assert kinds == ["data:image/png", "data:image/webp", "data:image/jpeg"]


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_service_says_where_data_go_in_both_languages(preset: ProviderPreset) -> None:
    assert {"de", "en"} <= preset.data_protection.keys()
    assert all(len(words) > 60 for words in preset.data_protection.values())
    assert preset.is_local or ("DSGVO" in preset.data_protection["de"] and "GDPR" in preset.data_protection["en"])
    assert preset.is_local or (preset.needs_key and preset.key_url.startswith("https://") and preset.key_variable)
    assert not preset.has_text_models or re.fullmatch(r"https?://\S+/v1", preset.address)
    assert preset.is_local or preset.address.startswith("https://")


def test_models_that_always_reason_get_room_for_it_and_no_sampling() -> None:
    body = provider_body(replace(HELLO, stop=("x",)), "gpt-5-mini", PRESETS["openai"])
    assert not {"temperature", "top_p", "stop", "seed"} & body.keys()
    assert body["max_completion_tokens"] > 4_096
    assert provider_body(HELLO, "gpt-4o", PRESETS["openai"])["temperature"] == 0.7


def test_reasoning_is_off_where_it_can_be_unless_it_was_asked_for() -> None:
    for name in ("llama_server", "vllm"):
        assert provider_body(HELLO, "m", PRESETS[name])["chat_template_kwargs"] == {"enable_thinking": False}
        assert "chat_template_kwargs" not in provider_body(replace(HELLO, think=True), "m", PRESETS[name])


async def test_a_service_that_fails_is_not_asked_again_at_once_but_a_server_here_is(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = json_reply({"error": {"message": "boom"}}, 500)
    kit.double.then("/v1/models", *[broken] * 3)
    for _ in range(3):  # it may just have been started
        assert await kit.provider.list_models() == []
    assert len(kit.double.of("/v1/models")) == 3
    monkeypatch.setenv("http_proxy", kit.double.url)  # what is away is reached through the system's proxy
    monkeypatch.setenv("no_proxy", "")
    kit.address = "http://service.invalid/v1"
    await kit.provider.aclose()
    kit.double.then("http://service.invalid/v1/models", *[broken] * 3)
    for _ in range(3):
        assert await kit.provider.list_models() == []
        assert kit.provider.problem is not None
    assert len(kit.double.of("http://service.invalid/v1/models")) == 1
