"""Texts and result of a run: below each other in a high window, side by side in a low one."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from ai4artsed_desktop.ui.create.stage_column import StageColumn
from ai4artsed_desktop.ui.memory import WindowMemory

#: From this height on the result is large enough below the texts; in a lower one it stands beside them.
STACK_FROM_PX = 600
#: Below this width they stack in any case, and the page scrolls.
STACK_BELOW_PX = 860
_LOWEST_PX, _LOWEST_STACKED_PX = 248, 640
_TEXT_SHARE_MAX = 0.45
#: Smallest width of the texts.
NARROWEST_PX = 300


class WorkArea(QSplitter):
    """A splitter that turns; the person's own division is remembered for both ways.

    Args:
        stages: The texts.
        result: The result and the strip.
        memory: Remembers the division.
    """

    def __init__(self, stages: StageColumn, result: QWidget, memory: WindowMemory) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._stages = stages
        self._memory = memory
        self.addWidget(stages)
        self.addWidget(result)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(12)
        stages.setMinimumWidth(NARROWEST_PX)
        result.setMinimumWidth(360)
        # The texts' height is known only after they were laid out.
        self._soon = QTimer(self, interval=0, singleShot=True)
        self._soon.timeout.connect(self._divide)
        self.splitterMoved.connect(self._on_self_splitter_moved)

    def sizeHint(self) -> QSize:
        """Low enough for the smallest window; it takes what is left."""
        return QSize(640, _LOWEST_PX)

    def minimumSizeHint(self) -> QSize:
        """Room for a result that can be looked at."""
        return QSize(400, _LOWEST_PX)

    def follow_texts(self) -> None:
        """The texts changed: give them the height they need, unless the person divided the room."""
        self._soon.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turn if the other way fits better."""
        super().resizeEvent(event)
        is_narrow = event.size().width() < STACK_BELOW_PX
        stacks = is_narrow or event.size().height() >= STACK_FROM_PX
        wanted = Qt.Orientation.Vertical if stacks else Qt.Orientation.Horizontal
        self.setMinimumHeight(_LOWEST_STACKED_PX if is_narrow else _LOWEST_PX)
        if self.orientation() is not wanted:
            self.setOrientation(wanted)
        self._soon.start()

    def _divide(self) -> None:
        is_upright = self.orientation() is Qt.Orientation.Vertical
        room = (self.height() if is_upright else self.width()) - self.handleWidth()
        shares = self._memory.get("division", {"high": 0.0, "wide": 0.0})
        share = float(shares.get("high" if is_upright else "wide", 0.0))
        if share:
            first = room * share
        elif is_upright:
            first = min(self._stages.content_height(), room * _TEXT_SHARE_MAX)
        else:
            first = room * 0.36
        self.setSizes([round(first), round(room - first)])

    def _on_self_splitter_moved(self) -> None:
        first, second = self.sizes()
        name = "high" if self.orientation() is Qt.Orientation.Vertical else "wide"
        shares = dict(self._memory.get("division", {"high": 0.0, "wide": 0.0}))
        self._memory.put("division", {**shares, name: first / max(1, first + second)})
