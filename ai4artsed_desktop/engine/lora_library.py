"""The LoRAs there are, what each one says about itself, and whether it fits an output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.chunks import Chunk, OutputChunk
from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.graph_links import lora_points
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.domain.safetensors import LoraFacts, ModelFamily
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.graphs import family_of
from ai4artsed_desktop.engine.lora import LoraChoice, NoLoraPlaceError, check_family, merge_loras

#: Strengths that are compared on one seed, from "without" to "as strong as it was trained".
STRIP_STRENGTHS = (0.0, 0.4, 0.6, 0.8, 1.0)
#: Where the slider begins and ends; below 0 and above is possible on the command line (-4 … 4).
START_STRENGTH, HIGHEST_STRENGTH = 0.6, 1.2


@dataclass(frozen=True, slots=True)
class LoraFile:
    """One LoRA.

    Attributes:
        name: As the server lists it: below its LoRA folder, with ``/`` and the extension.
        path: Where it lies; None = only the server knows it.
        size_bytes: None = not known.
        facts: From its header; None = the file cannot be reached or read from here.
        problem: Why it cannot be used, None = nothing is known against it.
    """

    name: str
    path: Path | None = None
    size_bytes: int | None = None
    facts: LoraFacts | None = None
    problem: Reason | None = None

    @property
    def family(self) -> ModelFamily | None:
        """What it was made for; None = it does not say."""
        return self.facts.family if self.facts is not None else None

    @property
    def title(self) -> str:
        """What people call it: its own title, else its file's name."""
        return (self.facts.title if self.facts is not None else "") or Path(self.name).stem


class LoraFiles(Protocol):
    """Where LoRA files lie."""

    async def files(self) -> Sequence[LoraFile]:
        """Return every LoRA of the folders and of the server that runs, by name. Never raises for a bad file."""
        ...

    async def find(self, name: str) -> LoraFile | None:
        """Return one by its name, or by its path on this machine. Quicker than ``files``: no server is asked.

        Raises:
            LoraFileError: There is such a file, but it is no LoRA that can be read.
        """
        ...


class LoraLibrary:
    """Lists LoRAs and prepares those of a run. ``files`` None = nothing can be reached from here."""

    def __init__(self, files: LoraFiles | None = None) -> None:
        self._files = files

    async def list(self) -> Sequence[LoraFile]:
        """Return every LoRA there is, by name."""
        return await self._files.files() if self._files is not None else ()

    async def find(self, name: str) -> LoraFile | None:
        """Return one by its name or path, None if it cannot be reached from here. Raises LoraFileError."""
        return await self._files.find(name) if self._files is not None else None

    async def choices(self, uses: Iterable[LoraUse]) -> list[LoraChoice]:
        """Return the LoRAs under the names the server knows, with their families where the files can be read.

        Raises:
            LoraFileError: See ``find``.
        """
        found = [(use, await self.find(use.name)) for use in uses]
        return [
            LoraChoice(use.name, use.strength) if file is None else LoraChoice(file.name, use.strength, file.family)
            for use, file in found
        ]


def takes_loras(chunk: Chunk) -> bool:
    """Tell whether a LoRA would do anything in a chunk: its graph has a model loader that we know."""
    if not isinstance(chunk, OutputChunk):
        return False
    graph = {name: {"class_type": node.class_type, "inputs": node.inputs} for name, node in chunk.workflow.items()}
    return bool(lora_points(graph))


def lora_chunks(catalog: Catalog, output_ids: Iterable[str]) -> list[OutputChunk]:
    """Return the chunks of those outputs that take LoRAs. Raises UnknownEntryError."""
    chunks = (catalog.chunk(catalog.output(output_id).value.chunk).value for output_id in output_ids)
    return [chunk for chunk in chunks if isinstance(chunk, OutputChunk) and takes_loras(chunk)]


def check_lora_places(request: RunRequest, catalog: Catalog) -> None:
    """Let a request pass whose LoRAs change at least one of its outputs.

    Raises:
        NoLoraPlaceError, UnknownEntryError.
    """
    if request.loras and not lora_chunks(catalog, (output.output_id for output in request.outputs)):
        raise NoLoraPlaceError(lora=request.loras[0].name)


def with_wanted_loras(request: RunRequest, catalog: Catalog) -> RunRequest:
    """Return the request without LoRAs if none of its outputs takes any: those that do may be made already."""
    outputs = (output.output_id for output in request.outputs if output.output_id in catalog.outputs)
    return request if lora_chunks(catalog, outputs) else replace(request, loras=())


def loras_of(request: RunRequest, catalog: Catalog) -> tuple[LoraUse, ...]:
    """Return what a run applies: the interception's LoRAs, then the person's, whose strength wins."""
    return merge_loras(catalog.interception(request.interception_id).value.meta.loras, request.loras)


def fit_problem(lora: LoraFile, chunks: Iterable[OutputChunk]) -> Reason | None:
    """Return why a LoRA cannot be used with these chunks, or None."""
    if lora.problem is not None:
        return lora.problem
    families = (family_of(chunk) for chunk in chunks)
    wrong = next((family for family in families if None not in (family, lora.family) and family != lora.family), None)
    if wrong is None or lora.family is None:
        return None
    return Reason("reason.lora_family", {"family": lora.family.value, "expected": wrong.value})


async def check_fit(library: LoraLibrary, uses: Sequence[LoraUse], chunk: Chunk) -> None:
    """Let LoRAs pass that fit a chunk's model, before anything else of the run is done.

    Raises:
        LoraFamilyError, LoraFileError.
    """
    if uses and isinstance(chunk, OutputChunk):
        for lora in await library.choices(uses):
            check_family(lora, family_of(chunk))
