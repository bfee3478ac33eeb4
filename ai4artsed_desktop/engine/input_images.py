"""Pictures that go into a run: an output's places for them, what is missing, and the names that the graph has for them.

A picture is copied into the run's folder before the run is queued, so that the run can be done again when the original
is gone. A mask is white where the model paints anew and black where the picture stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

from ai4artsed_desktop.domain.chunks import Chunk, InputMapping, OutputChunk, mappings_of
from ai4artsed_desktop.domain.errors import InputError
from ai4artsed_desktop.domain.graph_links import Output, class_of, consumers_of
from ai4artsed_desktop.domain.parameters import match_name
from ai4artsed_desktop.domain.runs import OutputRequest, ParameterValue, RunRecord, RunRequest
from ai4artsed_desktop.domain.server_media import media_in_graph
from ai4artsed_desktop.domain.text import LocalizedText
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.ports import InputFile, RunFolder

#: Key of the mask of a chunk that takes it as its picture's alpha channel.
ALPHA_MASK = "mask"
#: ComfyUI's LoadImage gives a picture (0) and a mask (1), which is what its alpha channel leaves out.
_LOADER, _MASK_SLOT = "LoadImage", 1
#: Fact of a file in the run folder: the parameter whose picture it is, with its mask as alpha channel.
STANDS_FOR = "stands_for"
#: Fact of a file in the run folder: what the person's file is called.
ORIGINAL = "original"


class ImageMissingError(InputError):
    """An output needs a picture that nobody gave. Params: ``output``, ``image`` (the parameter)."""

    code = "error.input.image_missing"


class ImageUnwantedError(InputError):
    """A picture was given that no output of the run has a place for. Params: ``image``, ``expected`` ("–" = none)."""

    code = "error.input.image_unwanted"


class ImageFileError(InputError):
    """A file that shall be an input cannot be read as a picture. Params: ``file``."""

    code = "error.input.image_file"


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """Where a picture goes into an output.

    Attributes:
        key: The parameter's name.
        mask_of: Key of the picture that this place's picture is the mask of; None = it is no mask.
        is_alpha: The mask becomes its picture's alpha channel; otherwise the graph loads it as a picture of its own.
    """

    key: str
    is_required: bool
    name: LocalizedText | None = None
    description: LocalizedText | None = None
    mask_of: str | None = None
    is_alpha: bool = False


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture in the run's folder. ``name`` is what it is uploaded as, and what the graph calls it."""

    path: Path
    name: str


def picture_places(chunk: Chunk) -> tuple[PicturePlace, ...]:
    """Return a chunk's places for pictures in their order, masks behind the pictures they belong to."""
    mappings = mappings_of(chunk)
    keys = [key for key, places in mappings.items() if places[0].type == "image"]
    pictures = [key for key in keys if "mask" not in key.lower()]
    first = pictures[0] if pictures else None
    found: list[PicturePlace] = []
    for key in keys:
        place = mappings[key][0]
        mask_of = first if key not in pictures else None
        found.append(PicturePlace(key, place.required, place.name, place.description, mask_of))
    if len(pictures) == len(keys) and isinstance(chunk, OutputChunk):
        masked = next((key for key in pictures if _reads_alpha(chunk, mappings[key][0].node_id)), None)
        if masked is not None:
            found.append(PicturePlace(ALPHA_MASK, is_required=False, mask_of=masked, is_alpha=True))
    return tuple(found)


def assign_files(places: Sequence[PicturePlace], pictures: Sequence[Path], mask: Path | None = None) -> dict[str, Path]:
    """Return the place of each file: pictures in the order of the places, masks last.

    Raises:
        ImageUnwantedError: There are more files than places.
    """
    free = sorted((p for p in places if not p.is_alpha or mask is None), key=lambda p: p.mask_of is not None)
    masks = [p for p in places if p.mask_of is not None]
    given: dict[str, Path] = {}
    if mask is not None:
        if not masks:
            raise ImageUnwantedError(image=mask.name, expected=_keys(places))
        given[masks[0].key] = mask
        free = [p for p in free if p.mask_of is None]
    if len(pictures) > len(free):
        raise ImageUnwantedError(image=pictures[len(free)].name, expected=_keys(places))
    return given | {place.key: file for place, file in zip(free, pictures, strict=False)}


def places_of(catalog: Catalog, output_ids: Iterable[str]) -> tuple[PicturePlace, ...]:
    """Return the places of several outputs together; places of one name are filled by one picture.

    Raises:
        UnknownEntryError: No such output or chunk.
    """
    places: dict[str, PicturePlace] = {}
    for output_id in output_ids:
        for place in picture_places(catalog.chunk(catalog.output(output_id).value.chunk).value):
            if place.key not in places or place.is_required:
                places[place.key] = place
    return tuple(places.values())


