"""Composes a p5.js drawing from the transformed text and renders it: code art by rules, not an AI image."""

from __future__ import annotations

import asyncio

from ai4artsed_desktop.domain.errors import EmptyTextError
from ai4artsed_desktop.domain.sketchbook.sketching import compose_sketch
from ai4artsed_desktop.engine.python_chunks import ProducedMedium, PythonChunkContext
from ai4artsed_desktop.engine.steps.rendering import code_medium, rendered

CHUNK = {
    "name": "output_code_sketchbook_p5js",
    "type": "python_chunk",
    "backend_type": "python",
    "media_type": "code",
    "framework": "p5js",
    "description": {
        "en": "Composes a p5.js drawing from the words, by rules, and draws it in the sandbox.",
        "de": "Komponiert nach Regeln aus den Wörtern eine p5.js-Zeichnung und zeichnet sie in der Sandbox.",
    },
    "input_mappings": {
        "width": {
            "type": "int",
            "default": 1024,
            "min": 256,
            "max": 4096,
            "step": 8,
            "unit": "px",
            "name": {"en": "Width", "de": "Breite"},
            "description": {"en": "Width of the picture.", "de": "Breite des Bildes."},
        },
        "height": {
            "type": "int",
            "default": 1024,
            "min": 256,
            "max": 4096,
            "step": 8,
            "unit": "px",
            "name": {"en": "Height", "de": "Höhe"},
            "description": {"en": "Height of the picture.", "de": "Höhe des Bildes."},
        },
        "family": {
            "type": "choice",
            "default": "auto",
            "choices": [
                "auto",
                "asemic_writing",
                "calligram",
                "cell_growth",
                "concrete_poem",
                "constellation",
                "cut_paper",
                "elementary_forms",
                "engraving",
                "flow_field",
                "growing_tree",
                "harmonograph",
                "landscape",
                "moire",
                "packed_circles",
                "printed_cloth",
                "rosette",
                "still_life",
                "truchet_tiles",
                "woven_cloth",
            ],
            "name": {"en": "Way of drawing", "de": "Art der Zeichnung"},
            "description": {
                "en": "auto: the words, their mood and chance choose.",
                "de": "auto: Wörter, Stimmung und Zufall wählen.",
            },
        },
        "animation_frames": {
            "type": "int",
            "default": 0,
            "min": 0,
            "max": 600,
            "advanced": True,
            "name": {"en": "Animation frames", "de": "Bilder der Animation"},
            "description": {
                "en": "0: only a still picture. Otherwise also an animated picture of so many frames.",
                "de": "0: nur ein stehendes Bild. Sonst zusätzlich ein bewegtes Bild aus so vielen Einzelbildern.",
            },
        },
    },
}


async def execute(
    context: PythonChunkContext, *, width: int, height: int, family: str, animation_frames: int
) -> list[ProducedMedium]:
    """Return the code, then the picture, then the animation if one is asked for.

    Raises EmptyTextError for a text without visible characters, CodeArtError if the renderer gives nothing.
    """
    await context.progress(None, "progress.sketchbook.compose")
    try:
        sketch = await asyncio.to_thread(compose_sketch, context.text, context.seed, width, height, family)
    except ValueError as exc:
        raise EmptyTextError(str(exc)) from exc
    facts: dict[str, object] = {
        "family": sketch.family.id,
        "lineage": sketch.family.lineage,
        "palette": sketch.palette.summary(),
        "reading": sketch.reading.summary(),
    }
    await context.progress(None, "progress.sketchbook.draw")
    verdict = await context.render(
        "p5js", sketch.code, width_px=width, height_px=height, frames=max(1, animation_frames)
    )
    return [code_medium("p5js", sketch.code, facts), *map(rendered, verdict.media)]
