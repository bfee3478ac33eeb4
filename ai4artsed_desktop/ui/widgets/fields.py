"""Fields for values: choices, numbers, switches. Each sets its own words and name, and ignores a passing wheel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from PySide6.QtCore import QEvent, QLocale, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox, QToolTip, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit

_SIGN_PX = 16
_BOX_PX = 20


class Combo(QComboBox):
    """A drop-down list that looks like the other fields and ignores a passing wheel."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.kit = kit
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        kit.theme.changed.connect(self._fit)
        self._fit()

    def setAccessibleName(self, name: str) -> None:
        """Name the list that drops down as well."""
        super().setAccessibleName(name)
        self.view().setAccessibleName(name)

    def sizeHint(self) -> QSize:
        """A little more than the style thinks: our sign and margins are wider."""
        return super().sizeHint() + QSize(r.SPACE_5, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground, words and the sign that there are more: the style's own would have sharp corners."""
        theme, ratio = self.kit.theme, self.devicePixelRatioF()
        painter = QPainter(self)
        _paint_ground(painter, self, self.kit)
        inner = self.rect().adjusted(r.SPACE_3, 0, -r.SPACE_2, 0)
        is_mirrored = self.isRightToLeft()
        sign_left = inner.left() if is_mirrored else inner.right() - _SIGN_PX
        sign = self.kit.icons.pixmap("chevron-down", "muted", _SIGN_PX, ratio)
        painter.drawPixmap(sign_left, inner.center().y() - _SIGN_PX // 2, sign)
        shift = _SIGN_PX + r.SPACE_1
        words = inner.adjusted(shift if is_mirrored else 0, 0, 0 if is_mirrored else -shift, 0)
        painter.setPen(theme.color("ink" if self.isEnabled() else "muted"))
        painter.setFont(self.font())
        text = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Tell the whole text where it is too long for the field."""
        if isinstance(event, QHelpEvent) and not self.toolTip() and self._is_cut():
            QToolTip.showText(event.globalPos(), self.currentText(), self)
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll; only a field that has the focus turns."""
        _wheel(self, event, lambda: QComboBox.wheelEvent(self, event))

    def _words_px(self) -> int:
        return self.width() - r.SPACE_3 - r.SPACE_2 - r.SPACE_1 - _SIGN_PX

    def _is_cut(self) -> bool:
        return self.fontMetrics().horizontalAdvance(self.currentText()) > self._words_px()

    def _fit(self) -> None:
        self.setMinimumHeight(self.kit.theme.hit_px)


class ChoiceField(Combo):
    """One of several values, each with a text.

    Args:
        kit: Look, icons and words.
    """

    #: The person chose another value.
    chosen = Signal(object)

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self._options: tuple[tuple[object, str], ...] = ()
        self.activated.connect(self._on_self_activated)

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

    def _on_self_activated(self) -> None:
        self.chosen.emit(self.value)


class WholeField(QSpinBox):
    """A whole number."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.kit = kit
        _dress(self)
        kit.theme.changed.connect(self._fit)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground; the words paint themselves."""
        painter = QPainter(self)
        _paint_ground(painter, self, self.kit)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll; only a field that has the focus turns."""
        _wheel(self, event, lambda: QSpinBox.wheelEvent(self, event))

    def _fit(self) -> None:
        self.setMinimumHeight(self.kit.theme.hit_px)


class NumberField(QDoubleSpinBox):
    """A number."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.kit = kit
        _dress(self)
        kit.theme.changed.connect(self._fit)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()
        self._fit()

    def retranslate(self) -> None:
        """Write numbers as the language does."""
        locale = QLocale(self.kit.translator.language)
        locale.setNumberOptions(QLocale.NumberOption.RejectGroupSeparator | QLocale.NumberOption.OmitGroupSeparator)
        self.setLocale(locale)

    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        """Take a point and a comma alike."""
        point = self.locale().decimalPoint()
        return super().validate(text.replace(".", point).replace(",", point), pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground; the words paint themselves."""
        painter = QPainter(self)
        _paint_ground(painter, self, self.kit)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll; only a field that has the focus turns."""
        _wheel(self, event, lambda: QDoubleSpinBox.wheelEvent(self, event))

    def _fit(self) -> None:
        self.setMinimumHeight(self.kit.theme.hit_px)


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
        kit.theme.changed.connect(self._fit)
        kit.translator.language_changed.connect(self.retranslate)
        self._fit()
        self.retranslate()

    def sizeHint(self) -> QSize:
        """Box, gap and words."""
        words_px = self.fontMetrics().horizontalAdvance(self.text()) + r.SPACE_2 if self.text() else 0
        return QSize(_BOX_PX + words_px + 2 * r.FOCUS_PX, max(self._kit.theme.hit_px, _BOX_PX))

    def hitButton(self, pos: QPoint) -> bool:
        """All of it can be pressed."""
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a box that can be seen in every theme, the mark and the words."""
        theme, middle = self._kit.theme, self.rect().center().y()
        is_mirrored = self.isRightToLeft()
        left = self.width() - _BOX_PX - r.FOCUS_PX if is_mirrored else r.FOCUS_PX
        box = QRect(left, middle - _BOX_PX // 2, _BOX_PX, _BOX_PX)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = "accent" if self.isChecked() else "surface"
        painter.setBrush(theme.color(fill if self.isEnabled() else "canvas"))
        has_focus = self.hasFocus()
        edge = "focus" if has_focus else "edge" if self.isEnabled() else "line"
        painter.setPen(QPen(theme.color(edge), r.FOCUS_PX if has_focus else 1))
        painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), r.SPACE_1, r.SPACE_1)
        if self.isChecked():
            role = "on_accent" if self.isEnabled() else "muted"
            mark = self._kit.icons.pixmap("check", role, _SIGN_PX, self.devicePixelRatioF())
            painter.drawPixmap(box.left() + 2, box.top() + 2, mark)
        shift = _BOX_PX + r.SPACE_2 + r.FOCUS_PX
        words = self.rect().adjusted(0 if is_mirrored else shift, 0, -shift if is_mirrored else 0, 0)
        painter.setPen(theme.color("ink" if self.isEnabled() else "muted"))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()

    def retranslate(self) -> None:
        """Set the words anew."""
        if self._key:
            self.setText(self._kit.text(self._key))
            self.setAccessibleName(self.text())

    def _fit(self) -> None:
        self.setMinimumHeight(self._kit.theme.hit_px)


def _dress(field: QSpinBox | QDoubleSpinBox) -> None:
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.setKeyboardTracking(False)
    # Typing, the arrow keys and the wheel are enough; arrows to aim at only make the field narrow.
    field.lineEdit().setTextMargins(r.SPACE_1, 0, r.SPACE_1, 0)
    field.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    field.setMinimumWidth(r.SPACE_6 * 2)


def _paint_ground(painter: QPainter, field: QWidget, kit: Kit) -> None:
    """Paint a rounded ground with the outline, or the focus ring, that all fields have."""
    theme = kit.theme
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(theme.roles.surface if field.isEnabled() else theme.roles.canvas))
    has_focus = field.hasFocus()
    width = r.FOCUS_PX if has_focus else 1
    painter.setPen(QPen(theme.color("focus" if has_focus else "edge" if field.isEnabled() else "line"), width))
    inset = width / 2 + (0 if has_focus else 1)
    box = QRectF(field.rect()).adjusted(inset, inset, -inset, -inset)
    painter.drawRoundedRect(box, r.RADIUS_FIELD, r.RADIUS_FIELD)


def _wheel(field: QWidget, event: QWheelEvent, turn: Callable[[], None]) -> None:
    if field.hasFocus():
        turn()
    else:
        event.ignore()
