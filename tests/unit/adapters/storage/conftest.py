"""What tests of run folders share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[DiskRunStore]:
    store = DiskRunStore(tmp_path / "runs", tmp_path / "runs.sqlite")
    yield store
    await store.aclose()
