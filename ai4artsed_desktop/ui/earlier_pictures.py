"""Pictures that recorded runs made, to be used again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.ui.drops import PICTURE_SUFFIXES
from ai4artsed_desktop.ui.models.strip import title_of

#: As many as a menu can show, out of so many runs.
MOST_EARLIER, _RUNS_LOOKED_AT = 24, 200


@dataclass(frozen=True, slots=True)
class EarlierPicture:
    """A picture that a run made: the beginning of the run's text, and where it lies."""

    title: str
    path: Path


async def earlier_pictures(engine: Engine) -> list[EarlierPicture]:
    """Return the newest pictures of recorded runs, newest run first. Raises StorageError."""
    found: list[EarlierPicture] = []
    for run in await engine.runs.list_runs(_RUNS_LOOKED_AT):
        made = [name for name in run.media if name.lower().endswith(PICTURE_SUFFIXES)]
        if made and len(found) < MOST_EARLIER:
            folder = await engine.store.folder_of(run.run_id)
            found += [EarlierPicture(title_of(run.text), folder / name) for name in made]
    return found[:MOST_EARLIER]
