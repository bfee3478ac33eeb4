"""What stands in the three boxes now, as a request; and which seed it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.runs import OutputRequest, RunRequest, StageName
from ai4artsed_desktop.domain.settings import Settings


@dataclass(frozen=True, slots=True)
class Draft:
    """The boxes' content. ``rules`` None = the interception's own."""

    text: str
    interception_id: str
    rules: str | None
    outputs: tuple[OutputRequest, ...]
    pause: bool = False
    secondary_text: str = ""
    loras: tuple[LoraUse, ...] = ()
    images: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))

    def request(self, settings: Settings, language: str, seed: int) -> RunRequest:
        """Return the run to make."""
        return RunRequest(
            text=self.text,
            secondary_text=self.secondary_text,
            interception_id=self.interception_id,
            outputs=self.outputs,
            rules=self.rules,
            language=language,
            seed=seed,
            safety_level=settings.safety_level,
            participant=settings.participant,
            pause_after=frozenset({StageName.INTERCEPTION}) if self.pause else frozenset(),
            loras=self.loras,
            images=dict(self.images),
        )


def next_seed(
    draft: Draft, last: RunRequest | None, shown: int | None, is_pinned: bool, draw: Callable[[], int]
) -> int:
    """Return the seed of the next run.

    A pinned one stays. An edited idea keeps the seed, so that the edit alone makes the difference; an unchanged one
    gets a new seed, so that pressing Make again makes something new (FORMATS: SEED).
    """
    is_new = last is None or shown != last.seed  # typed, or thrown with the dice
    if shown is not None and (is_pinned or is_new):
        return shown
    if last is None or last.seed is None or _does_the_same(draft, last):
        return draw()
    return last.seed


def _does_the_same(draft: Draft, last: RunRequest) -> bool:
    words = (draft.text, draft.secondary_text, draft.interception_id, draft.rules)
    things = (draft.outputs, draft.loras, dict(draft.images))
    return words == (last.text, last.secondary_text, last.interception_id, last.rules) and things == (
        last.outputs,
        last.loras,
        dict(last.images),
    )
