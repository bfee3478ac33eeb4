"""What goes into the next run beside words: pictures, a mask, LoRAs. Only there where an output takes them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.create.image_slots import ImageSlots
from ai4artsed_desktop.ui.create.lora_picks import LoraPicks
from ai4artsed_desktop.ui.create.strength_strip import StrengthStripSheet, strip_requests
from ai4artsed_desktop.ui.earlier_pictures import earlier_pictures
from ai4artsed_desktop.ui.models.strip import StripModel
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.session_runs import RunFacts
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import row


class ImageLoraRow(QFrame):
    """Slots at the left, LoRAs beside them.

    Args:
        context: What every page is given.
        page: The widget that sheets cover.
        results: This session's results, to take pictures from.
        show_error: Shows an error where the page shows its errors.
    """

    #: Words that shall go into the idea.
    words_wanted = Signal(list)
    #: Name of the LoRA whose strengths shall be compared.
    strip_wanted = Signal(str)
    #: A run of the strength strip shall be shown: its id.
    run_chosen = Signal(str)

    def __init__(
        self, context: PageContext, page: QWidget, results: StripModel, show_error: Callable[[ErrorInfo], None]
    ) -> None:
        super().__init__()
        self._context = context
        self._page = page
        self._strip: StrengthStripSheet | None = None
        set_look(self, "card")
        self.slots = ImageSlots(
            context.kit,
            context.desk,
            page,
            lambda: [results.item(number) for number in range(results.rowCount())],
            show_error,
        )
        self.picks = LoraPicks(context.kit, context.bridge, page, show_error)
        self.picks.set_loras(_remembered(context.memory.get("loras", [])))
        self.picks.changed.connect(self._remember)
        self.picks.words_wanted.connect(self.words_wanted)
        self.picks.strip_wanted.connect(self.strip_wanted)
        context.runs.ended.connect(self._look_for_earlier)
        layout = row(self.slots, self.picks, space=r.SPACE_3, margin=r.SPACE_2)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        context.actions.add(
            WindowAction("add_picture", "images.add", self.slots.choose, "picture", "", lambda: bool(self.slots.slots)),
            WindowAction("add_lora", "lora.add", self.picks.open_library, "shapes", "", lambda: self.picks.is_offered),
        )
        self.hide()

    @property
    def images(self) -> dict[str, Path]:
        """Pictures and masks by parameter."""
        return self.slots.images

    @property
    def loras(self) -> tuple[LoraUse, ...]:
        """The LoRAs picked."""
        return self.picks.loras

    def show_outputs(self, catalog: Catalog, output_ids: Sequence[str]) -> None:
        """Show what the outputs picked take."""
        if self.slots.show_outputs(catalog, output_ids):
            self._look_for_earlier()
        self.picks.show_outputs(catalog, output_ids)
        self.setVisible(not self.slots.isHidden() or not self.picks.isHidden())

    def take_over(self, request: RunRequest) -> None:
        """Show what an earlier run used."""
        self.slots.set_images(request.images)
        self.picks.set_loras(request.loras)

    def _look_for_earlier(self) -> None:
        """Find pictures of earlier runs ahead of time: when a menu opens, it is too late to read them."""
        if self.slots.slots:
            self._context.bridge.ask(earlier_pictures(self._context.bridge.engine), self.slots.set_earlier)

    def _remember(self) -> None:
        self._context.memory.put("loras", [lora.model_dump() for lora in self.picks.all_picked])

    def compare(self, name: str, request: RunRequest, submit: Callable[[RunRequest], RunFacts | None]) -> None:
        """Submit the runs of a strength strip, and show them side by side.

        Args:
            submit: Submits a run and shows why it cannot be; None then, and the strip ends there.
        """
        submitted: list[RunFacts] = []
        for wanted in strip_requests(request, name):
            facts = submit(wanted)
            if facts is None:
                return
            submitted.append(facts)
        if self._strip is None:
            self._strip = StrengthStripSheet(
                self._context.kit, self._page, self._context.runs, self._context.desk.read_bytes
            )
            self._strip.run_chosen.connect(self.run_chosen)
        self._strip.open_for(name, submitted)


def _remembered(saved: Sequence[object]) -> list[LoraUse]:
    """Return the LoRAs of the last time; what is damaged counts as never remembered."""
    found: list[LoraUse] = []
    for entry in saved:
        with contextlib.suppress(ValidationError):
            found.append(LoraUse.model_validate(entry))
    return found


def with_words(text: str, words: Sequence[str]) -> str:
    """Return a text that ends with these words, as a prompt does; those that stand in it already are not repeated."""
    lower = text.lower()
    new = [word for word in words if word.lower() not in lower]
    return ", ".join(filter(None, (text.rstrip().rstrip(","), *new)))
