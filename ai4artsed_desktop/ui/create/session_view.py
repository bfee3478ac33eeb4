"""The work area's right side: the result, what can be done with it, and the strip of this session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
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
        self.strip.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.strip.customContextMenuRequested.connect(lambda at: self._open_menu(self.strip, at))
        result.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        result.customContextMenuRequested.connect(lambda at: self._open_menu(result, at))
        self.strip.hide()
        feed.model.rowsInserted.connect(lambda *_: self.strip.show())
        feed.model.rowsRemoved.connect(lambda *_: self.strip.setVisible(feed.model.rowCount() > 0))
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

    def _open_menu(self, source: QWidget, at: QPoint) -> None:
        # popup, not exec: no loop inside the loop.
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for tool in self._tools:
            action = QAction(self._kit.icons.icon(tool.icon), self._kit.text(tool.key), menu)
            action.triggered.connect(lambda _=False, do=tool.do: do())
            menu.addAction(action)
        menu.popup(source.mapToGlobal(at))
