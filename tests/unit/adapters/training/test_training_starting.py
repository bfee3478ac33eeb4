"""An attempt that is just being started is not judged by whoever looks in between."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.training.attempts import AttemptStore
from ai4artsed_desktop.adapters.training.places import TrainingLocations
from ai4artsed_desktop.adapters.training.project_store import ProjectStore
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.records import AttemptRecord


@pytest.fixture
def store(tmp_path: Path) -> AttemptStore:
    paths = find_paths({HOME_VARIABLE: str(tmp_path)})
    locations = TrainingLocations(paths, Settings, {})
    return AttemptStore(locations, ProjectStore(locations), Ledger(paths.process_ledger))


def written(store: AttemptStore, started_s: float) -> AttemptRecord:
    attempt = AttemptRecord(
        project="x",
        family="sd15",
        training=1,
        attempt=1,
        started_s=started_s,
        total_steps=10,
        save_every=2,
        preset_gb=16,
        output_name="sd15_x",
        argv=(),
    )
    store.folder(attempt).mkdir(parents=True)
    store.write(attempt)
    return attempt


def test_between_its_record_and_its_process_an_attempt_counts_as_running(store: AttemptStore) -> None:
    assert store.is_running(written(store, time.time()))


@pytest.mark.parametrize("age_s", [3600.0, -3600.0], ids=["long ago", "the clock was set back"])
def test_a_start_that_was_cut_off_does_not_count_as_running_for_ever(store: AttemptStore, age_s: float) -> None:
    assert not store.is_running(written(store, time.time() - age_s))


def test_a_start_that_failed_at_once_does_not_count_as_running(store: AttemptStore) -> None:
    attempt = written(store, time.time())
    (store.folder(attempt) / "exit.json").write_text(json.dumps({"returncode": None, "ended_s": time.time()}))
    assert not store.is_running(attempt)
