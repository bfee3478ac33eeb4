"""What stands in the three boxes now, as a request; and which seed it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

    def request(self, settings: Settings, language: str, seed: int) -> RunRequest:
        """Return the run to make."""
        return RunRequest(
            text=self.text,
            interception_id=self.interception_id,
            outputs=self.outputs,
            rules=self.rules,
            language=language,
            seed=seed,
            safety_level=settings.safety_level,
            participant=settings.participant,
            pause_after=frozenset({StageName.INTERCEPTION}) if self.pause else frozenset(),
        )


def next_seed(draft: Draft, last: RunRequest | None, shown: int | None, is_pinned: bool, draw: Callable[[], int]) -> int:
    """Return the seed of the next run.

    A pinned one stays. An edited idea keeps the seed, so that the edit alone makes the difference; an unchanged one
    gets a new seed, so that pressing Make again makes something new (FORMATS: SEED).
    """
    if is_pinned and shown is not None:
        return shown
    if last is None or last.seed is None:
        # A number thrown with the dice, but not pinned, is for the next run.
        return shown if shown is not None else draw()
    is_thrown = shown is not None and shown != last.seed
    is_unchanged = (draft.text, draft.interception_id, draft.rules, draft.outputs) == (
        last.text,
        last.interception_id,
        last.rules,
        last.outputs,
    )
    if is_thrown:
        return shown if shown is not None else draw()
    return draw() if is_unchanged else last.seed
