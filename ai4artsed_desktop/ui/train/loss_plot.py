"""The curve of the loss: as it is, and smoothed. Imported when it is first seen, as numpy and pyqtgraph are."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.training.progress import LossPoint
from ai4artsed_desktop.ui.theme import Theme

#: More points than this are not seen on a screen, and two cores feel them.
_MAX_POINTS = 1_500
_AXIS_PX = 54
_LOWEST_PX = 140


class LossPlot(QWidget):
    """Two curves over the steps.

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
        # It takes what is left; a plot's own wish of 480 pixels would make the page longer than a small window.
        self._plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._plot.setMinimumHeight(_LOWEST_PX)
        self._raw: Any = self._plot.plot([], [])
        self._smooth: Any = self._plot.plot([], [])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        theme.changed.connect(self._dress)
        self._dress()

    def lengths(self) -> tuple[int, int]:
        """Return how many points each curve has: raw, smoothed."""
        found = [0 if curve.xData is None else len(curve.xData) for curve in (self._raw, self._smooth)]
        return found[0], found[1]

    def show_curve(self, points: Sequence[LossPoint], total_steps: int, unit: str, axis: str) -> None:
        """Draw; of many points every n-th, and always the last."""
        every = max(1, len(points) // _MAX_POINTS)
        seen = [*points[:-1:every], points[-1]] if points else []
        steps = [point.step for point in seen]
        self._raw.setData(steps, [point.loss for point in seen])
        self._smooth.setData(steps, [point.smoothed for point in seen])
        self._plot.setXRange(0, max(total_steps, steps[-1] if steps else 1), padding=0)
        self._plot.enableAutoRange(axis="y")
        self._plot.setLabel("left", unit)
        self._plot.setLabel("bottom", axis)

    def _dress(self) -> None:
        self._plot.setBackground(QColor(self._theme.roles.surface))
        for side in ("left", "bottom"):
            axis: Any = self._plot.getAxis(side)
            if side == "bottom":
                axis.setHeight(_AXIS_PX)  # its own guess cuts the words off
            axis.setPen(_pen(self._theme.color("edge"), Qt.PenStyle.SolidLine))
            axis.setTextPen(_pen(self._theme.color("ink"), Qt.PenStyle.SolidLine))
        self._raw.setPen(_pen(self._theme.color("edge"), Qt.PenStyle.SolidLine))
        self._smooth.setPen(_pen(self._theme.color("accent"), Qt.PenStyle.SolidLine))


def _pen(color: QColor, style: Qt.PenStyle) -> QPen:
    pen = QPen(color, 1, style)
    pen.setCosmetic(True)
    return pen
