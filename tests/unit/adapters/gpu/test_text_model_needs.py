"""What a text model will need of a card, as its program knows it; a model on the processor needs nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.gpu.holders import BuiltInVram
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.text_models import llama_server
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.adapters.text_models.llama_server import count_cards
from ai4artsed_desktop.adapters.text_models.ollama import Ollama
from ai4artsed_desktop.adapters.text_models.ollama_vram import OllamaVram
from ai4artsed_desktop.domain.gpu import VRAM_GB
from ai4artsed_desktop.domain.text_models import TextModelInfo
from tests.support.ollama_double import OllamaDouble

LLAMA = TextModelInfo("ollama/llama3.2:latest", "llama3.2:latest", "ollama", size_bytes=2 * VRAM_GB)
GGUF = TextModelInfo("built_in/tiny", "tiny", "built_in", size_bytes=VRAM_GB)

#: What stands in for a build of llama.cpp: a module of this name that knows so many cards.
_BUILD = """
class ggml_backend_dev_type:
    GGML_BACKEND_DEVICE_TYPE_CPU = 0
    GGML_BACKEND_DEVICE_TYPE_GPU = 1
    GGML_BACKEND_DEVICE_TYPE_IGPU = 2

def get_device_info():
    {body}
"""


def build(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    (folder / "xllamacpp.py").write_text(_BUILD.format(body=body), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


async def test_ollamas_models_need_their_weights_and_what_goes_with_them_until_they_are_loaded() -> None:
    double = OllamaDouble()
    async with double.serving() as url:
        ollama = Ollama(url, NetworkGuard(lambda: True))
        vram = OllamaVram(ollama)
        need = await vram.need_of(LLAMA)
        assert need is not None and (need.kind, need.process, need.basis) == ("llm", "ollama", "documented")
        assert need.needed_bytes == round(2.2 * VRAM_GB) + VRAM_GB // 2 and need.key == "model:ollama/llama3.2:latest"
        double.load("llama3.2:latest", size=4_000, size_vram=3_000)
        loaded = await vram.need_of(LLAMA)
        assert loaded is not None and loaded.needed_bytes == 0
        double.load("llama3.2:latest", size=4_000, size_vram=0)
        assert await vram.need_of(LLAMA) is None, "the server runs it on the processor"
        assert await vram.need_of(GGUF) is None, "another program's"
        await ollama.aclose()


async def test_an_ollama_that_is_away_is_planned_for_and_one_elsewhere_is_not() -> None:
    away = OllamaVram(Ollama("http://127.0.0.1:9", NetworkGuard(lambda: True)))
    need = await away.need_of(LLAMA)  # it is started when its model is asked, and will load it
    assert need is not None and need.needed_bytes
    elsewhere = OllamaVram(Ollama("http://192.0.2.7:11434", NetworkGuard(lambda: False)))
    assert await elsewhere.need_of(LLAMA) is None


async def test_a_model_of_unknown_size_has_an_unknown_need() -> None:
    vram = OllamaVram(Ollama("http://127.0.0.1:9", NetworkGuard(lambda: True)))
    need = await vram.need_of(TextModelInfo("ollama/x", "x", "ollama"))
    assert need is not None and need.needed_bytes is None and need.basis == "unknown"


@pytest.mark.parametrize(
    ("body", "cards"),
    [
        ("return [{'type': 0}]", 0),
        ("return [{'type': 0}, {'type': 1}, {'type': 2}]", 2),
        ("raise RuntimeError('no driver')", None),
        ("import os; os._exit(9)", None),
    ],
)
async def test_the_built_in_models_need_a_card_where_their_llama_cpp_can_use_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, cards: int | None
) -> None:
    build(tmp_path, monkeypatch, body)
    assert await count_cards(Guards()) == cards
    models = BuiltInModels(ModelsStore(tmp_path))
    need = await BuiltInVram(models).need_of(GGUF)
    assert (need is not None) == bool(cards)
    assert need is None or need.needed_bytes == round(1.1 * VRAM_GB) + VRAM_GB // 2
    assert await BuiltInVram(models).need_of(LLAMA) is None
    await models.aclose()


async def test_the_installed_llama_cpp_answers() -> None:
    assert await count_cards(Guards()) in range(100)


async def test_a_first_question_without_an_answer_is_asked_again_and_two_at_once_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[int | None] = [None, 1]
    asked: list[int | None] = []

    async def count(guards: Guards) -> int | None:
        await asyncio.sleep(0.01)
        asked.append(answers[len(asked)])
        return asked[-1]

    monkeypatch.setattr(llama_server, "count_cards", count)
    models = BuiltInModels(ModelsStore(tmp_path))
    assert not await models.can_use_cards()
    assert await asyncio.gather(models.can_use_cards(), models.can_use_cards()) == [True, True]
    assert asked == [None, 1]
    await models.aclose()