def check_images(request: RunRequest, catalog: Catalog) -> None:
    """Let a request pass whose pictures all have a place and whose outputs all have their pictures.

    Raises:
        ImageMissingError, ImageUnwantedError, UnknownEntryError.
    """
    places = places_of(catalog, (output.output_id for output in request.outputs))
    for key in request.images:
        if all(place.key != key for place in places):
            raise ImageUnwantedError(image=key, expected=_keys(places))
    for output in request.outputs:
        config = catalog.output(output.output_id).value
        given = {**config.overrides, **output.parameters, **request.images}
        for place in picture_places(catalog.chunk(config.chunk).value):
            if place.is_required and not any(match_name(key, (place.key,)) and value for key, value in given.items()):
                raise ImageMissingError(output=config.id, image=place.key)


def with_wanted_images(request: RunRequest, catalog: Catalog) -> RunRequest:
    """Return the request with those of its pictures that its outputs have places for: some may be made already."""
    keys = {p.key for p in places_of(catalog, (o.output_id for o in request.outputs if o.output_id in catalog.outputs))}
    return replace(request, images={key: path for key, path in request.images.items() if key in keys})


def with_images(output: OutputRequest, chunk: Chunk, names: Mapping[str, str]) -> dict[str, ParameterValue]:
    """Return the values a person set for an output, with the names of the pictures that it has places for."""
    mappings = mappings_of(chunk)
    return {**output.parameters, **{key: name for key, name in names.items() if key in mappings}}


def server_pictures(chunk: Chunk, given: Iterable[str], *layers: Mapping[str, ParameterValue]) -> list[str]:
    """Return the media of an output that lie on its server or elsewhere: nobody has seen them here.

    They stand for a place for pictures, or are baked into the graph. What a parameter of another kind brings into a
    loader is seen when the request goes out (``RunGate.check_media``).

    Args:
        given: Parameters whose pictures the person gave.
        layers: Values in place of the chunk's defaults; a later layer wins.
    """
    found: list[str] = []
    for key, places in mappings_of(chunk).items():
        if places[0].type != "image" or key in given:
            continue
        said = [value for layer in layers for name, value in layer.items() if match_name(name, (key,))]
        if picture := next((value for value in reversed(said) if value is not None), places[0].default):
            found.append(str(picture))
    if isinstance(chunk, OutputChunk):
        filled = {(p.node_id or "", _input_of(p)) for places in mappings_of(chunk).values() for p in places}
        found += media_in_graph(_plain(chunk), frozenset(), filled)
    return found


async def take_in(folder: RunFolder, request: RunRequest, catalog: Catalog) -> None:
    """Copy a run's pictures into its folder and record them. Raises ImageFileError, StorageError."""
    if not request.images:
        return
    files = {key: (await folder.take_in(f"input_{key}", path)).filename for key, path in request.images.items()}
    for place in places_of(catalog, (output.output_id for output in request.outputs)):
        picture = place.mask_of
        if place.is_alpha and picture is not None and picture in request.images and place.key in request.images:
            pair = request.images[picture], request.images[place.key]
            await folder.take_in(f"input_{picture}_masked", pair[0], mask=pair[1], facts={STANDS_FOR: picture})
    await folder.save(images=files)


def stored_images(record: RunRecord, folder: Path) -> Mapping[str, StoredImage]:
    """Return a run's own copies of its pictures, by parameter; a masked one instead of the picture it stands for."""
    by_name = {entity.filename: entity for entity in record.entities}
    chosen = {key: by_name[name] for key, name in record.images.items() if name in by_name}
    chosen |= {str(e.metadata[STANDS_FOR]): e for e in record.entities if STANDS_FOR in e.metadata}
    names = upload_names({key: PurePath(str(entity.metadata[ORIGINAL])) for key, entity in chosen.items()})
    return MappingProxyType({key: StoredImage(folder / e.filename, names[key]) for key, e in chosen.items()})


def upload_names(files: Mapping[str, PurePath]) -> dict[str, str]:
    """Return the names under which files go to a server, by parameter: their own, and unlike each other."""
    own = Counter(file.name.lower() for file in files.values())
    return {
        key: file.name if own[file.name.lower()] == 1 else f"{file.stem}_{key}{file.suffix}"
        for key, file in files.items()
    }


def originals_of(record: RunRecord, folder: Path) -> dict[str, Path]:
    """Return the pictures of a recorded run, to be given to another one."""
    return {key: folder / name for key, name in record.images.items()}


def input_files(chunk: Chunk, images: Mapping[str, StoredImage]) -> tuple[InputFile, ...]:
    """Return the files that a server needs before it gets the chunk's graph."""
    mappings = mappings_of(chunk)
    return tuple(InputFile(image.name, image.path) for key, image in images.items() if key in mappings)


def _reads_alpha(chunk: OutputChunk, node_id: str | None) -> bool:
    graph = _plain(chunk)
    if node_id is None or class_of(graph.get(node_id, {})) != _LOADER:
        return False
    return bool(consumers_of(graph, Output(node_id, _MASK_SLOT)))


def _plain(chunk: OutputChunk) -> dict[str, dict[str, Any]]:
    return {name: {"class_type": n.class_type, "inputs": n.inputs} for name, n in chunk.workflow.items()}


def _input_of(place: InputMapping) -> str:
    return (place.field or "").removeprefix("inputs.")


def _keys(places: Iterable[PicturePlace]) -> str:
    return ", ".join(place.key for place in places) or "–"
