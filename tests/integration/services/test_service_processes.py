"""The supervisor over real processes and real sockets: made-up installations whose servers misbehave."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from ai4artsed_desktop.domain.services import ServiceLogGrew, ServiceNotOursError, ServiceState
from tests.support.fake_children import is_alive, until
from tests.support.service_installs import (
    MadeInstall,
    free_port,
    make_comfyui,
    make_ollama,
    make_swarmui,
    open_services,
    settings_for,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="made-up installations use POSIX scripts and signals")

S = ServiceState


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home whose name is hard: blanks, umlauts, beyond the BMP."""
    folder = tmp_path / "Zuhause größer 🍎"
    folder.mkdir()
    return folder


@pytest.fixture
def comfyui(home: Path) -> MadeInstall:
    return make_comfyui(home / "ComfyUI")


@pytest.fixture
def port() -> int:
    return free_port()


async def until_listening(port: int) -> None:
    """Wait until something takes connections at a port."""

    def is_open() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    await until(is_open, limit_s=20)


async def test_it_is_started_on_first_need_and_leaves_nothing(home: Path, comfyui: MadeInstall, port: int) -> None:
    async with open_services(home, settings_for(home, port)) as world:
        addresses = await asyncio.gather(*(world.supervisor.ensure("comfyui") for _ in range(3)))
        assert set(addresses) == {f"http://127.0.0.1:{port}"}
        view = world.supervisor.view("comfyui")
        assert (view.state, view.port, view.facts["version"]) == (S.READY, port, "9.9.9")
        assert view.memory_bytes is not None
        assert view.memory_bytes > 1_000_000
        ((pid, *arguments),) = comfyui.starts()
        assert int(pid) == view.pid
        assert arguments[:5] == ["--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"]
        (entry,) = world.ledger.running("service:comfyui")
        assert (entry.pid, entry.port) == (view.pid, port)
    assert not is_alive(int(pid))
    assert world.ledger.running("service:comfyui") == []


async def test_killed_from_outside_it_is_back_and_the_old_tree_is_gone(
    home: Path, comfyui: MadeInstall, port: int
) -> None:
    comfyui.behave(grandchild=True)
    async with open_services(home, settings_for(home, port)) as world:
        await world.supervisor.ensure("comfyui")
        first = world.supervisor.view("comfyui").pid
        assert first is not None
        old_grandchild = comfyui.grandchild()
        comfyui.behave()
        os.kill(first, signal.SIGKILL)
        await world.reach("comfyui", S.BACKOFF)
        assert await world.supervisor.heal("comfyui")
        view = world.supervisor.view("comfyui")
        assert (view.state, view.restarts) == (S.READY, 1)
        assert view.pid != first
        await until(lambda: not is_alive(old_grandchild))


async def test_a_server_that_ignores_every_polite_word_ends_all_the_same(
    home: Path, comfyui: MadeInstall, port: int
) -> None:
    comfyui.behave(ignores_term=True, grandchild=True)
    async with open_services(home, settings_for(home, port)) as world:
        await world.supervisor.ensure("comfyui")
        pid = world.supervisor.view("comfyui").pid
        assert pid is not None
    assert not is_alive(pid)
    assert not is_alive(comfyui.grandchild())


async def test_stop_lets_it_end_in_its_own_way(home: Path, comfyui: MadeInstall, port: int) -> None:
    async with open_services(home, settings_for(home, port)) as world:
        await world.supervisor.ensure("comfyui")
        world.supervisor.stop("comfyui")
        assert (await world.supervisor.settled("comfyui")).state is S.STOPPED
        assert world.supervisor.log("comfyui").find("stopped server"), "it said goodbye: SIGINT came before TERM"


async def test_stop_while_it_starts_leaves_no_process(home: Path, comfyui: MadeInstall, port: int) -> None:
    comfyui.behave(starts_s=60)
    async with open_services(home, settings_for(home, port)) as world:
        world.supervisor.start("comfyui")
        await until(lambda: bool(comfyui.starts()), limit_s=20)
        world.supervisor.stop("comfyui")
        await world.reach("comfyui", S.STOPPED)
        assert not is_alive(int(comfyui.starts()[0][0]))


