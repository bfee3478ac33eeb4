"""Records and files for tests of run folders."""

from __future__ import annotations

from typing import Any

from ai4artsed_desktop.adapters.storage.run_folders import this_process
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.engine.ports import Notes, RunFolder, RunStore
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

DEAD = {"pid": 2**22 + 7, "started": 1.0}


def run_id(number: int) -> str:
    return f"run_{1_700_000_000_000 + number}_{number:06x}"


def record(number: int, **more: Any) -> RunRecord:
    facts = {
        "run_id": run_id(number),
        "created": f"2026-01-02T03:04:{number % 60:02d}.000+00:00",
        "state": "running",
        "interception_id": "dada",
        "input_text": f"idea {number}",
        "process": this_process(),
    }
    return RunRecord.model_validate(facts | more)


def text(words: str) -> ProducedMedium:
    return ProducedMedium("text", "text/plain", "txt", data=words.encode())


async def created(store: RunStore, record: RunRecord, notes: Notes = ()) -> RunFolder:
    """Make a run's folder and wait until it is there."""
    folder = store.create(record, notes)
    await folder.made()
    return folder
