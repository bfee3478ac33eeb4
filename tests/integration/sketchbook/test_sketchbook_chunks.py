"""The two chunk files, run as the program runs them, with the real sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.python_chunks import FilePythonChunks
from ai4artsed_desktop.domain.errors import EmptyTextError
from tests.support.chunk_context import RenderingContext

CHUNKS = Path(__file__).parents[3] / "chunks"
P5 = str(CHUNKS / "output_code_sketchbook_p5js.py")
TONE = str(CHUNKS / "output_code_sketchbook_tonejs.py")


@pytest.mark.webengine
async def test_the_drawing_chunk_returns_code_then_picture_then_animation(tmp_path: Path):
    context = RenderingContext("Ein roter Apfel auf einem Tisch", tmp_path)
    parameters = {"width": 320, "height": 256, "family": "landscape", "animation_frames": 6}
    media = await FilePythonChunks().execute(P5, context, parameters)
    assert [medium.kind for medium in media] == ["p5", "image", "image"]
    code, picture, animation = media
    assert (code.mime, code.extension) == ("text/javascript", "js")
    assert code.metadata["format"] == "js"
    assert code.metadata["framework"] == "p5js"
    assert code.metadata["family"] == "landscape"
    assert json.loads(json.dumps(code.metadata)) == code.metadata
    assert code.data is not None
    assert b"const WIDTH = 320;" in code.data
    assert (picture.metadata["width_px"], picture.metadata["height_px"]) == (320, 256)
    assert animation.metadata["frames"] == 6
    assert context.messages == ["progress.sketchbook.compose", "progress.sketchbook.draw"]


@pytest.mark.webengine
async def test_the_music_chunk_returns_code_then_recording(tmp_path: Path):
    context = RenderingContext("Der Mond schläft", tmp_path)
    media = await FilePythonChunks().execute(TONE, context, {"duration_s": 8.0, "form": "auto"})
    assert [medium.kind for medium in media] == ["tonejs", "audio"]
    assert media[0].metadata["framework"] == "tonejs"
    assert media[1].mime == "audio/wav"
    assert context.messages == ["progress.sketchbook.compose", "progress.sketchbook.play"]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        (P5, {"width": 320, "height": 256, "family": "auto", "animation_frames": 0}),
        (TONE, {"duration_s": 8.0, "form": "auto"}),
    ],
)
async def test_a_text_without_visible_characters_is_an_empty_text(
    path: str, parameters: dict[str, object], tmp_path: Path
):
    with pytest.raises(EmptyTextError):
        await FilePythonChunks().execute(path, RenderingContext("\u200b \n", tmp_path), parameters)
