"""``ai4artsed graph``: the ComfyUI graph that an output config would send, and nothing is sent."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from ai4artsed_desktop.adapters.pictures import read_picture
from ai4artsed_desktop.domain.chunks import OutputChunk, mappings_of
from ai4artsed_desktop.domain.errors import ParameterError
from ai4artsed_desktop.domain.language import guess_language
from ai4artsed_desktop.domain.parameters import SEED_LIMIT, resolve
from ai4artsed_desktop.domain.runs import OutputRequest, ParameterValue, RunRequest
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.graphs import NoGraphError, build_graph
from ai4artsed_desktop.engine.input_images import check_images, picture_places, upload_names
from ai4artsed_desktop.engine.templates import fill_text
from ai4artsed_desktop.headless.context import EXIT_DONE, Context
from ai4artsed_desktop.headless.inputs import add_input_flags, images_of, parse_lora


class GraphCommand:
    """Prints graphs."""

    name = "graph"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="print the ComfyUI graph of an output config, without sending it"
        )
        parser.add_argument("output", metavar="OUTPUT_CONFIG", help="see: ai4artsed list output")
        parser.add_argument("--prompt", default="", metavar="TEXT", help="the text that reaches the model")
        parser.add_argument(
            "--second-text", default="", metavar="TEXT", help="for outputs of two texts, such as lyrics"
        )
        parser.add_argument(
            "--param", action="append", default=[], metavar="NAME=VALUE", help="set an output parameter"
        )
        add_input_flags(parser)
        parser.add_argument("--json", action="store_true", help="the same: the graph is JSON in any case")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the graph on stdout, and the seed and the LoRAs on stderr."""
        await context.engine.reload_catalog()
        catalog = context.engine.catalog
        config = catalog.output(options.output).value
        chunk = catalog.chunk(config.chunk).value
        if not isinstance(chunk, OutputChunk):
            raise NoGraphError(id=config.id)
        mappings = mappings_of(chunk)
        prompt: str = options.prompt
        texts = {
            "PREVIOUS_OUTPUT": prompt,
            "INPUT_TEXT": prompt,
            "USER_INPUT": prompt,
            "SECONDARY_TEXT": options.second_text,
        }
        texts["LANGUAGE"] = guess_language(prompt) or context.messages.language
        person = {**_values(options.param), **_pictures(catalog, chunk, options, context)}
        values = resolve(
            mappings,
            person,
            config.overrides,
            lambda source: fill_text(source, texts, chunk.name),
            lambda: secrets.randbelow(SEED_LIMIT),
        )
        loras = await context.engine.loras.choices(parse_lora(item) for item in options.lora)
        built = build_graph(chunk, values, texts, loras)
        print(json.dumps(built.graph, ensure_ascii=False, indent=2))
        if "seed" in values:
            context.output.note(context.messages.text("cli.graph_seed", seed=values["seed"]))
        for lora in built.applied:
            key = "cli.graph_lora" if lora.is_verified else "cli.graph_lora_unverified"
            nodes = ", ".join(lora.node_ids)
            context.output.note(context.messages.text(key, name=lora.name, strength=lora.strength, nodes=nodes))
        return EXIT_DONE


def _values(items: Sequence[str]) -> dict[str, ParameterValue]:
    values: dict[str, ParameterValue] = {}
    for item in items:
        name, separator, value = item.partition("=")
        if not separator or not name:
            raise ParameterError(name=item, value="", expected="NAME=VALUE")
        values[name] = value
    return values


def _pictures(catalog: Catalog, chunk: OutputChunk, options: argparse.Namespace, context: Context) -> dict[str, str]:
    """Return the chunk's picture parameters with the names under which the files are uploaded.

    A file that is not here is the name of one that lies on the server already.
    """
    given = images_of(catalog, [options.output], options.image, options.mask, must_exist=False)
    asked = OutputRequest(options.output, _values(options.param))
    check_images(RunRequest("", "", (asked,), images=given), catalog)
    for path in given.values():
        if path.is_file():
            read_picture(path)
        else:
            context.output.note(context.messages.text("cli.graph_no_file", name=path.name))
    files: dict[str, PurePath] = {**given}
    for place in picture_places(chunk):
        if place.is_alpha and place.mask_of is not None and place.key in given:
            files[place.mask_of] = given[place.mask_of].with_name(f"{given[place.mask_of].stem}_masked.png")
    known = mappings_of(chunk)
    return {key: name for key, name in upload_names(files).items() if key in known}


COMMAND = GraphCommand()
