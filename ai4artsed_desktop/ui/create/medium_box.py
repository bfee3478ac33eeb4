"""The third box: which medium or media, their parameters, the seed, and the one button."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QLayout, QWidget

from ai4artsed_desktop.domain.chunks import InputMapping
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.actions import shortcut_text
from ai4artsed_desktop.ui.create.parameters import ParameterValues, parameter_field, parameters_of
from ai4artsed_desktop.ui.create.seed_field import SeedField
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import duration_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, column, row
from ai4artsed_desktop.ui.widgets.fields import NumberField, WholeField
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout
from ai4artsed_desktop.ui.widgets.picker import PickerButton

#: So many of the first output's parameters stand in the box itself; the rest is under "More".
INLINE_COUNT = 2


class MediumBox(QFrame):
    """Picks outputs, sets parameters, makes. The page tells it what is picked."""

    #: The picker was pressed: choose the first output anew.
    pick_requested = Signal()
    #: One more output shall be made from the same text.
    add_requested = Signal()
    #: Id of an output that shall not be made after all.
    remove_requested = Signal(str)
    more_requested = Signal()
    make_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, kit: Kit, values: ParameterValues) -> None:
        super().__init__()
        self._kit = kit
        self._values = values
        self._started_s: float | None = None
        self._inline_shown: tuple[str, str] | None = None
        self._inline_catalog: Catalog | None = None
        set_look(self, "card")
        self.title = Label(kit, "create.medium", "overline")
        self.picker = PickerButton(kit, "create.medium.pick")
        self.add_button = IconButton(kit, "plus", "create.medium.add")
        self.seed = SeedField(kit)
        self.more_button = IconButton(kit, "more", "create.medium.more")
        self.make_button = Button(kit, "create.make", "", "primary")
        self.queue_button = Button(kit, "create.queue", "plus", "quiet")
        self.queue_button.hide()
        self._chips = FlowLayout(space=r.SPACE_1)
        self._inline = row(space=r.SPACE_2)
        self._build()
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self.retranslate)
        kit.translator.language_changed.connect(self.retranslate)
        self.show_working(None)

    def show_outputs(self, catalog: Catalog, cards: list[CardItem]) -> None:
        """Show the outputs picked, the first one in the picker; none = nothing is made but the text."""
        self.picker.set_card(cards[0] if cards else None)
        _empty(self._chips)
        for card in cards[1:]:
            self._chips.addWidget(self._chip(card))
        self._chip_holder.setVisible(len(cards) > 1)
        self.more_button.setEnabled(any(parameters_of(catalog, card.id) for card in cards))
        shown = (cards[0].id if cards else "", self._kit.translator.language)
        if shown == self._inline_shown and catalog is self._inline_catalog:
            return  # made anew, a field would lose the focus and what is being typed
        self._inline_shown, self._inline_catalog = shown, catalog
        _empty(self._inline)
        if cards:
            for field in self._inline_fields(catalog, cards[0].id):
                self._inline.addWidget(field, 1)

    def renew_fields(self) -> None:
        """Make the fields anew at the next ``show_outputs``: values were set elsewhere."""
        self._inline_shown = None

    def show_working(self, started_s: float | None) -> None:
        """Show that a run works since ``started_s`` (``time.monotonic``), or None."""
        self._started_s = started_s
        is_working = started_s is not None
        if is_working:
            self._clock.start()
        else:
            self._clock.stop()
        self.queue_button.setVisible(is_working)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the words anew."""
        # Cancelling is at hand, but it is not the one thing to do here.
        set_look(self.make_button, "primary" if self._started_s is None else "")
        if self._started_s is None:
            self.make_button.set_key("create.make", "play")
            self.make_button.setToolTip(shortcut_text(self._kit, "Ctrl+Return"))
            return
        elapsed_ms = (time.monotonic() - self._started_s) * 1000
        words = duration_text(elapsed_ms, self._kit.translator.language, is_running=True)
        self.make_button.set_key("create.cancel", "cancel", elapsed=words)
        self.make_button.setToolTip("Esc")

    def _build(self) -> None:
        pick = row(self.picker, self.add_button, space=r.SPACE_1)
        pick.setStretch(0, 1)
        self._chip_holder = QWidget()
        self._chip_holder.setLayout(self._chips)
        seed = row(self.seed, self.more_button, space=r.SPACE_1)
        seed.setStretch(0, 1)
        make = row(self.queue_button, self.make_button, space=r.SPACE_1)
        make.setStretch(1, 1)
        self.setLayout(
            column(
                self.title,
                pick,
                self._chip_holder,
                self._inline,
                seed,
                None,
                make,
                space=6,
                margin=r.SPACE_3,
            )
        )
        self.picker.clicked.connect(self.pick_requested)
        self.add_button.clicked.connect(self.add_requested)
        self.more_button.clicked.connect(self.more_requested)
        self.queue_button.clicked.connect(self.make_requested)
        self.make_button.clicked.connect(self._on_make_button_clicked)

    def _inline_fields(self, catalog: Catalog, output_id: str) -> list[QWidget]:
        config = catalog.output(output_id).value
        fields: list[QWidget] = []
        for name, mapping in inline_parameters(catalog, output_id):
            field = parameter_field(self._kit, self._values, config, name, mapping)
            assert isinstance(field, WholeField | NumberField)
            # The label stands inside the field: the box is low.
            field.setPrefix(f"{field.accessibleName()}  ")
            fields.append(field)
        return fields

    def _chip(self, card: CardItem) -> Button:
        chip = Button(self._kit, "create.medium.remove", "close", "quiet", name=card.name)
        chip.setToolTip(self._kit.text("create.medium.remove.tip", name=card.name))
        chip.clicked.connect(lambda: self.remove_requested.emit(card.id))
        return chip

    def _on_make_button_clicked(self) -> None:
        if self._started_s is None:
            self.make_requested.emit()
        else:
            self.cancel_requested.emit()


def inline_parameters(catalog: Catalog, output_id: str) -> list[tuple[str, InputMapping]]:
    """Return the parameters that stand in the box itself: the first numbers that everybody may want to set."""
    shown = [
        (name, mapping)
        for name, mapping in parameters_of(catalog, output_id).items()
        if not mapping.advanced and mapping.type in ("int", "float")
    ]
    return shown[:INLINE_COUNT]


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if widget := item.widget():
            widget.hide()
            widget.deleteLater()
