"""What stands between a person and llama.cpp costs: first token and tokens per second, through us and bare.

Bare is llama.cpp's own streaming call in this very process; through us are the child process, HTTP, our reader and the
provider. Both take turns in the same minute on the same machine with the same request, threads and context, and each
figure is the best of its rounds: what other work on the machine costs is no cost of ours.
"""

# ruff: noqa: T201 - printed figures are the point here

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.domain.text_models import TextRequest

pytestmark = [pytest.mark.benchmark, pytest.mark.llm]

ROUNDS = 7
TOKENS = 96
THREADS = 1
PROMPT = "The history of the garden in which the two old friends met every year begins with a letter. " * 3
REQUEST = TextRequest(prompt=PROMPT, max_tokens=TOKENS, temperature=0.7, seed=5, repeat_penalty=1.1)


@dataclass(frozen=True)
class Figures:
    """One generation: seconds to the first token, and tokens per second after it."""

    first_s: float
    per_s: float


def figures(started_s: float, arrivals_s: list[float]) -> Figures:
    return Figures(arrivals_s[0] - started_s, (len(arrivals_s) - 1) / (arrivals_s[-1] - arrivals_s[0]))


def bare_call(path: Path) -> Callable[[], Figures]:
    """Return a function that makes one call of llama.cpp in this process, set up as our child sets it up."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.cache_ram_mib, params.verbosity = 2048, 1, 0, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.hostnames, params.port, params.ui = ["127.0.0.1"], 0, False
    server = xllamacpp.Server(params)
    body = {
        "prompt": PROMPT,
        "max_tokens": TOKENS,
        "temperature": REQUEST.temperature,
        "top_p": REQUEST.top_p,
        "seed": REQUEST.seed,
        "repeat_penalty": REQUEST.repeat_penalty,
        "cache_prompt": False,
        "stream": True,
    }

    def call() -> Figures:
        arrivals_s: list[float] = []

        def hear(chunk: dict[str, Any]) -> None:
            if any(choice.get("text") for choice in chunk.get("choices", [])):
                arrivals_s.append(time.perf_counter())

        started_s = time.perf_counter()
        server.handle_completions(body, hear)
        return figures(started_s, arrivals_s)

    return call


async def through_us(models: BuiltInModels) -> Figures:
    arrivals_s: list[float] = []
    started_s = time.perf_counter()
    async with aclosing(models.stream("built_in/tiny", REQUEST)) as deltas:
        async for delta in deltas:
            if delta.text:
                arrivals_s.append(time.perf_counter())
    return figures(started_s, arrivals_s)


async def test_first_token_and_speed_through_us_against_the_bare_call(smollm2_path: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").symlink_to(smollm2_path)
    models = BuiltInModels(ModelsStore(tmp_path), threads=THREADS)
    bare, ours = list[Figures](), list[Figures]()
    try:
        call = bare_call(smollm2_path)
        call()
        await through_us(models)  # loads it
        for _ in range(ROUNDS):
            bare.append(call())
            ours.append(await through_us(models))
    finally:
        await models.aclose()
    first_bare, first_ours = min(f.first_s for f in bare), min(f.first_s for f in ours)
    speed_bare, speed_ours = max(f.per_s for f in bare), max(f.per_s for f in ours)
    print(f"\nfirst token: bare {first_bare * 1000:.0f} ms, through us {first_ours * 1000:.0f} ms")
    print(f"tokens per second: bare {speed_bare:.1f}, through us {speed_ours:.1f} ({speed_ours / speed_bare:.3f})")
    assert speed_ours / speed_bare >= 0.97
    assert first_ours - first_bare < 0.05


async def test_of_what_llama_cpp_itself_measured_hardly_anything_is_lost(smollm2_path: Path, tmp_path: Path) -> None:
    """The same question asked of one generation: both clocks run at the same time, whatever else the machine does."""
    (tmp_path / "tiny.gguf").symlink_to(smollm2_path)
    models = BuiltInModels(ModelsStore(tmp_path), threads=THREADS)
    shares: list[float] = []
    try:
        await through_us(models)  # loads it
        for _ in range(ROUNDS):
            started_s = time.perf_counter()
            async with aclosing(models.stream("built_in/tiny", replace(REQUEST, max_tokens=TOKENS // 2))) as deltas:
                *_, last = [delta async for delta in deltas]
            took_ms = (time.perf_counter() - started_s) * 1000
            assert last.usage.generate_ms is not None
            shares.append(last.usage.generate_ms / took_ms)
    finally:
        await models.aclose()
    print(f"\nllama.cpp's own time is {max(shares):.3f} of what a person waits (best of {ROUNDS}, prompt included)")
    assert max(shares) >= 0.97
