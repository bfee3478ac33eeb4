"""``ai4artsed services`` as a process, with made-up installations; nothing of this machine is touched."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.process.ledger import Ledger
from tests.support.fake_children import is_alive, until
from tests.support.programs import ask, left_after, program
from tests.support.service_installs import MadeInstall, free_port, make_comfyui

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="made-up installations use POSIX signals")


@pytest.fixture
def comfyui(app_home: Path) -> MadeInstall:
    return make_comfyui(app_home / "ComfyUI")


@pytest.fixture
async def port(app_home: Path, comfyui: MadeInstall, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[int]:
    """Let commands find the made-up installation, and return its port; end what a test started to stay."""
    found = free_port()
    monkeypatch.setenv("HOME", str(app_home))
    monkeypatch.setenv("AI4ARTSED_COMFYUI_FOLDER", str(comfyui.folder))
    monkeypatch.setenv("AI4ARTSED_COMFYUI_PYTHON", sys.executable)
    monkeypatch.setenv("AI4ARTSED_COMFYUI_ADDRESS", f"http://127.0.0.1:{found}")
    monkeypatch.setenv("SWARMUI_HEALTH_CHECK_INTERVAL", "0.2")
    yield found
    ledger = Ledger(app_home / "cache" / "processes.json")
    for entry in ledger.running("service:comfyui"):
        await asyncio.to_thread(ledger.end_leftover, entry, 1.0)
        await asyncio.to_thread(ledger.end_followers, entry, 1.0)


async def services(home: Path, *arguments: str) -> tuple[int, Any, str]:
    """Run ``services ARGUMENTS --json``; return exit code, answer and stderr."""
    code, out, err = await ask(home, "services", *arguments, "--json")
    return code, json.loads(out) if out else None, err


async def test_start_stays_status_sees_it_and_stop_ends_it(app_home: Path, comfyui: MadeInstall, port: int) -> None:
    comfyui.behave(grandchild=True)
    code, answer, err = await services(app_home, "start", "comfyui")
    assert code == 0, err
    assert (answer["name"], answer["state"], answer["is_detached"]) == ("comfyui", "ready", True)
    pid: int = answer["pid"]
    assert is_alive(pid)

    code, rows, _ = await services(app_home, "status")
    assert code == 0
    assert [row["name"] for row in rows] == ["comfyui", "ollama", "swarmui"]
    row = rows[0]
    assert (row["state"], row["pid"], row["port"]) == ("ready", pid, answer["port"])
    assert row["memory_bytes"] > 1_000_000
    assert row["install"]["folder"] == str(comfyui.folder)
    code, again, _ = await services(app_home, "start", "comfyui")
    assert (code, again["pid"], len(comfyui.starts())) == (0, pid, 1)
    assert is_alive(pid), "no other command ends it"

    code, answer, _ = await services(app_home, "stop", "comfyui")
    assert (code, answer["state"]) == (0, "stopped")
    assert not is_alive(pid)
    assert not is_alive(comfyui.grandchild())
    code, answer, _ = await services(app_home, "stop", "comfyui")
    assert (code, answer["state"]) == (0, "stopped")
    assert await left_after(app_home) == []


async def test_status_for_people_names_state_address_and_folder(
    app_home: Path, comfyui: MadeInstall, port: int
) -> None:
    code, out, _ = await ask(app_home, "services", "status", "comfyui")
    assert code == 0
    assert out.splitlines()[0].split() == ["ComfyUI", "stopped"]
    assert str(comfyui.folder) in out


async def test_a_start_that_fails_says_why_and_leaves_nothing(
    app_home: Path, comfyui: MadeInstall, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_executable = comfyui.folder / "nodes.py"
    monkeypatch.setenv("AI4ARTSED_COMFYUI_PYTHON", str(not_executable))
    code, answer, err = await services(app_home, "start", "comfyui")
    assert (code, answer["name"], answer["state"]) == (1, "comfyui", "failed")
    assert answer["error"]["code"] == "error.service.program"
    assert answer["error"]["params"]["program"] == str(not_executable)
    assert answer["error"]["message"] in err
    assert comfyui.starts() == []
    assert await left_after(app_home) == []


async def test_what_runs_already_is_seen_used_and_not_stopped(app_home: Path, comfyui: MadeInstall, port: int) -> None:
    foreign = await asyncio.create_subprocess_exec(
        sys.executable,
        str(comfyui.folder / "main.py"),
        "--port",
        str(port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert foreign.stdout is not None
    assert b"Starting webserver" in await foreign.stdout.readline()
    try:
        code, answer, _ = await services(app_home, "start", "comfyui")
        assert (code, answer["state"]) == (0, "external")
        code, answer, _ = await services(app_home, "stop", "comfyui")
        assert (code, answer["error"]["code"]) == (1, "error.service.not_ours")
        assert foreign.returncode is None
    finally:
        foreign.kill()
        await foreign.communicate()


@pytest.mark.parametrize("arguments", [("start",), ("start", "nothing"), ("status", "nothing"), ("restart", "comfyui")])
async def test_wrong_usage_is_2(app_home: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = await ask(app_home, "services", *arguments)
    assert (code, out) == (2, "")
    assert "usage:" in err


async def test_a_start_that_is_interrupted_leaves_nothing(app_home: Path, comfyui: MadeInstall, port: int) -> None:
    comfyui.behave(starts_s=60)
    async with program(app_home, "services", "start", "comfyui") as process:
        await until(lambda: bool(comfyui.starts()), limit_s=30)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            await process.communicate()
    assert process.returncode == 130
    assert await left_after(app_home) == []


#: A program that starts ComfyUI for its own use and says when it is ready.
USER = """
import asyncio, sys
from pathlib import Path
from tests.support.service_installs import open_services, settings_for

async def main():
    home = Path(sys.argv[1])
    async with open_services(home, settings_for(home, int(sys.argv[2]))) as world:
        await world.supervisor.ensure("comfyui")
        print(world.supervisor.view("comfyui").pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_killed_ourselves_nothing_that_we_started_survives(app_home: Path, comfyui: MadeInstall) -> None:
    comfyui.behave(grandchild=True, ignores_term=True)
    user = await asyncio.create_subprocess_exec(
        sys.executable, "-c", USER, str(app_home), str(free_port()), stdout=asyncio.subprocess.PIPE
    )
    assert user.stdout is not None
    pid = int(await user.stdout.readline())
    os.kill(user.pid, signal.SIGKILL)
    await user.communicate()
    await until(lambda: not is_alive(pid) and not is_alive(comfyui.grandchild()), limit_s=10)
    assert await left_after(app_home) == []
