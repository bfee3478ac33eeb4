"""What we add to ComfyUI's own time, held against a bare script on the same server in the same run.

``AI4ARTSED_BENCH_COMFYUI=http://127.0.0.1:8188`` names a real server; without it the double serves, in a process of its
own. A machine that does much else at the same time tells little.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from PySide6.QtWidgets import QApplication

from ai4artsed_desktop.adapters.assembly import Assembly, assemble
from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient, JobResult
from ai4artsed_desktop.adapters.backends.comfyui_outputs import OutputFile
from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.app.session import Session
from ai4artsed_desktop.domain.events import Event, MediumSaved, RunProgressed
from ai4artsed_desktop.domain.runs import OutputRequest, RunRequest
from tests.conftest import RunInWindowLoop
from tests.support.comfyui_bare import many, one
from tests.support.comfyui_client_kit import sampling, saving
from tests.support.comfyui_serve import served
from tests.support.fake_children import until

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

OVERHEAD_LIMIT_MS = 10.0
#: What the bare script took, by size in px, on the idle machine that the limit was set for.
FLOOR_MS = {64: 9.5, 1024: 40.0}
THROUGHPUT_LIMIT = 0.95
LATENESS_LIMIT_S = 0.016
#: Times a bare script. The aim is 2.0; the official ``comfy run --wait`` took 2.36 to 2.40, in turns on one machine.
PROCESS_LIMIT = 2.35
REAL_SERVER = "AI4ARTSED_BENCH_COMFYUI"
#: So that no two runs of the benchmarks meet in a server's cache.
_colours = itertools.count(int(time.time()) % 1_000_000 + 1)


def say(words: str) -> None:
    sys.stdout.write(f"\n{words}\n")


@pytest.fixture
async def server() -> AsyncGenerator[str]:
    """Give the address of the server that is measured."""
    if named := os.environ.get(REAL_SERVER):
        yield named
        return
    async with served() as address:
        yield address


def picture(size_px: int, prefix: str) -> dict[str, Any]:
    """Return a graph that makes a picture nobody made before."""
    graph = saving(next(_colours), prefix)
    graph["1"]["inputs"] |= {"width": size_px, "height": size_px}
    return graph


def catalogue(home: Path, address: str, graph: dict[str, Any] | None = None) -> None:
    """Write an output of the person's own (``bench``), and settings that name the server."""
    values = {
        "size": [
            {"node_id": "1", "field": f"inputs.{side}", "default": 64, "type": "int"} for side in ("width", "height")
        ],
        "colour": {"node_id": "1", "field": "inputs.color", "default": 0, "type": "int", "min": 0, "max": 16_777_215},
        "filename_prefix": {"node_id": "2", "field": "inputs.filename_prefix", "source": "bench"},
    }
    chunk = {"name": "output_bench", "type": "output_chunk", "backend_type": "comfyui", "media_type": "image"}
    files = {
        "chunks/output_bench.json": {
            **chunk,
            "workflow": graph or saving(),
            "input_mappings": {} if graph else values,
        },
        "configs/output/bench.json": {
            "name": {"en": "Bench", "de": "Bench"},
            "description": {"en": "Bench", "de": "Bench"},
            "pipeline": "single_text_media_generation",
            "parameters": {"OUTPUT_CHUNK": "output_bench"},
            "media_preferences": {"default_output": "image"},
        },
    }
    paths = find_paths({HOME_VARIABLE: str(home)})
    for name, content in files.items():
        path = paths.user_catalog / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    paths.settings_file.parent.mkdir(parents=True, exist_ok=True)
    paths.settings_file.write_text(json.dumps({"comfyui_address": address}), encoding="utf-8")


def request(size_px: int = 64) -> RunRequest:
    """Return the run of one picture, its text untouched."""
    values = {"size": size_px, "colour": next(_colours)}
    return RunRequest("A red apple", "as_is", (OutputRequest("bench", values),), seed=7)


def flush_disk() -> None:
    """Write out what earlier work left to be written: whoever syncs first would pay for all of it."""
    if hasattr(os, "sync"):
        os.sync()


async def medians(count: int, *works: Callable[[], Awaitable[float | None]]) -> list[float]:
    """Return the median time of each work in ms, made by turns so that all meet the same machine.

    A work that knows its own time (s) returns it; what it does afterwards does not count.
    """
    times: list[list[float]] = [[] for _ in works]
    for work in works:
        await work()
    for _ in range(count):
        for took, work in zip(times, works, strict=True):
            await asyncio.to_thread(flush_disk)
            started = time.perf_counter()
            own_s = await work()
            took.append((time.perf_counter() - started if own_s is None else own_s) * 1000)
    return [statistics.median(took) for took in times]


async def ours(client: ComfyUiClient, graph: dict[str, Any]) -> bytes:
    """Run a graph with the client; return the picture."""
    result: JobResult | None = None
    async with aclosing(client.run(graph)) as updates:
        async for update in updates:
            result = update if isinstance(update, JobResult) else result
    assert result is not None
    (file,) = result.outputs
    assert isinstance(file, OutputFile)
    return (await client.fetch(file))[0]


