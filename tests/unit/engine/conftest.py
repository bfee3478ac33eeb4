"""The engine's tests share an open world: the shipped catalogue, a fake model, a fake renderer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.world import TestWorld, open_world


@pytest.fixture
async def world(app_home: Path) -> AsyncGenerator[TestWorld, None]:
    """Return an engine at work."""
    async with open_world(app_home) as opened:
        yield opened
