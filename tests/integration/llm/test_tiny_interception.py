"""The tiny model with the format and the filters it is honest with."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.domain.configs import ExamplePair
from ai4artsed_desktop.domain.text_models import TextRequest
from ai4artsed_desktop.engine import tiny_model

pytestmark = pytest.mark.llm

PAIRS = (
    ExamplePair(
        idea="A cat sleeps on a chair.", text="I am the chair. All day I carry a warm engine that dreams of fish."
    ),
    ExamplePair(idea="A man buys bread.", text="I am the coin. I leave his pocket, and nobody says goodbye to me."),
    ExamplePair(
        idea="It rains on the school.", text="I am the gutter. Today I sing, and the whole class looks at the sky."
    ),
)
IDEAS = ("A red apple on a table", "My grandmother drinks tea in the garden")


async def proposals(models: BuiltInModels, model_id: str, idea: str) -> list[str]:
    found: list[str] = []
    for round_number in range(tiny_model.MAX_ROUNDS):
        for request in tiny_model.tiny_requests("Unnoticed thing", PAIRS, idea, 7, round_number):
            text = tiny_model.trim_to_sentence(await answer(models, model_id, request))
            if tiny_model.unusable_reason(text, idea, PAIRS) is None:
                found.append(text)
        if found:
            break
    return tiny_model.rank(found, idea)


async def answer(models: BuiltInModels, model_id: str, request: TextRequest) -> str:
    async with aclosing(models.stream(model_id, request)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def test_each_idea_gets_usable_proposals_and_the_same_ones_again(smollm2_path: Path) -> None:
    models = BuiltInModels(ModelsStore(smollm2_path.parent), threads=1)
    model_id = f"built_in/{smollm2_path.stem}"
    first = [await proposals(models, model_id, idea) for idea in IDEAS]
    assert all(first)
    await models.release()
    assert await proposals(models, model_id, IDEAS[0]) == first[0]
    await models.aclose()


def test_the_model_answers_on_the_window_s_loop(
    smollm2_path: Path, run_in_window_loop: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]
) -> None:
    async def body() -> str:
        models = BuiltInModels(ModelsStore(smollm2_path.parent), threads=1)
        try:
            request = TextRequest(prompt="Once upon a time", max_tokens=8)
            return await answer(models, f"built_in/{smollm2_path.stem}", request)
        finally:
            await models.aclose()

    assert run_in_window_loop(body).strip()
