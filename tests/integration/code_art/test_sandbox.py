"""Nothing gets out: every way that a page has is tried against listeners on this machine, and none hears a thing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.code_art import RenderFailure
from tests.support.listeners import Listeners, listening
from tests.support.renderers import run_renderer

pytestmark = pytest.mark.webengine

HOSTILE_SKETCH = (Path(__file__).parent / "hostile.js").read_text(encoding="utf-8")


def aimed_at(listeners: Listeners) -> str:
    return HOSTILE_SKETCH.replace("$TCP", str(listeners.tcp_port)).replace("$UDP", str(listeners.udp_port))


async def test_a_sketch_that_tries_every_way_out_reaches_nobody_and_is_told_on(tmp_path: Path):
    async with listening() as listeners:
        # Twenty virtual seconds: time for whatever starts late.
        result = await run_renderer(tmp_path, "p5js", aimed_at(listeners), width_px=50, height_px=50, still_frame=1200)
        assert listeners.hits == []
        address = f"127.0.0.1:{listeners.tcp_port}"
    verdict = result.verdict
    assert (verdict.ok, verdict.failure, verdict.media) == (False, RenderFailure.LEFT_SANDBOX, ())
    assert result.left_over == []
    assert await asyncio.to_thread(os.listdir, tmp_path) == []
    # The sketch went through its whole list, and no way of it worked.
    told = [line.text for line in verdict.console]
    assert "all tried" in told
    assert [text for text in told if text.startswith("WORKED")] == []
    # Not "srcdoc": what a frame tried may be told after the page was ended for all the rest. It reached nobody (above).
    ways = "fetch xhr es img css cssbg prefetch preload modulepreload font import.js script.js beacon media p5http"
    for way in ways.split():
        assert f"network http://{address}/{way}" in verdict.attempts, way
    assert f"network ws://{address}/ws" in verdict.attempts
    for way in ("popup http", "popup http", "navigation http"):
        assert any(attempt.startswith(f"{way}://{address}/") for attempt in verdict.attempts), way
    for kind in ("webrtc RTCPeerConnection", "webrtc webkitRTCPeerConnection", "webrtc WebTransport", "dialog alert"):
        assert any(attempt.startswith(kind) for attempt in verdict.attempts), kind
    assert "file file:///etc/hostname" in verdict.attempts


async def test_a_piece_of_music_has_no_way_out_either(tmp_path: Path):
    async with listening() as listeners:
        code = f"const p = new Tone.Player('http://127.0.0.1:{listeners.tcp_port}/a.mp3').toDestination();"
        result = await run_renderer(tmp_path, "tonejs", code, duration_s=1)
        assert listeners.hits == []
        assert result.verdict.failure == RenderFailure.LEFT_SANDBOX
        assert result.verdict.attempts == (f"network http://127.0.0.1:{listeners.tcp_port}/a.mp3",)


async def test_the_policy_header_really_arrives(tmp_path: Path):
    # Qt takes a wrongly built header without a word and sends garbage; then eval works and the origin is the scheme's.
    code = """
    function setup() {
      createCanvas(50, 50); background(0); noLoop();
      if (origin !== "null") throw new Error("no sandbox");
      try { eval("1"); } catch (error) { if (error instanceof EvalError) return; }
      throw new Error("no policy");
    }"""
    verdict = (await run_renderer(tmp_path, "p5js", code, width_px=50, height_px=50)).verdict
    assert verdict.ok, verdict.message
    assert verdict.attempts == ("refused script-src eval",)


async def test_a_sketch_cannot_forge_the_size_of_its_picture(tmp_path: Path):
    code = """
    function setup() { createCanvas(50, 50); }
    function draw() { background(0); canvas.width = 2000; drawingContext.fillRect(0, 0, 2000, 50); }"""
    verdict = (await run_renderer(tmp_path, "p5js", code, width_px=50, height_px=50)).verdict
    assert (verdict.ok, verdict.failure) == (False, RenderFailure.NO_OUTPUT)
    assert "size" in verdict.message
