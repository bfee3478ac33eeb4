"""The second text of a run, such as lyrics beside tags: it reaches the graph as it was written, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.errors import TextTooLongError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import MAX_TEXT_CHARS
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.templates import second_text_parameter
from tests.support.broken_catalog import GRAPH_CHUNK, OUTPUT
from tests.support.world import TestWorld, open_world, request

SONG, PICTURE = "ace_step", "sd15"


class Listener:
    """A backend that keeps what it is asked for and makes one empty medium."""

    id = "comfyui"
    is_local = True

    def __init__(self) -> None:
        self.graphs: list[Any] = []

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Can do everything."""
        del chunk
        return None

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium, None]:
        """Keep the graph."""
        self.graphs.append(request.graph)
        kind = "audio" if request.chunk.name.startswith("output_music") else "image"
        mime, extension = ("audio/wav", "wav") if kind == "audio" else ("image/png", "png")
        yield ProducedMedium(kind, mime, extension, data=b"RIFF0000WAVE" if kind == "audio" else b"\x89PNG\r\n\x1a\n")

    async def aclose(self) -> None:
        """Nothing to close."""


async def test_the_second_text_reaches_the_graph_untransformed_and_replays(app_home: Path) -> None:
    lyrics = '[verse]\nRed "apples" {{PREVIOUS_OUTPUT}} \\ fall'
    backend = Listener()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        record = await world.run("slow waltz", "dada", SONG, secondary_text=lyrics)
        assert record.state == "finished", record.error
        again = await world.engine.runs.wait(
            world.engine.runs.submit(await world.engine.runs.request_of(record.run_id))
        )
    first, second = (graph["5"]["inputs"] for graph in backend.graphs)
    assert first["lyrics"] == lyrics, "a placeholder inside a person's words is no placeholder"
    assert first["tags"] == "<<slow waltz>>", "by the interception, then by the output's own rules"
    assert second == first
    assert record.secondary_text == again.secondary_text == lyrics


async def test_without_a_second_text_the_song_has_no_words(app_home: Path) -> None:
    backend = Listener()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        await world.run("slow waltz", "as_is", SONG)
    assert backend.graphs[0]["5"]["inputs"]["lyrics"] == ""


async def test_an_output_of_one_text_takes_no_notice_of_the_second(app_home: Path) -> None:
    backend = Listener()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        assert (await world.run("an apple", "as_is", PICTURE, secondary_text="words nobody asked for")).error is None
    assert "words nobody asked for" not in str(backend.graphs[0])


async def test_a_second_text_that_is_too_long_is_refused_at_once(world: TestWorld) -> None:
    try:
        world.engine.runs.submit(request("a", "as_is", secondary_text="x" * (MAX_TEXT_CHARS + 1)))
    except TextTooLongError as error:
        assert error.params["length"] == f"{MAX_TEXT_CHARS + 1:,}"
    else:
        raise AssertionError("it was taken")


async def test_a_second_text_that_has_no_place_or_is_not_asked_for_is_a_load_error(world: TestWorld) -> None:
    world.entry("chunks/output_image_mine.json", GRAPH_CHUNK)
    dual = OUTPUT | {"pipeline": "dual_text_media_generation", "parameters": {"OUTPUT_CHUNK": "output_image_mine"}}
    single = OUTPUT | {"parameters": {"OUTPUT_CHUNK": "output_music_acestep_v1"}}
    world.entry("configs/output/no_place.json", dual)
    world.entry("configs/output/not_asked_for.json", single)
    await world.engine.reload_catalog()
    problems = {Path(p.path).stem: p.code for p in world.engine.catalog.errors}
    assert problems["no_place"] == problems["not_asked_for"] == "catalog.problem.second_text"


async def test_the_parameter_says_what_the_second_text_is(world: TestWorld) -> None:
    chunks = world.engine.catalog.chunks
    parameter = second_text_parameter(chunks["output_music_acestep_v1"].value)
    assert parameter is not None and parameter.name == {"en": "Lyrics", "de": "Liedtext"}
    assert second_text_parameter(chunks["output_image_sd15_text"].value) is None
