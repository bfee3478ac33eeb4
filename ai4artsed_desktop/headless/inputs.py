"""The flags for LoRAs, pictures and masks, which ``run`` and ``graph`` share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import ParameterError
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.input_images import ImageFileError, assign_files, places_of

#: Strengths that are taken; the field's own names for "none" and "far too strong" lie inside.
_STRENGTHS = "-4 … 4"


def add_input_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--lora``, ``--image`` and ``--mask``."""
    parser.add_argument(
        "--lora", action="append", default=[], metavar="FILE:STRENGTH", help="add a LoRA; strength 0.6 if absent"
    )
    parser.add_argument(
        "--image", action="append", default=[], metavar="FILE", help="a picture the output works on; in order"
    )
    parser.add_argument("--mask", metavar="FILE", help="what is painted anew: white on black, as large as the picture")


def parse_lora(item: str) -> LoraUse:
    """Read ``FILE:STRENGTH``; the colon of a Windows drive begins no strength.

    Raises:
        ParameterError: There is no name, or the strength is no number that can be.
    """
    name, _, strength = item.rpartition(":")
    try:
        number = float(strength)
    except ValueError:
        name, number = item, 0.6
    if not name or not -4 <= number <= 4:  # NaN is refused, too: it is not within anything
        raise ParameterError(name="--lora", value=item, expected=f"FILE:STRENGTH, {_STRENGTHS}")
    # A file goes by its whole path: the run may be done again from elsewhere.
    return LoraUse(name=str(Path(name).absolute()) if Path(name).is_file() else name, strength=number)


def images_of(
    catalog: Catalog, output_ids: Sequence[str], images: Sequence[str], mask: str | None, *, must_exist: bool = True
) -> dict[str, Path]:
    """Return the pictures' places in the outputs.

    Raises:
        ImageUnwantedError: There are more pictures than places.
        ImageFileError: A file is not there.
        UnknownEntryError: No such output.
    """
    given = assign_files(places_of(catalog, output_ids), [Path(file) for file in images], Path(mask) if mask else None)
    missing = next((path for path in given.values() if must_exist and not path.is_file()), None)
    if missing is not None:
        raise ImageFileError(f"{missing}: no such file", file=str(missing))
    return {key: path.absolute() for key, path in given.items()}
