"""Composes a Tone.js piece from the transformed text and renders it: code art by rules, not AI music."""

from __future__ import annotations

import asyncio

from ai4artsed_desktop.domain.errors import EmptyTextError
from ai4artsed_desktop.domain.sketchbook.composing import compose_piece
from ai4artsed_desktop.engine.python_chunks import ProducedMedium, PythonChunkContext
from ai4artsed_desktop.engine.steps.rendering import code_medium, rendered

CHUNK = {
    "name": "output_code_sketchbook_tonejs",
    "type": "python_chunk",
    "backend_type": "python",
    "media_type": "code",
    "framework": "tonejs",
    "description": {
        "en": "Composes a Tone.js piece from the words, by rules, and plays it in the sandbox.",
        "de": "Komponiert nach Regeln aus den Wörtern ein Tone.js-Stück und spielt es in der Sandbox.",
    },
    "input_mappings": {
        "duration_s": {
            "type": "float",
            "default": 24.0,
            "min": 8.0,
            "max": 120.0,
            "step": 1.0,
            "unit": "s",
            "name": {"en": "Length", "de": "Länge"},
            "description": {"en": "Length of the piece in seconds.", "de": "Länge des Stücks in Sekunden."},
        },
        "form": {
            "type": "choice",
            "default": "auto",
            "choices": [
                "auto",
                "blues_riff",
                "change_ringing",
                "chorale",
                "drone",
                "drum_study",
                "lullaby",
                "march",
                "nocturne",
                "note_cloud",
                "phase_pattern",
                "round_song",
            ],
            "name": {"en": "Musical form", "de": "Musikalische Form"},
            "description": {
                "en": "auto: the words, their mood and chance choose.",
                "de": "auto: Wörter, Stimmung und Zufall wählen.",
            },
        },
    },
}


async def execute(context: PythonChunkContext, *, duration_s: float, form: str) -> list[ProducedMedium]:
    """Return the code, then the recording.

    Raises EmptyTextError for a text without visible characters, CodeArtError if the renderer gives nothing.
    """
    await context.progress(None, "progress.sketchbook.compose")
    try:
        piece = await asyncio.to_thread(compose_piece, context.text, context.seed, duration_s, form)
    except ValueError as exc:
        raise EmptyTextError(str(exc)) from exc
    facts: dict[str, object] = {
        "family": piece.form.id,
        "lineage": piece.form.lineage,
        "reading": piece.reading.summary(),
    }
    await context.progress(None, "progress.sketchbook.play")
    verdict = await context.render("tonejs", piece.code, duration_s=duration_s)
    return [code_medium("tonejs", piece.code, facts), *map(rendered, verdict.media)]