async def test_a_port_that_something_else_holds_is_left_alone(home: Path, comfyui: MadeInstall) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    other = await asyncio.start_server(silent, "127.0.0.1", 0)
    taken: int = other.sockets[0].getsockname()[1]
    async with other, open_services(home, settings_for(home, taken)) as world:
        address = await world.supervisor.ensure("comfyui")
        assert address != f"http://127.0.0.1:{taken}"
        assert world.supervisor.view("comfyui").state is S.READY
        assert other.is_serving()


async def test_what_is_hard_to_read_is_read_and_kept(home: Path, comfyui: MadeInstall, port: int) -> None:
    comfyui.behave(writes=["long", "bars", "bytes", "flood", "Ünlaut"])
    async with open_services(home, settings_for(home, port)) as world:
        await world.supervisor.ensure("comfyui")
        await until(lambda: bool(world.supervisor.log("comfyui").find("Ünlaut")), limit_s=20)
        assert len(world.supervisor.log("comfyui").find()) <= 5_000
        assert world.supervisor.log("comfyui").find("line 19999")
        # The log is read at once, the events come in batches behind it.
        await until(lambda: any(len(event.lines) > 1 for event in world.probe.of(ServiceLogGrew)), limit_s=20)
        numbers = [line.number for event in world.probe.of(ServiceLogGrew) for line in event.lines]
        assert numbers == list(range(1, len(numbers) + 1))
        log = Path(world.supervisor.view("comfyui").log_path)
    text = await asyncio.to_thread(log.read_text, "utf-8")
    assert "broken \ufffd\ufffd\ufffd( text" in text
    assert text.count("100%|###|") + text.count("95%|###|") == 1, "a bar is one line"
    assert "Ünlaut" in text


