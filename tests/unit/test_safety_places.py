"""Whoever asks a model does it where the safety gate stands: a new place that does not is found here."""

from __future__ import annotations

import re
from pathlib import Path

import ai4artsed_desktop

PROGRAM = Path(ai4artsed_desktop.__file__).parent
#: Modules that call a text model: the steps get guarded services from the orchestrator; the judge is the gate itself.
ASKS_MODELS = {
    "engine/steps/processing.py",
    "engine/safety_judge.py",
    "engine/safety_run.py",
    "engine/text_models.py",
    "engine/training_studio.py",  # a fixed question about training pictures, to a local model; nobody's text is sent
}
#: Modules that hand a request to a media backend or the renderer: steps, with guarded services; and the guard itself.
MAKES_MEDIA = {
    "engine/steps/output_chunk.py",
    "engine/steps/python_chunk.py",
    "engine/steps/text_passthrough.py",
    "engine/safety_run.py",
    "headless/commands/code.py",  # renders a file of the person's own, for no level; no model is asked
}


def callers(pattern: str, *rooms: str) -> set[str]:
    found = re.compile(pattern)
    return {
        path.relative_to(PROGRAM).as_posix()
        for room in rooms
        for path in (PROGRAM / room).rglob("*.py")
        if found.search(path.read_text("utf-8"))
    }


def test_models_are_asked_in_known_places_only() -> None:
    assert callers(r"\.stream\(", "engine", "ui", "app", "headless") <= ASKS_MODELS


def test_media_are_made_in_known_places_only() -> None:
    assert callers(r"\.generate\(|renderer\.render\(", "engine", "app", "headless") <= MAKES_MEDIA


def test_texts_are_transformed_by_runs_only() -> None:
    """A preview, the lens lab, a repair round: all go through a run, or get a run's guarded services."""
    assert callers(r"run_processing\(", "engine", "ui", "app", "headless") <= {
        "engine/orchestrator.py",
        "engine/code_author.py",
        "engine/steps/processing.py",
    }


def test_steps_run_with_guarded_services_only() -> None:
    """The orchestrator hands its own, unguarded services to nobody who sends texts."""
    source = (PROGRAM / "engine/orchestrator.py").read_text("utf-8")
    assert "run_processing(text_job, job.services)" in source and "services=job.services," in source
    assert not re.search(r"run_processing\([^)]*self\._services", source)
    assert not re.search(r"author_of\([^)]*self\._services", source)
