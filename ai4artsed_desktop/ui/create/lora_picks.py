"""The LoRAs of the next run: picked from the library, each with its strength."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.lora_library import START_STRENGTH, LoraFile, fit_problem, lora_chunks
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.create.lora_cards import lora_cards, previews_of, reason_words
from ai4artsed_desktop.ui.create.lora_chip import LoraChip
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout
from ai4artsed_desktop.ui.widgets.picker import PickerSheet


class LoraPicks(QWidget):
    """Shown while an output takes LoRAs; what was picked stays until then.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
        page: The widget that the library's sheet covers.
        show_error: Shows why the library cannot be listed.
    """

    changed = Signal()
    #: Words that shall go into the idea.
    words_wanted = Signal(list)
    #: Name of the LoRA whose strengths shall be compared.
    strip_wanted = Signal(str)

    def __init__(self, kit: Kit, bridge: EngineBridge, page: QWidget, show_error: Callable[[ErrorInfo], None]) -> None:
        super().__init__()
        self._kit = kit
        self._bridge = bridge
        self._page = page
        self._show_error = show_error
        self._chunks: list[OutputChunk] = []
        self._library: dict[str, LoraFile] = {}
        self._previews: dict[str, QImage] = {}
        self._is_listed = False
        self.sheet: PickerSheet | None = None
        self.chips: list[LoraChip] = []
        self.add_button = Button(kit, "lora.add", "plus", "quiet")
        self._flow = FlowLayout(space=r.SPACE_2)
        self._flow.addWidget(self.add_button)
        self.setLayout(self._flow)
        self._decoding = Background[dict[str, QImage]](self, self._on_decoded, show_error)
        self.add_button.clicked.connect(self.open_library)
        kit.translator.language_changed.connect(self._describe)

    @property
    def is_offered(self) -> bool:
        """Whether an output takes LoRAs."""
        return bool(self._chunks)

    @property
    def loras(self) -> tuple[LoraUse, ...]:
        """What the next run takes; nothing while no output takes LoRAs."""
        return tuple(chip.use for chip in self.chips) if self._chunks else ()

    def show_outputs(self, catalog: Catalog, output_ids: Sequence[str]) -> None:
        """Show or hide, by what the outputs picked can do, and say which LoRA does not fit them."""
        self._chunks = lora_chunks(catalog, (name for name in output_ids if name in catalog.outputs))
        self.setVisible(bool(self._chunks))
        if self.chips and self._chunks and not self._is_listed:
            self.refresh()
        self._describe()

    def set_loras(self, loras: Sequence[LoraUse]) -> None:
        """Take over the LoRAs of an earlier run."""
        for chip in tuple(self.chips):
            self._take_out(chip)
        for use in loras:
            self._add_chip(use)
        # Before anything that takes LoRAs is shown, nobody need look for them.
        if loras and self._chunks:
            self.refresh()
        self.changed.emit()

    @property
    def all_picked(self) -> tuple[LoraUse, ...]:
        """Every LoRA picked, also while no output takes it."""
        return tuple(chip.use for chip in self.chips)

    def pick(self, name: str) -> None:
        """Add a LoRA; one that is there already stays as it is."""
        if all(chip.use.name != name for chip in self.chips):
            self._add_chip(LoraUse(name=name, strength=START_STRENGTH))
            self._describe()
            self.changed.emit()

    def take_out(self, name: str) -> None:
        """Take a LoRA out."""
        for chip in [chip for chip in self.chips if chip.use.name == name]:
            self._take_out(chip)
        self.changed.emit()

    def open_library(self) -> None:
        """Open the sheet with every LoRA there is; the list is made anew each time."""
        if self.sheet is None:
            self.sheet = PickerSheet(self._kit, self._page, "lora.title")
            self.sheet.picked.connect(self.pick)
        self._fill_sheet()
        self.sheet.open_for("")
        self.refresh()

    def refresh(self) -> None:
        """Look for LoRAs again."""
        self._bridge.ask(self._bridge.engine.loras.list(), self._on_listed, self._show_error)

    def _on_listed(self, loras: Sequence[LoraFile]) -> None:
        self._is_listed = True
        self._library = {lora.name: lora for lora in loras}
        self._describe()
        self._fill_sheet()
        self._decoding.start(lambda: previews_of(loras))

    def _on_decoded(self, previews: dict[str, QImage]) -> None:
        self._previews = previews
        if previews:
            self._fill_sheet()

    def _fill_sheet(self) -> None:
        if self.sheet is not None:
            self.sheet.set_items(lora_cards(self._kit, tuple(self._library.values()), self._chunks, self._previews))
            empty_key = "picker.no_match" if self._library else "lora.none" if self._is_listed else "lora.looking"
            self.sheet.nothing.set_key(empty_key)

    def _add_chip(self, use: LoraUse) -> None:
        chip = LoraChip(self._kit, use)
        chip.changed.connect(self.changed)
        chip.removed.connect(partial(self._on_chip_removed, chip))
        chip.words_wanted.connect(partial(self._on_chip_words_wanted, chip))
        chip.strip_wanted.connect(partial(self._on_chip_strip_wanted, chip))
        self.chips.append(chip)
        # In front of the button that adds the next one.
        self._flow.removeWidget(self.add_button)
        self._flow.addWidget(chip)
        self._flow.addWidget(self.add_button)

    def _take_out(self, chip: LoraChip) -> None:
        self.chips.remove(chip)
        self._flow.removeWidget(chip)
        chip.hide()
        chip.deleteLater()

    def _describe(self) -> None:
        for chip in self.chips:
            lora = self._library.get(chip.use.name)
            problem = fit_problem(lora, self._chunks) if lora is not None else None
            chip.describe(lora, reason_words(self._kit, problem) if problem is not None else "")

    def _on_chip_removed(self, chip: LoraChip) -> None:
        self._take_out(chip)
        self.add_button.setFocus()
        self.changed.emit()

    def _on_chip_words_wanted(self, chip: LoraChip) -> None:
        if chip.lora is not None and chip.lora.facts is not None:
            self.words_wanted.emit(list(chip.lora.facts.trigger_words))

    def _on_chip_strip_wanted(self, chip: LoraChip) -> None:
        self.strip_wanted.emit(chip.use.name)
