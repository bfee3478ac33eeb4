"""Figures over time: which figure, how far back, and when it is drawn again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame

from ai4artsed_desktop.domain.gpu import VRAM_GB, GpuSnapshot
from ai4artsed_desktop.engine.gpu_watch import GpuWatch
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.gpu.curves import FIGURES, Mark, series_of
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Label, column, row
from ai4artsed_desktop.ui.widgets.fields import ChoiceField

if TYPE_CHECKING:
    from ai4artsed_desktop.ui.gpu.plot_view import PlotView

#: Name → (minutes shown, seconds between two drawings): an hour is 7,200 points per card and moves slowly.
_SPANS: dict[str, tuple[float, float]] = {"ten_minutes": (10.0, 1.0), "hour": (60.0, 5.0)}
_HEIGHT_PX = 200


class PlotCard(QFrame):
    """A plot of one figure for all cards.

    Args:
        kit: Look, icons and words.
        watch: Remembers the last hour.
    """

    def __init__(self, kit: Kit, watch: GpuWatch) -> None:
        super().__init__()
        self._kit = kit
        self._watch = watch
        self._drawn_s = float("-inf")
        self._is_loading = False
        self.view: PlotView | None = None
        set_look(self, "card")
        self.figure = ChoiceField(kit)
        self.span = ChoiceField(kit)
        self.legend = Label(kit, look="small")
        choices = row(self.figure, self.span, None)
        self._layout = column(choices, self.legend, Label(kit, "gpu.plot.runs", "small"), margin=r.SPACE_4)
        self.setLayout(self._layout)
        for field in (self.figure, self.span):
            field.chosen.connect(self.draw)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def take(self, snapshot: GpuSnapshot) -> None:
        """A newer look is there; it is drawn if this can be seen and enough time has passed."""
        _, pause_s = _SPANS[self._span()]
        if self.view is not None and self.isVisible() and snapshot.taken_s - self._drawn_s >= pause_s - 0.1:
            self.draw()

    def draw(self) -> None:
        """Draw now."""
        if self.view is None:
            return
        now_s, text = time.monotonic(), self._kit.text
        figure, (minutes, _) = self._figure(), _SPANS[self._span()]
        gpus = self._watch.latest.gpus
        series = [series_of(self._watch.history.past(gpu.uuid, now_s - minutes * 60), figure, now_s) for gpu in gpus]
        marks = [
            Mark((mark.taken_s - now_s) / 60, mark.state == "started", mark.state == "failed")
            for mark in self._watch.history.marks()
        ]
        totals = [gpu.total_bytes / VRAM_GB for gpu in gpus if gpu.total_bytes]
        top = max(totals, default=None) if figure == "memory" else 100.0 if figure == "utilisation" else None
        self.view.show_data(series, marks, minutes, top, text(f"gpu.axis.{figure}"), text("gpu.axis.minutes"))
        self.view.setAccessibleName(text("gpu.plot", figure=text(f"gpu.figure.{figure}")))
        signs = ("━", "╍", "┅", "╌")
        self.legend.setText("   ".join(f"{signs[i % 4]} {gpu.name}" for i, gpu in enumerate(gpus)))
        self.legend.setVisible(len(gpus) > 1)
        self._drawn_s = now_s

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        self.figure.set_options([(name, text(f"gpu.figure.{name}")) for name in FIGURES], self._figure())
        self.span.set_options([(name, text(f"gpu.span.{name}")) for name in _SPANS], self._span())
        self.figure.setAccessibleName(text("gpu.plot.figure"))
        self.span.setAccessibleName(text("gpu.plot.span"))
        self.draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the plot when it is first seen, after the figures are painted."""
        super().showEvent(event)
        if self.view is None and not self._is_loading:
            self._is_loading = True
            QTimer.singleShot(0, self, self._bring_plot)
        else:
            self.draw()

    def _bring_plot(self) -> None:
        from ai4artsed_desktop.ui.gpu.plot_view import PlotView

        self.view = PlotView(self._kit.theme)
        self.view.setFixedHeight(_HEIGHT_PX)
        self._layout.insertWidget(1, self.view)
        self.draw()

    def _figure(self) -> str:
        return str(self.figure.value or "memory")

    def _span(self) -> str:
        return str(self.span.value or "ten_minutes")
