"""The plot itself. Imported when it is first seen: numpy and pyqtgraph cost the window's start nothing."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ai4artsed_desktop.ui.gpu.curves import Mark, Series
from ai4artsed_desktop.ui.gpu.thinning import Floats, highest_of, thinned
from ai4artsed_desktop.ui.theme import Theme

_LINES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
_ROLES = ("info", "accent", "good", "warn")
_MAX_MARKS = 60
_AXIS_PX = 48
#: A plot that is not laid out yet is drawn as if it were at least so wide.
_LEAST_COLUMNS = 300
#: So few points are drawn as they are.
_FEW_POINTS = 600


class PlotView(QWidget):
    """Curves over the last minutes, with a line where a run begins (solid) or ends (dashed).

    Args:
        theme: Colours; the plot follows them.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._pg: Any = importlib.import_module("pyqtgraph")
        self._theme = theme
        self._plot: Any = self._pg.PlotWidget()
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._curves: list[Any] = []
        self._marks: dict[tuple[bool, bool], Any] = {}
        self._marks_shown = 0
        self._words = ("", "")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        theme.changed.connect(self._dress)
        self._dress()

    def curve_lengths(self) -> list[int]:
        """Return how many points each curve is drawn with."""
        return [0 if curve.xData is None else len(curve.xData) for curve in self._curves]

    def visible_marks(self) -> int:
        """Return how many lines are drawn for runs."""
        return self._marks_shown

    def show_data(
        self, series: Sequence[Series], marks: Sequence[Mark], minutes: float, top: float | None, unit: str, axis: str
    ) -> None:
        """Draw.

        Args:
            minutes: How far back the plot reaches.
            top: The largest value there can be; None = as the curves need.
            unit: At the left.
            axis: At the bottom.
        """
        while len(self._curves) < len(series):
            self._curves.append(self._plot.plot([], [], connect="finite"))
            self._dress()
        column = minutes / max(_LEAST_COLUMNS, self._plot.getViewBox().width() * self.devicePixelRatioF())
        shown = [_thinned(one, column) for one in series]
        for place, curve in enumerate(self._curves):
            curve.setData(*(shown[place] if place < len(shown) else ([], [])), connect="finite")
        if top is None:
            top = (highest_of([values for _, values in shown]) or 0.0) * 1.1 or 1.0
        self._plot.setXRange(-minutes, 0, padding=0)
        self._plot.setYRange(0, top, padding=0)
        if self._words != (unit, axis):  # each setting lays both axes out anew
            self._words = (unit, axis)
            self._plot.setLabel("left", unit)
            self._plot.setLabel("bottom", axis)
        self._show_marks([mark for mark in marks if mark.minutes >= -minutes][-_MAX_MARKS:], top)

    def _show_marks(self, marks: Sequence[Mark], top: float) -> None:
        """Draw all lines of one look as one item."""
        looks: dict[tuple[bool, bool], list[float]] = {look: [] for look in self._marks}
        for mark in marks:
            looks.setdefault((mark.is_start, mark.has_failed), []).append(mark.minutes)
        for look, places in looks.items():
            if look not in self._marks:
                self._marks[look] = self._pg.PlotCurveItem(pen=self._mark_pen(*look))
                self._plot.addItem(self._marks[look], ignoreBounds=True)
            ends = [end for place in places for end in (place, place)]
            self._marks[look].setData(ends, [0.0, top] * len(places), connect="pairs")
        self._marks_shown = len(marks)

    def _mark_pen(self, is_start: bool, has_failed: bool) -> QPen:
        style = Qt.PenStyle.SolidLine if is_start else Qt.PenStyle.DashLine
        return _pen(self._theme.color("bad" if has_failed else "muted"), style, 1)

    def _dress(self) -> None:
        self._plot.setBackground(QColor(self._theme.roles.surface))
        for side in ("left", "bottom"):
            axis: Any = self._plot.getAxis(side)
            if side == "bottom":
                axis.setHeight(_AXIS_PX)  # its own guess cuts the words off
            axis.setPen(_pen(self._theme.color("edge"), Qt.PenStyle.SolidLine, 1))
            axis.setTextPen(_pen(self._theme.color("ink"), Qt.PenStyle.SolidLine, 1))
        for place, curve in enumerate(self._curves):
            color = self._theme.color(_ROLES[place % len(_ROLES)])
            curve.setPen(_pen(color, _LINES[place % len(_LINES)], 1))
        for look, lines in self._marks.items():
            lines.setPen(self._mark_pen(*look))


def _thinned(series: Series, column: float) -> tuple[Floats, Floats]:
    times, values = (np.array(each, dtype=np.float64) for each in (series.taken_s, series.values))
    minutes, values = (times - series.now_s) / 60, values / series.divisor
    return (minutes, values) if len(minutes) <= _FEW_POINTS else thinned(minutes, values, column)


def _pen(color: QColor, style: Qt.PenStyle, width: int) -> QPen:
    # One pixel wide and without smoothing: anything else is drawn point by point, which two cores feel.
    pen = QPen(color, width, style)
    pen.setCosmetic(True)
    return pen
