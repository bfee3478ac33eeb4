"""Fields for values: choices, numbers, switches. Each sets its own words and name, and ignores a passing wheel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit


class ChoiceField(QComboBox):
    """One of several values, each with a text.

    Args:
        kit: Look, icons and words.
    """

    #: The person chose another value.
    chosen = Signal(object)

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._options: tuple[tuple[object, str], ...] = ()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(lambda _: self.chosen.emit(self.value))
        kit.theme.changed.connect(self._fit)
        self._fit()

    @property
    def value(self) -> object:
        """The value chosen now; None without options."""
        return cast("object", self.currentData())

    def set_options(self, options: Iterable[tuple[object, str]], value: object) -> None:
        """Offer (value, text) pairs and choose ``value``; nothing is announced."""
        self._options = tuple(options)
        self.blockSignals(True)
        self.clear()
        for option, text in self._options:
            self.addItem(text, option)
        self.setCurrentIndex(max(0, next((i for i, (o, _) in enumerate(self._options) if o == value), 0)))
        self.blockSignals(False)

    def set_value(self, value: object) -> None:
        """Choose ``value``; nothing is announced."""
        self.set_options(self._options, value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll; only a field that has the focus turns."""
        _wheel(self, event, lambda: QComboBox.wheelEvent(self, event))

    def _fit(self) -> None:
        self.setMinimumHeight(self._kit.theme.hit_px)


class WholeField(QSpinBox):
    """A whole number."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        _dress(self, kit)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll; only a field that has the focus turns."""
        _wheel(self, event, lambda: QSpinBox.wheelEvent(self, event))


class NumberField(QDoubleSpinBox):
    """A number."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        _dress(self, kit)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll; only a field that has the focus turns."""
        _wheel(self, event, lambda: QDoubleSpinBox.wheelEvent(self, event))


class CheckField(QCheckBox):
    """A switch with its words beside it.

    Args:
        kit: Look, icons and words.
        key: The text's key; empty = the caller sets the words.
    """

    def __init__(self, kit: Kit, key: str = "") -> None:
        super().__init__()
        self._kit = kit
        self._key = key
        self.setMinimumHeight(kit.theme.hit_px)
        kit.theme.changed.connect(lambda: self.setMinimumHeight(kit.theme.hit_px))
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the words anew."""
        if self._key:
            self.setText(self._kit.text(self._key))
            self.setAccessibleName(self.text())


def _dress(field: QSpinBox | QDoubleSpinBox, kit: Kit) -> None:
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.setKeyboardTracking(False)
    field.setMinimumHeight(kit.theme.hit_px)
    field.setMinimumWidth(r.SPACE_6 * 2)
    kit.theme.changed.connect(lambda: field.setMinimumHeight(kit.theme.hit_px))


def _wheel(field: QWidget, event: QWheelEvent, turn: Callable[[], None]) -> None:
    if field.hasFocus():
        turn()
    else:
        event.ignore()