async def test_one_that_runs_already_is_used_and_left_alone(home: Path, comfyui: MadeInstall, port: int) -> None:
    foreign = await asyncio.create_subprocess_exec(
        sys.executable, str(comfyui.folder / "main.py"), "--port", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with open_services(home, settings_for(home, port)) as world:
            await until_listening(port)
            assert await world.supervisor.ensure("comfyui") == f"http://127.0.0.1:{port}"
            assert world.supervisor.view("comfyui").state is S.EXTERNAL
            with pytest.raises(ServiceNotOursError):
                world.supervisor.stop("comfyui")
        assert foreign.returncode is None
        assert len(comfyui.starts()) == 1
    finally:
        foreign.kill()
        await foreign.wait()


async def test_started_to_stay_it_outlives_us_is_adopted_and_stopped(
    home: Path, comfyui: MadeInstall, port: int
) -> None:
    comfyui.behave(grandchild=True, writes=["hello from before"])
    async with open_services(home, settings_for(home, port)) as world:
        world.supervisor.start("comfyui", is_detached=True)
        view = await world.supervisor.settled("comfyui")
        pid = view.pid
        assert pid is not None
        assert (view.state, view.is_detached) == (S.READY, True)
    assert is_alive(pid), "it goes on"
    assert world.ledger.list_leftovers() == [], "and is no leftover"
    async with open_services(home, settings_for(home, port)) as world:
        (view, *_) = await world.supervisor.refresh()
        assert (view.state, view.pid, view.is_detached) == (S.READY, pid, True)
        await until(lambda: bool(world.supervisor.log("comfyui").find("hello from before")))
        async with open_services(home, settings_for(home, port)) as other:
            await other.supervisor.refresh()
            other.supervisor.stop("comfyui")
            assert (await other.supervisor.settled("comfyui")).state is S.STOPPED
        await world.reach("comfyui", S.STOPPED)
        assert len(comfyui.starts()) == 1, "what was stopped by order is not brought back"
    assert not is_alive(pid)
    assert not is_alive(comfyui.grandchild())


async def test_one_that_is_to_stay_but_ends_at_once_leaves_its_reason(
    home: Path, comfyui: MadeInstall, port: int
) -> None:
    comfyui.behave(exits=2)
    async with open_services(home, settings_for(home, port)) as world:
        world.supervisor.start("comfyui", is_detached=True)
        view = await world.reach("comfyui", S.BACKOFF)
        assert view.last_error is not None
        assert view.last_error.code == "error.service.start"
        assert "the reason is this" in view.last_error.detail
        assert view.last_error.params["exit"] == "2"
        world.supervisor.stop("comfyui")
        await world.reach("comfyui", S.STOPPED)


async def test_a_ledger_entry_whose_pid_is_another_program_now_is_not_touched(
    home: Path, comfyui: MadeInstall, port: int
) -> None:
    async with open_services(home, settings_for(home, port)) as world:
        me = os.getpid()
        world.ledger.add(me, ["some", "server"], "service:comfyui", is_detached=True)
        world.ledger.set_port(me, port)
        (view, *_) = await world.supervisor.refresh()
        assert view.state is S.STOPPED
        world.supervisor.stop("comfyui")
        assert psutil.pid_exists(me)


async def test_swarmui_is_ready_when_its_own_comfyui_is(home: Path, port: int) -> None:
    install = make_swarmui(home / "SwarmUI", backend_loads_s=1.0, forget_sessions=True)
    settings = settings_for(home, 1, swarmui_folder=install.folder, swarmui_address=f"http://127.0.0.1:{port}")
    async with open_services(home, settings) as world:
        world.supervisor.start("swarmui")
        view = await world.supervisor.settled("swarmui")
        assert view.state is S.READY
        assert (view.facts["comfyui_version"], view.facts["comfyui_port"], view.note) == ("8.8.8", "7821", None)
        ((pid, *arguments),) = install.starts()
        assert arguments == ["--launch_mode", "none", "--port", str(port)]
        assert int(pid) != view.pid, "the script runs it as a child"
        world.supervisor.stop("swarmui")
        assert (await world.supervisor.settled("swarmui")).state is S.STOPPED
        assert world.supervisor.log("swarmui").find("stopped server"), "ShutdownServer came before TERM"
    assert not is_alive(int(pid))


async def test_swarmui_without_a_comfyui_says_what_to_do(home: Path, port: int) -> None:
    install = make_swarmui(home / "SwarmUI", backend_status="empty", comfyui_silent=True)
    settings = settings_for(home, 1, swarmui_folder=install.folder, swarmui_address=f"http://127.0.0.1:{port}")
    async with open_services(home, settings) as world:
        await world.supervisor.ensure("swarmui")
        note = world.supervisor.view("swarmui").note
        assert note is not None
        assert note.key == "reason.swarmui_no_backend"


async def test_ollama_gets_its_address_and_our_defaults(home: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    install = make_ollama(home / "Ollama")
    settings = settings_for(
        home, 1, ollama_program=install.folder / "ollama", ollama_address=f"http://127.0.0.1:{port}"
    )
    async with open_services(home, settings) as world:
        assert await world.supervisor.ensure("ollama") == f"http://127.0.0.1:{port}"
        ((pid, *arguments),) = install.starts()
        assert arguments == ["serve"]
        environment = psutil.Process(int(pid)).environ()
        assert (environment["OLLAMA_HOST"], environment["OLLAMA_NO_CLOUD"]) == (f"127.0.0.1:{port}", "1")
        assert world.supervisor.view("ollama").facts["version"] == "0.30.1"


async def test_the_guided_set_up_finds_installations_and_running_servers(
    home: Path, comfyui: MadeInstall, port: int
) -> None:
    async with open_services(home, settings_for(home, port)) as world:
        await world.supervisor.ensure("comfyui")
        found = [item for item in await world.supervisor.find_services() if item.name == "comfyui"]
        folders = [item.install.folder for item in found if item.install is not None]
        assert str(comfyui.folder) in folders
        assert f"http://127.0.0.1:{port}" in [item.address for item in found]