@pytest.mark.parametrize("size_px", [64, 1024])
async def test_submit_to_bytes_on_disk(server: str, app_home: Path, tmp_path: Path, size_px: int) -> None:
    catalogue(app_home, server)
    assembly = assemble(find_paths({HOME_VARIABLE: str(app_home)}))
    await assembly.engine.start()
    client = ComfyUiClient(server)
    async with httpx.AsyncClient(base_url=server, trust_env=False) as http:

        async def bare() -> None:
            await one(http, server, picture(size_px, "bare"), tmp_path)

        async def with_client() -> None:
            (tmp_path / "ours").write_bytes(await ours(client, picture(size_px, "ours")))

        bare_ms, client_ms, run_ms = await medians(30, bare, with_client, lambda: saved(assembly, request(size_px)))
    await client.aclose()
    await assembly.aclose()
    say(
        f"{size_px} px, submit to bytes on disk: bare {bare_ms:.1f} ms, client {client_ms - bare_ms:+.1f} ms, "
        f"whole run, recorded and hashed {run_ms - bare_ms:+.1f} ms"
    )
    assert client_ms - bare_ms <= OVERHEAD_LIMIT_MS
    # A whole run writes records through to the disk, too. A real server works meanwhile; the double is done by then. A
    # machine on which the script itself takes twice as long takes twice as long for this.
    allowed_ms = OVERHEAD_LIMIT_MS * max(1.0, bare_ms / FLOOR_MS[size_px])
    assert run_ms - bare_ms <= allowed_ms or REAL_SERVER not in os.environ


async def saved(assembly: Assembly, wanted: RunRequest) -> float:
    """Submit a run, return the time until its medium is on disk (s), and wait for its end."""
    saved_at: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def hear(event: Event) -> None:
        if isinstance(event, MediumSaved):
            saved_at.set_result(time.perf_counter())

    end = assembly.engine.bus.subscribe(hear)
    started = time.perf_counter()
    run_id = assembly.engine.runs.submit(wanted)
    took_s = await saved_at - started
    end()
    await assembly.engine.runs.wait(run_id)
    return took_s


async def test_a_hundred_queued_jobs(server: str, tmp_path: Path) -> None:
    client = ComfyUiClient(server)
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    async with httpx.AsyncClient(base_url=server, trust_env=False) as http:
        for _ in range(5):
            graphs = [picture(64, "many") for _ in range(100)]
            started = time.perf_counter()
            await many(http, server, graphs, tmp_path)
            rates["bare"].append(100 / (time.perf_counter() - started))
            graphs = [picture(64, "queued") for _ in range(100)]
            started = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                jobs = [group.create_task(ours(client, graph)) for graph in graphs]
            for number, job in enumerate(jobs):
                (tmp_path / f"ours{number}").write_bytes(job.result())
            rates["ours"].append(100 / (time.perf_counter() - started))
    await client.aclose()
    bare, own = (max(rates[name]) for name in ("bare", "ours"))
    say(f"100 queued jobs: bare {bare:.0f} per second, ours {own:.0f} per second, {own / bare:.2f} of it")
    assert own >= THROUGHPUT_LIMIT * bare


def test_the_window_is_in_time_with_125_previews_a_second(
    run_in_window_loop: RunInWindowLoop[None], app_home: Path
) -> None:
    async def body() -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setQuitOnLastWindowClosed(False)
        async with served(step_s=0.008) as address:
            catalogue(app_home, address, sampling(steps=1200))
            assembly = assemble(find_paths({HOME_VARIABLE: str(app_home)}))
            session = Session(app, assembly)
            session.show()
            await until(lambda: session.window.facts.is_known)
            previews = [0]

            def count(event: object) -> None:
                previews[0] += isinstance(event, RunProgressed) and event.preview is not None

            assembly.engine.bus.subscribe(count)
            assembly.engine.runs.submit(RunRequest("A red apple", "as_is", (OutputRequest("bench"),), seed=7))
            await until(lambda: previews[0] > 5)
            lateness: list[float] = []
            while assembly.engine.runs.active():
                due = time.perf_counter() + 0.01
                await asyncio.sleep(0.01)
                lateness.append(max(0.0, time.perf_counter() - due))
            await session.aclose()
        p99 = statistics.quantiles(lateness, n=100)[98]
        p50 = statistics.median(lateness)
        say(f"previews at 125 per second, {previews[0]} shown: p50 {p50 * 1e3:.1f} ms late, p99 {p99 * 1e3:.1f} ms")
        assert previews[0] > 100
        assert p99 <= LATENESS_LIMIT_S

    run_in_window_loop(body)


async def test_the_whole_command_against_a_bare_script(server: str, app_home: Path, tmp_path: Path) -> None:
    catalogue(app_home, server)
    graph_file = tmp_path / "graph.json"

    async def bare() -> None:
        graph_file.write_text(json.dumps(picture(64, "script")))
        await finished("-m", "tests.support.comfyui_bare", server, str(graph_file), str(tmp_path))

    async def command() -> None:
        colour = f"colour={next(_colours)}"
        arguments = ("run", "A red apple", "--interception", "as_is", "--output", "bench", "--param", colour)
        await finished("-m", "ai4artsed_desktop", *arguments)

    bare_ms, command_ms = await medians(10, bare, command)
    say(f"whole process: bare {bare_ms:.0f} ms, ai4artsed run {command_ms:.0f} ms, {command_ms / bare_ms:.2f} times")
    assert command_ms <= PROCESS_LIMIT * bare_ms


async def finished(*arguments: str) -> None:
    """Run Python to its end, in the checkout."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        # As on a person's machine, where nothing is compiled anew at every start.
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, f"{out.decode()}\n{err.decode()}"
