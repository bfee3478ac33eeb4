"""The supervisor on the window's own event loop."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.domain.services import ServiceState, ServiceView
from tests.support.fake_children import is_alive
from tests.support.service_installs import free_port, make_comfyui, open_services, settings_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends a server by SIGKILL")


def test_it_starts_heals_and_ends_a_server_on_the_windows_loop(tmp_path: Path, run_in_window_loop: Any) -> None:
    install = make_comfyui(tmp_path / "ComfyUI")

    async def live() -> tuple[ServiceView, ServiceView]:
        async with open_services(tmp_path, settings_for(tmp_path, free_port())) as world:
            await world.supervisor.ensure("comfyui")
            first = world.supervisor.view("comfyui")
            assert first.pid is not None
            os.kill(first.pid, signal.SIGKILL)
            await world.reach("comfyui", ServiceState.BACKOFF)
            assert await world.supervisor.heal("comfyui")
            return first, world.supervisor.view("comfyui")

    first, second = run_in_window_loop(live)
    assert (first.state, second.state, second.restarts) == (ServiceState.READY, ServiceState.READY, 1)
    assert not any(is_alive(int(pid)) for pid, *_ in install.starts())
