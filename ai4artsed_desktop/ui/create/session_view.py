"""The work area's right side: the result, what can be done with it, and the strip of this session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.create.result_view import ResultView
from ai4artsed_desktop.ui.create.strip_feed import StripFeed
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import IconButton, row
from ai4artsed_desktop.ui.widgets.session_strip import SessionStrip


@dataclass(frozen=True, slots=True)
class RunTool:
    """Something to do with the run in sight: a button and a line in the menu."""

    icon: str
    key: str
    do: Callable[[], None]


class SessionView(QWidget):
    """Result and strip.

    Args:
        kit: Look, icons and words.
        result: The result of the run in sight.
        feed: The strip's rows.
    """

    def __init__(self, kit: Kit, result: ResultView, feed: StripFeed) -> None:
        super().__init__()
        self._kit = kit
        self._tools: tuple[RunTool, ...] = ()
        self.result = result
        self.strip = SessionStrip(kit, feed.model)
        for source in (self.strip, result):
            source.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            source.customContextMenuRequested.connect(partial(self._open_menu, source))
        self.strip.hide()
        feed.model.rowsInserted.connect(self._on_rows_changed)
        feed.model.rowsRemoved.connect(self._on_rows_changed)
        layout = row(result, self.strip, space=r.SPACE_2)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def set_tools(self, tools: tuple[RunTool, ...], in_bar: int) -> None:
        """Offer these; the first ``in_bar`` also as buttons above the result."""
        self._tools = tools
        for tool in tools[:in_bar]:
            button = IconButton(self._kit, tool.icon, tool.key)
            button.clicked.connect(tool.do)
            self.result.tool_row.addWidget(button)

    def _on_rows_changed(self) -> None:
        self.strip.setVisible(self.strip.model().rowCount() > 0)

    def _open_menu(self, source: QWidget, at: QPoint) -> None:
        # popup, not exec: no loop inside the loop.
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for tool in self._tools:
            menu.addAction(self._kit.icons.icon(tool.icon), self._kit.text(tool.key)).triggered.connect(tool.do)
        menu.popup(source.mapToGlobal(at))
