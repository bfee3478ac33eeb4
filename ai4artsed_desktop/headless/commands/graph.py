"""``ai4artsed graph``: the ComfyUI graph that an output config would send, and nothing is sent."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.chunks import InputMapping, OutputChunk, mappings_of
from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import ParameterError
from ai4artsed_desktop.domain.language import guess_language
from ai4artsed_desktop.domain.parameters import SEED_LIMIT, resolve
from ai4artsed_desktop.domain.runs import ParameterValue
from ai4artsed_desktop.domain.safetensors import (
    SafetensorsError,
    SafetensorsIncompleteError,
    lora_facts,
    parse_safetensors_header,
)
from ai4artsed_desktop.engine.graphs import NoGraphError, build_graph
from ai4artsed_desktop.engine.lora import LoraChoice
from ai4artsed_desktop.engine.templates import fill_text
from ai4artsed_desktop.headless.context import EXIT_DONE, Context

#: LoRA headers are mostly below 1 MB; longer ones are read again in full.
_FIRST_READ_BYTES = 1_000_000


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
            "--param", action="append", default=[], metavar="NAME=VALUE", help="set an output parameter"
        )
        parser.add_argument(
            "--lora", action="append", default=[], metavar="FILE:STRENGTH", help="add a LoRA; strength 0.6 if absent"
        )
        parser.add_argument("--image", action="append", default=[], metavar="FILE", help="pictures, then the mask")
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
        texts = {"PREVIOUS_OUTPUT": prompt, "INPUT_TEXT": prompt, "USER_INPUT": prompt, "SECONDARY_TEXT": ""}
        texts["LANGUAGE"] = guess_language(prompt) or context.messages.language
        person = _values(options.param) | _pictures(options.image, mappings)
        values = resolve(
            mappings,
            person,
            config.overrides,
            lambda source: fill_text(source, texts, chunk.name),
            lambda: secrets.randbelow(SEED_LIMIT),
        )
        loras = [await asyncio.to_thread(_choice, _parse_lora(item)) for item in options.lora]
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


def _pictures(files: Sequence[str], mappings: Mapping[str, Iterable[InputMapping]]) -> dict[str, ParameterValue]:
    """Return the chunk's picture parameters with the files' names, under which they are uploaded."""
    places = [name for name, mapping in mappings.items() if any(place.type == "image" for place in mapping)]
    if len(files) > len(places):
        raise ParameterError(name="--image", value=files[len(places)], expected=", ".join(places) or "–")
    return {name: Path(file).name for name, file in zip(places, files, strict=False)}


def _parse_lora(item: str) -> LoraUse:
    """Read ``FILE:STRENGTH``; a Windows drive's colon is no strength."""
    name, _, strength = item.rpartition(":")
    try:
        return LoraUse(name=name, strength=float(strength))
    except ValueError:  # also what pydantic raises
        pass
    try:
        float(strength)
    except ValueError:
        return LoraUse(name=item)
    raise ParameterError(name="--lora", value=item, expected="FILE:STRENGTH, -4 … 4")


def _choice(lora: LoraUse) -> LoraChoice:
    """Return the LoRA as the server names it, with its family if the file can be read here."""
    path = Path(lora.name)
    if not path.is_file():
        return LoraChoice(lora.name, lora.strength)
    parts = path.absolute().parts
    inside = parts[parts.index("loras") + 1 :] if "loras" in parts[:-1] else parts[-1:]
    try:
        facts = lora_facts(parse_safetensors_header(_read_header(path)))
    except SafetensorsError as exc:
        raise ParameterError(str(exc), name="--lora", value=lora.name, expected="safetensors") from exc
    return LoraChoice("/".join(inside), lora.strength, facts.family)


def _read_header(path: Path) -> bytes:
    with translated_errors(path), path.open("rb") as file:
        start = file.read(_FIRST_READ_BYTES)
        try:
            parse_safetensors_header(start)
        except SafetensorsIncompleteError as exc:
            return start + file.read(exc.needed_bytes - len(start))
        except SafetensorsError:
            pass  # said by the caller
        return start


COMMAND = GraphCommand()
