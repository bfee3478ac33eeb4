"""Which servers a test of the client meets: both doubles, and the real one if ``AI4ARTSED_TEST_COMFYUI`` names it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import pytest

from tests.support import comfyui_real
from tests.support.comfyui_double import ComfyUiDouble, running
from tests.support.comfyui_records import GENERATIONS, Generation

ServerName = Literal["old", "new", "real"]

_NEEDS_ADDRESS = pytest.mark.skipif(not comfyui_real.ADDRESS, reason="AI4ARTSED_TEST_COMFYUI names no real server")
on_every_server = pytest.mark.parametrize("server", [*GENERATIONS, pytest.param("real", marks=_NEEDS_ADDRESS)])
#: For what no real server does on request; each test says what.
on_doubles = pytest.mark.parametrize("server", GENERATIONS)


@asynccontextmanager
async def serving(server: ServerName) -> AsyncGenerator[ComfyUiDouble]:
    """Give a running server."""
    if server == "real":
        async with comfyui_real.real_server() as real:
            yield real
    else:
        async with running(server) as double:
            yield double


def generation_of(server: ServerName) -> Generation:
    """Return whose recordings a server answers like."""
    return comfyui_real.generation_of(comfyui_real.ADDRESS) if server == "real" else server
