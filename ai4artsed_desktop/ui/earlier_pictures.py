"""Pictures that recorded runs made, to be used again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QImage

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.ui.drops import PICTURE_SUFFIXES
from ai4artsed_desktop.ui.models.strip import title_of
from ai4artsed_desktop.ui.pictures import read_upright

_log = logging.getLogger(__name__)

#: As many as a menu can show, out of so many runs.
MOST_EARLIER, _RUNS_LOOKED_AT = 24, 200
_THUMB_PX = 96


@dataclass(frozen=True, slots=True)
class EarlierPicture:
    """A picture that a run made: the beginning of the run's text, where it lies, and once it was read, itself."""

    title: str
    path: Path
    picture: QImage | None = None


async def earlier_pictures(engine: Engine) -> list[EarlierPicture]:
    """Return the newest pictures of recorded runs, newest run first. Raises StorageError."""
    found: list[EarlierPicture] = []
    for run in await engine.runs.list_runs(_RUNS_LOOKED_AT):
        made = [name for name in run.media if name.lower().endswith(PICTURE_SUFFIXES)]
        if made and len(found) < MOST_EARLIER:
            folder = await engine.store.folder_of(run.run_id)
            found += [EarlierPicture(title_of(run.text), folder / name) for name in made]
    return found[:MOST_EARLIER]


def with_thumbnails(read: Callable[[Path], bytes], pictures: Sequence[EarlierPicture]) -> list[EarlierPicture]:
    """Read small pictures, in a worker; those that are gone or broken are left out."""
    found: list[EarlierPicture] = []
    for earlier in pictures:
        try:
            picture = read_upright(read(earlier.path), _THUMB_PX)
        except AppError as exc:  # nothing that could be offered
            _log.info("a picture of an earlier run is not offered: %s", exc)
        else:
            if not picture.isNull():
                found.append(EarlierPicture(earlier.title, earlier.path, picture))
    return found
