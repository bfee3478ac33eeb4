"""One LoRA that was picked: its name, how strong it is, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.engine.lora_library import HIGHEST_STRENGTH, LoraFile
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import decimal_text
from ai4artsed_desktop.ui.widgets.basics import IconButton, IconLabel, Label, row
from ai4artsed_desktop.ui.widgets.slider import Slider

#: The slider moves in steps of this strength.
_STEP = 0.05
_TITLE_PX = 132


class LoraChip(QFrame):
    """Name, slider, number, menu."""

    #: Its strength is another one.
    changed = Signal()
    removed = Signal()
    #: The words it was taught to answer to shall go into the idea.
    words_wanted = Signal()
    #: Five runs with five strengths on one seed are wanted.
    strip_wanted = Signal()

    def __init__(self, kit: Kit, use: LoraUse) -> None:
        super().__init__()
        self._kit = kit
        self.use = use
        self.lora: LoraFile | None = None
        self._reason = ""
        set_look(self, "card")
        self.warning = IconLabel(kit, "warning", "warn", 16)
        self.warning.hide()
        self.title = _Elided(kit)
        self.slider = Slider(kit, 0, round(HIGHEST_STRENGTH / _STEP), width_px=96)
        self.slider.setValue(round(use.strength / _STEP))
        self.number = Label(kit, look="small")
        self.number.setWordWrap(False)
        self.number.setFixedWidth(r.SPACE_5 + r.SPACE_1)
        self.more_button = IconButton(kit, "more", "lora.more")
        self.remove_button = IconButton(kit, "close", "lora.remove")
        parts = row(self.warning, self.title, self.slider, self.number, self.more_button, self.remove_button)
        parts.setSpacing(r.SPACE_1)
        parts.setContentsMargins(r.SPACE_2, 2, r.SPACE_1, 2)
        self.setLayout(parts)
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.more_button.clicked.connect(self._open_menu)
        self.remove_button.clicked.connect(self.removed)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def describe(self, lora: LoraFile | None, reason: str) -> None:
        """Say what is known of the file, and why it does not fit ("" = it does, or nobody knows)."""
        self.lora, self._reason = lora, reason
        self.retranslate()

    def retranslate(self) -> None:
        """Set the words anew."""
        name = self.lora.title if self.lora is not None else self.use.name.replace("\\", "/").rpartition("/")[2]
        self.title.setText(name)
        self.warning.setVisible(bool(self._reason))
        tip = "\n".join(filter(None, (self.use.name, self._reason)))
        self.title.setToolTip(tip)
        self.warning.setToolTip(tip)
        self.warning.setAccessibleName(self._reason)
        self.slider.setAccessibleName(self._kit.text("lora.strength", name=name))
        self.slider.setAccessibleDescription(self._reason)
        self.slider.setToolTip(self._kit.text("lora.strength.tip"))
        self.number.setText(decimal_text(self.use.strength, 2, self._kit.translator.language))

    def _on_slider_value_changed(self, step: int) -> None:
        self.use = LoraUse(name=self.use.name, strength=round(step * _STEP, 2))
        self.number.setText(decimal_text(self.use.strength, 2, self._kit.translator.language))
        self.changed.emit()

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        words = menu.addAction(self._kit.icons.icon("pen"), self._kit.text("lora.insert_words"))
        words.setEnabled(self.lora is not None and self.lora.facts is not None and bool(self.lora.facts.trigger_words))
        words.triggered.connect(self.words_wanted)
        strip = menu.addAction(self._kit.icons.icon("grid"), self._kit.text("lora.strip"))
        strip.triggered.connect(self.strip_wanted)
        menu.popup(self.more_button.mapToGlobal(self.more_button.rect().bottomLeft()))


class _Elided(QLabel):
    """One line that ends with an ellipsis where there is no room."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self.setTextFormat(Qt.TextFormat.PlainText)

    def sizeHint(self) -> QSize:
        """As wide as its words, up to a limit."""
        return QSize(min(_TITLE_PX, self.fontMetrics().horizontalAdvance(self.text()) + 2), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Some letters at least."""
        return QSize(r.SPACE_6, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what fits."""
        painter = QPainter(self)
        painter.setPen(self._kit.theme.color("ink"))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading), text)
        painter.end()
