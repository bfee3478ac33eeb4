"""What a good sketch gives: files of exactly the size and length asked for, and always the same ones."""

from __future__ import annotations

import asyncio
import hashlib
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ai4artsed_desktop.domain.code_art import RenderFailure, RenderVerdict
from tests.support.renderers import run_renderer

pytestmark = pytest.mark.webengine

MOVING = """
function setup() { createCanvas(windowWidth / 2, 123); pixelDensity(2); }
function draw() {
  background(220);
  fill(random(255), noise(millis() / 1000) * 255, 0);
  circle(width / 2 + sin(frameCount / 10) * 30, height / 2 + (Math.random() - 0.5) * 20, 40 + deltaTime);
}
"""
WEBGL = """
function setup() { createCanvas(64, 64, WEBGL); }
function draw() { background(0); rotateY(frameCount / 20); fill(255, 60, 0); box(40); }
"""
STILL = """
function setup() { createCanvas(50, 50); noLoop(); }
function draw() { background(7, 8, 9); square(0, 0, width / 2); }
"""
CLOCKS = """
function setup() { createCanvas(50, 50); background(255); fill(0); }
function draw() {
  const now = new Date();
  if (now.getFullYear() !== 2000 || Date.now() !== now.getTime() || hour() !== 10) throw new Error("clock " + now);
  if (abs(millis() - frameCount * 1000 / 60) > 0.01) throw new Error("millis " + millis());
  square(0, 0, second() - 30 + crypto.getRandomValues(new Uint8Array(1))[0]);
}
"""
PIECE = """
const poly = new Tone.PolySynth(Tone.FMSynth).toDestination();
const room = new Tone.Reverb(1).toDestination();
poly.connect(room);
const noise = new Tone.NoiseSynth().connect(new Tone.BitCrusher(4).toDestination());
new Tone.Loop((time) => {
  poly.triggerAttackRelease(["C4", "E4", "G4", "B4"], "4n", time);
  noise.triggerAttackRelease("16n", time);
}, "4n").start(0);
Tone.Transport.start();
"""
TONE = (
    "function compose(Tone, durationS) { new Tone.Synth().toDestination().triggerAttackRelease('A4', durationS / 2); }"
)


async def render(out_dir: Path, framework: str, code: str, **fields: Any) -> RenderVerdict:
    await asyncio.to_thread(out_dir.mkdir, exist_ok=True)
    result = await run_renderer(out_dir, framework, code, **fields)
    assert result.exit_status == 0
    assert result.left_over == []
    return result.verdict


def hashes(verdict: RenderVerdict) -> list[str]:
    assert verdict.ok, (verdict.message, verdict.line)
    assert verdict.attempts == ()
    for medium in verdict.media:
        data = medium.path.read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (medium.sha256, medium.bytes)
    return [medium.sha256 for medium in verdict.media]


async def test_a_moving_sketch_gives_a_still_and_an_animation_that_are_the_same_in_every_process(tmp_path: Path):
    size = {"width_px": 90, "height_px": 70, "frames": 12, "fps": 20, "seed": 5}
    first, second = [await render(tmp_path / name, "p5js", MOVING, **size) for name in ("a", "b")]
    assert hashes(first) == hashes(second)
    assert [medium.mime for medium in first.media] == ["image/png", "image/apng"]
    with Image.open(first.media[0].path) as still, Image.open(first.media[1].path) as animation:
        assert still.size == animation.size == (90, 70)
        assert getattr(animation, "n_frames", 1) == 12
        assert animation.info["duration"] == 50
        frames: set[bytes] = set()
        for index in range(12):
            animation.seek(index)
            frames.add(animation.convert("RGB").tobytes())
        assert len(frames) == 12
    assert first.media[1].duration_s == pytest.approx(0.6)


async def test_another_seed_gives_another_picture(tmp_path: Path):
    size = {"width_px": 90, "height_px": 70}
    seeds = [await render(tmp_path / str(seed), "p5js", MOVING, seed=seed, **size) for seed in (5, 6, 5 + 2**40)]
    assert len({hashes(verdict)[0] for verdict in seeds}) == 3


async def test_a_webgl_sketch_draws_without_a_graphics_card(tmp_path: Path):
    verdict = await render(tmp_path, "p5js", WEBGL, width_px=64, height_px=64)
    hashes(verdict)
    with Image.open(verdict.media[0].path) as image:
        colors = image.convert("RGB").getcolors(64 * 64)
    assert colors is not None
    assert {(0, 0, 0)} < {color for _, color in colors}


async def test_a_still_sketch_keeps_its_one_frame_at_exactly_the_size_asked_for(tmp_path: Path):
    verdict = await render(tmp_path, "p5js", STILL, width_px=301, height_px=97, frames=3, still_frame=3600)
    hashes(verdict)
    with Image.open(verdict.media[0].path) as image:
        assert image.size == (301, 97)
        assert image.convert("RGB").getpixel((300, 0)) == (7, 8, 9)


async def test_every_clock_is_virtual_and_agrees_with_the_others(tmp_path: Path):
    verdict = await render(tmp_path, "p5js", CLOCKS, width_px=50, height_px=50, still_frame=90)
    assert verdict.ok, verdict.message


async def test_a_piece_gives_a_wav_that_is_the_same_in_every_process(tmp_path: Path):
    first, second = [await render(tmp_path / name, "tonejs", PIECE, duration_s=4, seed=3) for name in ("a", "b")]
    assert hashes(first) == hashes(second)
    other = await render(tmp_path / "c", "tonejs", PIECE, duration_s=4, seed=4)
    assert hashes(other) != hashes(first)
    medium = first.media[0]
    assert (medium.mime, medium.duration_s) == ("audio/wav", 4.0)
    with wave.open(str(medium.path)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getnframes()) == (44100, 2, 4 * 44100)
        samples = np.frombuffer(reader.readframes(4 * 44100), "<i2").astype(float)
    assert np.abs(samples).max() <= 32767 * 0.8915  # -1 dBFS
    assert np.abs(samples[-44100:]).max() > 300  # the transport runs to the end


async def test_a_piece_may_come_as_a_function_that_is_told_the_duration(tmp_path: Path):
    verdict = await render(tmp_path, "tonejs", TONE, duration_s=2)
    hashes(verdict)
    with wave.open(str(verdict.media[0].path)) as reader:
        samples = np.frombuffer(reader.readframes(2 * 44100), "<i2").reshape(-1, 2)[:, 0].astype(float)
    spectrum = np.abs(np.fft.rfft(samples[:22050]))
    assert abs(int(spectrum.argmax()) * 2 - 440) <= 2
    assert np.abs(samples[-11025:]).max() < 50  # a note of half the duration has died away


async def test_the_same_renderer_survives_many_sources_at_one_input(tmp_path: Path):
    code = """
    for (let index = 0; index < 300; index++) {
      new Tone.Oscillator(200 + index).toDestination().start(index / 300).stop(index / 300 + 0.1);
    }"""
    jobs = [render(tmp_path / name, "tonejs", code, duration_s=2) for name in ("a", "b")]
    first, second = await asyncio.gather(*jobs)
    assert hashes(first) == hashes(second)


async def test_missing_libraries_are_a_verdict_that_names_them(tmp_path: Path):
    result = await run_renderer(tmp_path, "tonejs", TONE, libraries_dir=tmp_path)
    assert result.exit_status == 0
    assert result.verdict.failure == RenderFailure.RENDERER_MISSING
    assert result.verdict.advice_params == {"library": "Tone.js"}
