"""What stands between a person and llama.cpp costs: first token and tokens per second, through us and bare.

Bare is llama.cpp's own streaming call in this very process; through us are the child process, HTTP, our reader and the
provider. Both take turns in the same minute on the same machine with the same request, threads and context.

Each generation is held against llama.cpp's own clock for that generation, not one call against the next: a shared
machine's speed changes from call to call by far more than the way through us could cost (500 to 860 ms for the same
first token, bare), and both clocks of one generation run at the same time, whatever else the machine does.
"""

# ruff: noqa: T201 - printed figures are the point here

from __future__ import annotations

import importlib
import statistics
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
    """One generation: seconds to its first and to its last token, and what llama.cpp itself says both took together.

    A generation of one token is what a person waits for the first one.
    """

    first_s: float
    whole_s: float
    own_s: float
    tokens: int

    @property
    def added_s(self) -> float:
        """What a person waited beyond llama.cpp's own time."""
        return self.whole_s - self.own_s

    @property
    def share(self) -> float:
        """How much of the time that a person waited is llama.cpp's own."""
        return self.own_s / self.whole_s


def figures(started_s: float, arrivals_s: list[float], own_ms: float) -> Figures:
    return Figures(arrivals_s[0] - started_s, arrivals_s[-1] - started_s, own_ms / 1000, len(arrivals_s))


def bare_call(path: Path) -> Callable[[int], Figures]:
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
        "temperature": REQUEST.temperature,
        "top_p": REQUEST.top_p,
        "seed": REQUEST.seed,
        "repeat_penalty": REQUEST.repeat_penalty,
        "cache_prompt": False,
        "stream": True,
    }

    def call(max_tokens: int) -> Figures:
        arrivals_s, timings = list[float](), dict[str, float]()

        def hear(chunk: dict[str, Any]) -> None:
            timings.update(chunk.get("timings") or {})
            if any(choice.get("text") for choice in chunk.get("choices", [])):
                arrivals_s.append(time.perf_counter())

        started_s = time.perf_counter()
        server.handle_completions(body | {"max_tokens": max_tokens}, hear)
        return figures(started_s, arrivals_s, timings["prompt_ms"] + timings["predicted_ms"])

    return call


async def through_us(models: BuiltInModels, max_tokens: int) -> Figures:
    arrivals_s: list[float] = []
    own_ms = None
    started_s = time.perf_counter()
    async with aclosing(models.stream("built_in/tiny", replace(REQUEST, max_tokens=max_tokens))) as deltas:
        async for delta in deltas:
            own_ms = delta.usage.generate_ms
            if delta.text:
                arrivals_s.append(time.perf_counter())
    assert own_ms is not None
    return figures(started_s, arrivals_s, own_ms)


async def in_turns(path: Path, folder: Path, max_tokens: int) -> tuple[list[Figures], list[Figures]]:
    """Return the rounds of the bare call and of ours, both warm."""
    (folder / "tiny.gguf").symlink_to(path)
    models = BuiltInModels(ModelsStore(folder), threads=THREADS)
    bare, ours = list[Figures](), list[Figures]()
    try:
        call = bare_call(path)
        call(max_tokens)
        await through_us(models, max_tokens)  # loads it
        for _ in range(ROUNDS):
            bare.append(call(max_tokens))
            ours.append(await through_us(models, max_tokens))
    finally:
        await models.aclose()
    return bare, ours


async def test_the_first_token_comes_through_us_as_soon_as_bare(smollm2_path: Path, tmp_path: Path) -> None:
    bare, ours = await in_turns(smollm2_path, tmp_path, max_tokens=1)
    for name, rounds in (("bare", bare), ("through us", ours)):
        first_ms, added_ms = (
            statistics.median(ms) * 1000 for ms in zip(*((f.first_s, f.added_s) for f in rounds), strict=True)
        )
        print(f"\nfirst token {name}: {first_ms:.0f} ms, of which {added_ms:.1f} ms are not llama.cpp's own")
    lost = statistics.median(f.share for f in bare) - statistics.median(f.share for f in ours)
    print(f"the way through us takes {lost * 100:.1f} % of the time to the first token")
    assert lost <= 0.05


async def test_as_many_tokens_per_second_come_through_us_as_bare(smollm2_path: Path, tmp_path: Path) -> None:
    bare, ours = await in_turns(smollm2_path, tmp_path, TOKENS)
    for name, rounds in (("bare", bare), ("through us", ours)):
        per_s = statistics.median((f.tokens - 1) / (f.whole_s - f.first_s) for f in rounds)
        share = statistics.median(f.share for f in rounds)
        print(f"\ntokens per second {name}: {per_s:.1f}; llama.cpp's own time is {share:.3f} of the wait")
    assert statistics.median(f.share for f in ours) / statistics.median(f.share for f in bare) >= 0.97
