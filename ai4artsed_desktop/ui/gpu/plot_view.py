"""The plot itself. Imported when it is first seen: numpy and pyqtgraph cost the window's start nothing."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ai4artsed_desktop.ui.theme import Theme

_LINES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
_ROLES = ("info", "accent", "good", "warn")
_MAX_MARKS = 60
_AXIS_PX = 48
_NOT_A_NUMBER = float("nan")


@dataclass(frozen=True, slots=True)
class Series:
    """One card's curve: (minutes from now, at most 0; value or None = a gap)."""

    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Mark:
    """A run's beginning or end, minutes from now."""

    minutes: float
    is_start: bool
    has_failed: bool = False


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
        self._marks: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        theme.changed.connect(self._dress)
        self._dress()

    def curve_lengths(self) -> list[int]:
        """Return how many points each curve has."""
        return [0 if curve.xData is None else len(curve.xData) for curve in self._curves]

    def visible_marks(self) -> int:
        """Return how many lines are drawn for runs."""
        return sum(line.isVisible() for line in self._marks)

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
        for place, curve in enumerate(self._curves):
            points = series[place].points if place < len(series) else ()
            curve.setData(
                [minute for minute, _ in points],
                [_NOT_A_NUMBER if value is None else value for _, value in points],
                connect="finite",
            )
        highest = max((v for s in series for _, v in s.points if v is not None), default=1.0)
        self._plot.setXRange(-minutes, 0, padding=0)
        self._plot.setYRange(0, top if top is not None else highest * 1.1 or 1.0, padding=0)
        self._plot.setLabel("left", unit)
        self._plot.setLabel("bottom", axis)
        self._show_marks([mark for mark in marks if mark.minutes >= -minutes][-_MAX_MARKS:])

    def _show_marks(self, marks: Sequence[Mark]) -> None:
        while len(self._marks) < len(marks):
            line: Any = self._pg.InfiniteLine(angle=90)
            self._plot.addItem(line)
            self._marks.append(line)
        for place, line in enumerate(self._marks):
            line.setVisible(place < len(marks))
            if place < len(marks):
                mark = marks[place]
                style = Qt.PenStyle.SolidLine if mark.is_start else Qt.PenStyle.DashLine
                line.setPen(_pen(self._theme.color("bad" if mark.has_failed else "muted"), style, 1))
                line.setValue(mark.minutes)

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


def _pen(color: QColor, style: Qt.PenStyle, width: int) -> QPen:
    # One pixel wide and without smoothing: anything else is drawn point by point, which two cores feel.
    pen = QPen(color, width, style)
    pen.setCosmetic(True)
    return pen
