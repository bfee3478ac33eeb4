"""The parts of the service adapters: questions to servers that answer badly, folders, start commands, ports, logs."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.adapters.process import rotating_log
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.rotating_log import LOG_FILES, RotatingLog
from ai4artsed_desktop.adapters.services import service_question
from ai4artsed_desktop.adapters.services.comfyui import ComfyUiDriver, make_driver, model_paths_yaml, read_stats
from ai4artsed_desktop.adapters.services.ollama import OllamaDriver
from ai4artsed_desktop.adapters.services.service_host import LocalHost
from ai4artsed_desktop.adapters.services.service_question import ask
from ai4artsed_desktop.adapters.services.service_registry import service_names
from ai4artsed_desktop.adapters.services.swarmui import SwarmUiDriver
from ai4artsed_desktop.domain import services
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.services import ServiceInstall, ServiceState
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.service_log import ServiceLog
from ai4artsed_desktop.engine.service_ports import Health
from tests.support.ollama_double import OllamaDouble
from tests.support.openai_double import json_reply
from tests.support.service_installs import make_comfyui

OPEN = NetworkGuard(lambda: False)
CLOSED = NetworkGuard(lambda: True)


@asynccontextmanager
async def answering(*chunks: bytes, hangs: bool = False) -> AsyncGenerator[str]:
    """Give the address of a server that answers every request with these bytes."""
    asked: list[asyncio.StreamWriter] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        if hangs:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        ([HEAD + b'Content-Length: 7\r\n\r\n{"a":1}'], {"a": 1}),
        ([HEAD, b"content-length:7\r\n", b'\r\n{"a"', b":1}"], {"a": 1}),
        ([HEAD + b'\r\n{"a":1}'], {"a": 1}),
        ([HEAD + b'Transfer-Encoding: chunked\r\n\r\n3;x=y\r\n{"a\r\n', b'4\r\n":1}\r\n0\r\n\r\n'], {"a": 1}),
        ([HEAD + b"\r\n[1]"], {}),
        ([HEAD + b"\r\n<html>"], {}),
        ([HEAD + b"\r\n"], {}),
        ([HEAD + b"\r\n\xff\xfe"], {}),
    ],
)
async def test_an_answer_is_read_however_it_comes(chunks: list[bytes], wanted: dict[str, Any]) -> None:
    async with answering(*chunks) as address:
        answer = await ask(address, "/system_stats", OPEN)
    assert answer is not None
    assert (answer.status, dict(answer.body)) == (200, wanted)


@pytest.mark.parametrize(
    "chunks",
    [
        [b""],
        [b"SSH-2.0-OpenSSH_9\r\n\r\n"],
        [b"HTTP/1.1 two hundred\r\n\r\n"],
        [HEAD + b"Content-Length: many\r\n\r\n{}"],
        [HEAD + b"Content-Length: 99\r\n\r\n{}"],
        [HEAD + b"Content-Length: 99999999999\r\n\r\n{}"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}"],
        [HEAD],
    ],
)
async def test_what_is_no_whole_answer_is_none(chunks: list[bytes]) -> None:
    async with answering(*chunks) as address:
        assert await ask(address, "/", OPEN) is None


async def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_question, "QUESTION_LIMIT_S", 0.1)
    async with answering(HEAD, hangs=True) as address:
        assert await ask(address, "/", OPEN) is None


async def test_nobody_listening_is_none() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert await ask(f"http://127.0.0.1:{held.getsockname()[1]}", "/", OPEN) is None


async def test_local_only_asks_no_other_machine(network_guard: list[str]) -> None:
    assert await ask("http://192.0.2.1:8188", "/", CLOSED) is None
    assert network_guard == []


def driver(home: Path, **settings: Any) -> ComfyUiDriver:
    values = Settings(comfyui_folder=home / "ComfyUI", comfyui_python=Path(sys.executable), **settings)
    return ComfyUiDriver(lambda: values, OPEN, home / "own", home / "dev")


def test_a_comfyui_is_found_in_settings_and_variables_and_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    make_comfyui(tmp_path / "ComfyUI")
    make_comfyui(tmp_path / "other place")
    (tmp_path / "broken").mkdir()
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path / "other place"))
    monkeypatch.setenv("COMFYUI_HOME", str(tmp_path / "ComfyUI"))
    folders = [install.folder for install in driver(tmp_path).installs()]
    assert folders == [str(tmp_path / "ComfyUI"), str(tmp_path / "other place")]


@pytest.mark.skipif(sys.platform != "linux", reason="device files")
def test_a_machine_without_any_card_starts_it_on_the_processor(tmp_path: Path) -> None:
    install = ServiceInstall(str(tmp_path), sys.executable)
    start = [sys.executable, str(tmp_path / "main.py"), "--listen", "127.0.0.1", "--port", "8190"]
    start.append("--disable-auto-launch")
    assert driver(tmp_path).command(install, 8190).argv == [*start, "--cpu"]
    with_own = driver(tmp_path, comfyui_arguments=("--directml", "--lowvram"))
    assert with_own.command(install, 8190).argv == [*start, "--directml", "--lowvram"]
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch()
    assert driver(tmp_path).command(install, 8190).argv == start


def test_it_is_told_of_the_folders_with_our_loras_beside_a_person_s_own_list(tmp_path: Path) -> None:
    folders = [tmp_path / "Öl & Kohle 🖍 $HOME", tmp_path / 'with "quotes" \\ and \t']
    values = Settings(comfyui_arguments=("--extra-model-paths-config", "mine.yaml"))
    made = ComfyUiDriver(lambda: values, OPEN, tmp_path / "services" / "ComfyUI", lora_folders=lambda: folders)
    argv = made.command(ServiceInstall(str(tmp_path), sys.executable), 8190).argv
    lists = [argv[at + 1] for at, word in enumerate(argv) if word == "--extra-model-paths-config"]
    assert lists == [str(tmp_path / "services" / "comfyui_model_paths.yaml"), "mine.yaml"]
    head, line = Path(lists[0]).read_text("ascii").splitlines()
    assert head == "ai4artsed:" and line.startswith('  loras: "') and line.endswith('"')
    # Python reads a quoted text with these escapes as YAML does.
    read = line.removeprefix("  loras: ").encode("ascii").decode("unicode_escape").strip('"')
    assert read.split("\n") == [str(folder) for folder in folders]


def test_the_folder_of_trained_loras_is_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LORA_OUTPUT_DIR", raising=False)
    paths = find_paths({HOME_VARIABLE: str(tmp_path)})
    for settings, expected in (
        (Settings(), [paths.data / "loras"]),
        (Settings(lora_folders=(tmp_path / "a", tmp_path / "b")), [tmp_path / "a", tmp_path / "b"]),
    ):
        made = make_driver(lambda settings=settings: settings, OPEN, paths)
        argv = made.command(ServiceInstall(str(tmp_path), sys.executable), 8190).argv
        told = Path(argv[argv.index("--extra-model-paths-config") + 1]).read_text("ascii")
        assert told == model_paths_yaml(expected)


def test_only_a_comfyui_counts_as_one() -> None:
    assert read_stats({}).state == "absent"
    assert read_stats({"system": "yes"}).state == "absent"
    recorded = {
        "system": {"comfyui_version": "0.33.0", "argv": ["main.py", "--port", "8188", "--cpu"]},
        "devices": [{"name": "cpu", "type": "cpu"}],
    }
    health = read_stats(recorded)
    assert health.state == "ready"
    assert dict(health.facts) == {"version": "0.33.0", "device": "cpu", "port": "8188"}
    assert read_stats({"system": {"argv": None}, "devices": {}}).state == "ready"
    assert read_stats({"system": {"argv": ["--port"]}}).facts == {}


def test_the_port_that_swarmui_tells_is_heard() -> None:
    swarmui = SwarmUiDriver(Settings, OPEN)
    line = "12:00:00.123 [Init] Starting webserver on http://localhost:7803"
    assert swarmui.port_in(line) == 7803
    assert swarmui.port_in("Self-Start ComfyUI-0 on port 7821 is loading...") is None


async def test_a_port_that_is_held_is_not_given_out(tmp_path: Path) -> None:
    host = LocalHost(Guards(), tmp_path)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        taken = held.getsockname()[1]
        found = await host.free_port(taken)
        assert found != taken
        assert found > 0
    assert await host.free_port(taken) == taken


async def test_a_log_that_cannot_be_written_costs_only_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    host = LocalHost(Guards(), blocked)
    await host.write_log("comfyui", ["one"])
    await host.write_log("comfyui", ["two"])
    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1


def test_a_log_moves_on_to_the_next_file_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating_log, "LOG_FILE_BYTES", 10)
    path = tmp_path / "logs" / "x.log"
    log = RotatingLog(path)
    for number in range(8):
        log.write(b"%d" % number * 12)
    names = sorted(file.name for file in path.parent.iterdir())
    assert names == ["x.log", *(f"x.log.{number}" for number in range(1, LOG_FILES))]
    assert path.read_bytes() == b"7" * 12
    assert path.with_name("x.log.3").read_bytes() == b"4" * 12


def test_a_line_without_end_and_terminal_codes_do_not_fill_the_memory() -> None:
    log = ServiceLog(kept_lines=3)
    log.add("\x1b[1m\x1b[33m[WARNING]\x1b[0m careful\0")
    log.add("x" * 1_000_000)
    for percent in range(100):
        log.add(f"{percent}%|##   | {percent}/100")
    log.add("100%|#####| 100/100")
    log.add("last")
    texts = [line.text for line in log.find()]
    assert len(texts) == 3
    assert texts[0].endswith("… (1000000)")
    assert texts[1:] == ["100%|#####| 100/100", "last"]
    assert log.tail(2) == "100%|#####| 100/100\nlast"
    assert [line.number for line in log.take_new()] == [1, 2, 3, 4]
    assert log.take_new() == ()


def test_every_service_is_found_and_every_state_has_words(messages: Callable[[str], dict[str, str]]) -> None:
    assert service_names() == ("comfyui", "ollama", "swarmui")
    for language in ("de", "en"):
        table = messages(language)
        assert all(f"service.state.{state.value}" in table for state in ServiceState)
        kinds = [kind for kind in vars(services).values() if isinstance(kind, type) and issubclass(kind, AppError)]
        codes = [kind.code for kind in kinds if kind.__module__ == services.__name__]
        assert len(codes) == len(set(codes)) >= 15
        assert [f"{c}.{p}" for c in codes for p in ("what", "why", "next") if f"{c}.{p}" not in table] == []


@pytest.fixture
def messages() -> Callable[[str], dict[str, str]]:
    import json

    folder = Path(__file__).resolve().parents[4] / "resources" / "languages"
    return lambda language: json.loads((folder / f"{language}.json").read_text("utf-8"))


async def test_an_ollama_that_answers_is_there_whatever_is_installed() -> None:
    double = OllamaDouble("qwen3:8b")
    driver = OllamaDriver(Settings, OPEN)
    async with double.serving() as address:
        assert (await driver.health(address)) == Health("ready", facts={"version": "0.12.6"})
        double.then("/api/version", json_reply({"error": "not for you"}, 403))
        assert (await driver.health(address)).state == "ready"
        for path in ("/api/version", "/api/tags"):
            double.then(path, json_reply({"error": "nothing here"}, 404))
        assert (await driver.health(address)).state == "absent"
    assert (await driver.health(address)).state == "absent"
