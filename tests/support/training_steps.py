"""Steps that several training tests take."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import psutil

from ai4artsed_desktop.domain.training.events import TrainingEnded, TrainingProgressed
from tests.support.fake_children import until
from tests.support.training_kit import Studio


async def end_of(studio: Studio, name: str) -> TrainingEnded:
    """Wait for a training's end."""
    while (ended := await studio.probe.next(TrainingEnded, timeout_s=60)).project != name:
        pass
    return ended


def digests(folder: Path) -> dict[str, tuple[str, int]]:
    """Return each file's hash and time."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in folder.iterdir()
    }


def everything(folder: Path) -> list[str]:
    """Return every path below a folder."""
    return sorted(str(path) for path in folder.rglob("*"))


async def until_step(studio: Studio, step: int, limit_s: float = 30) -> None:
    """Wait until the trainer was seen at a step. A bar is complete, and so is seen, when the next one begins."""
    await until(lambda: any(e.step >= step for e in studio.probe.of(TrainingProgressed)), limit_s)


def trainer(studio: Studio) -> psutil.Process:
    """Return the running trainer, as the ledger knows it."""
    (entry,) = [pid for pid, name in studio.ledger.names().items() if name == "trainer"]
    assert entry != os.getpid()
    return psutil.Process(entry)
