"""Sketchbook code in the real sandbox: pictures that show something, sound that sounds, the same every time."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ai4artsed_desktop.domain.sketchbook.composing import compose_piece
from ai4artsed_desktop.domain.sketchbook.families import all_drawing_families
from ai4artsed_desktop.domain.sketchbook.motifs.base import KIT, all_motifs
from ai4artsed_desktop.domain.sketchbook.sketching import compose_sketch
from tests.support.renderers import run_renderer

pytestmark = pytest.mark.webengine

Pixels = npt.NDArray[np.int16]

SIZE_PX = 384


async def _picture(out_dir: Path, text: str, family: str) -> Pixels:
    code = compose_sketch(text, 7, SIZE_PX, SIZE_PX, family).code
    rendering = await run_renderer(out_dir, "p5js", code, seed=7, width_px=SIZE_PX, height_px=SIZE_PX)
    verdict = rendering.verdict
    assert verdict.ok, (verdict.failure, verdict.message, verdict.line)
    assert verdict.attempts == ()
    png = next(out_dir / medium.path for medium in verdict.media if medium.mime == "image/png")
    with Image.open(png) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def _inked(pixels: Pixels) -> npt.NDArray[np.bool_]:
    """Where the picture differs visibly from its corner, which is bare paper."""
    return np.abs(pixels - pixels[2, 2]).sum(axis=2) > 30


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("A red apple on a table", "packed_circles"),
        ("Ein roter Apfel auf einem Tisch", "woven_cloth"),
        ("Three birds fly over the blue sea!", "flow_field"),
        ("Nothing, again", "harmonograph"),
    ],
)
async def test_a_drawing_is_neither_blank_nor_full(tmp_path: Path, text: str, family: str):
    pixels = await _picture(tmp_path, text, family)
    assert pixels.shape == (SIZE_PX, SIZE_PX, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200
    assert 0.05 < _inked(pixels).mean() < 0.97


@pytest.mark.parametrize("family", sorted(all_drawing_families()))
async def test_every_family_draws_without_an_error_on_a_sheet_that_is_not_square(tmp_path: Path, family: str):
    code = compose_sketch("Seven stars and a cat over the sea, in the rain", 3, 320, 256, family).code
    verdict = (await run_renderer(tmp_path, "p5js", code, seed=3, width_px=320, height_px=256)).verdict
    assert verdict.ok, (verdict.failure, verdict.message, verdict.line)
    assert [line.text for line in verdict.console if line.level == "error"] == []


async def test_every_motif_can_be_drawn(tmp_path: Path):
    motifs = all_motifs().values()
    calls = "\n".join(f"  cell({index}); {motif.function}('#a05030'); pop();" for index, motif in enumerate(motifs))
    code = "\n".join(
        [
            f"function setup() {{ createCanvas(400, 400); noLoop(); noStroke();\n{calls}\n}}",
            "function cell(i) { push(); translate(20 + (i % 10) * 40, 20 + floor(i / 10) * 40); scale(36); }",
            KIT,
            *(motif.draw for motif in motifs),
        ]
    )
    verdict = (await run_renderer(tmp_path, "p5js", code, width_px=400, height_px=400)).verdict
    assert verdict.ok, (verdict.failure, verdict.message, verdict.line)


async def test_the_red_apple_on_the_table_is_red_and_stands_in_the_middle(tmp_path: Path):
    pixels = await _picture(tmp_path, "Ein roter Apfel auf einem Tisch", "calligram")
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    reds = (red > 140) & (green < 0.6 * red) & (blue < 0.6 * red)
    rows, columns = np.nonzero(reds)
    assert reds.mean() > 0.005
    assert SIZE_PX * 0.3 < columns.mean() < SIZE_PX * 0.7
    browns = (red > 80) & (red < 190) & (green > 0.55 * red) & (green < 0.9 * red) & (blue < 0.75 * red)
    assert np.nonzero(browns)[0].mean() > rows.mean(), "the table is below the apple"


async def test_the_same_text_and_seed_give_the_same_pixels(tmp_path_factory: pytest.TempPathFactory):
    first = await _picture(tmp_path_factory.mktemp("first"), "Sterne über dem Haus", "constellation")
    second = await _picture(tmp_path_factory.mktemp("second"), "Sterne über dem Haus", "constellation")
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("text", "form"), [("Ein roter Apfel auf einem Tisch", "lullaby"), ("Wut! Die Maschine schreit!", "drum_study")]
)
async def test_a_piece_sounds_without_clipping_and_ends_quietly(tmp_path: Path, text: str, form: str):
    duration_s = 10.0
    code = compose_piece(text, 7, duration_s, form).code
    rendering = await run_renderer(tmp_path, "tonejs", code, seed=7, duration_s=duration_s)
    assert rendering.verdict.ok, (rendering.verdict.failure, rendering.verdict.message)
    with wave.open(str(tmp_path / rendering.verdict.media[0].path)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768
    assert len(samples) / rate == pytest.approx(duration_s, abs=0.1)
    loudness = np.sqrt((samples**2).mean())
    assert 0.02 < loudness < 0.3
    assert np.abs(samples).max() < 0.99
    sounding = np.abs(samples).reshape(-1, 2).max(axis=1) > 0.005
    assert sounding.mean() > 0.3
    assert np.sqrt((samples[-rate // 10 :] ** 2).mean()) < 0.25 * loudness


async def test_two_beats_of_a_drum_at_one_moment_are_one(tmp_path: Path):
    # Seen: the roll of this march met its own beat at 16.3 s, and Tone.js refuses to start one voice twice at a time.
    code = compose_piece("auf Apfel einem ein\nroter Tisch", 952224915, 24.0, "march").code
    rendering = await run_renderer(tmp_path, "tonejs", code, seed=952224915, duration_s=24.0)
    assert rendering.verdict.ok, (rendering.verdict.failure, rendering.verdict.message)
