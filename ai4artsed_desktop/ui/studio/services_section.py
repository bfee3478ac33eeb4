"""Services: a card for each at one side, the log of one of them or the set-up at the other."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QScrollArea, QStackedWidget, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import Event, SettingsChanged
from ai4artsed_desktop.domain.services import ServiceLogGrew, ServiceState, ServiceStateChanged, ServiceView
from ai4artsed_desktop.engine.service_log import KEPT_LINES
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.studio.service_card import ServiceCard
from ai4artsed_desktop.ui.studio.setup_panel import SetupPanel
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.log_view import LogView

_CARDS_PX = 436
#: Below this width cards and log stand one above the other.
_SIDE_BY_SIDE_PX = 860


class ServicesSection(QWidget):
    """All services. Nothing is started by looking.

    Args:
        context: What every page is given.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._services = context.bridge.engine.services
        self._has_looked = False
        self.shown = ""
        kit = context.kit
        views = self._services.snapshot()
        self.cards = {view.name: ServiceCard(kit, self._services, view) for view in views}
        self.log = LogView(kit, KEPT_LINES)
        self.setup = SetupPanel(context)
        self.error_card = ErrorCard(kit)
        self.look_button = Button(kit, "services.look", "again", "quiet")
        self.setup_button = Button(kit, "services.setup", "search", "quiet")
        self.setup_button.setCheckable(True)
        self.none = Label(kit, "services.none", "muted")
        if views:
            self.none.hide()
        self._lay_out()
        self._connect()
        self.show_log(views[0].name) if views else self.show_setup()

    def refresh(self) -> None:
        """Look what runs and what is installed."""
        self._context.bridge.ask(self._services.refresh(), self._on_refreshed, self._on_failed)

    def show_log(self, name: str) -> None:
        """Show the log of a service."""
        view = self._services.view(name)
        self.shown = name
        self.log.follow(view.title, self._services.log(name), view.log_path)
        self._side.setCurrentWidget(self.log)
        self._mark()

    def show_setup(self) -> None:
        """Show what is here and what can be installed."""
        self.shown = ""
        self._side.setCurrentWidget(self._setup_area)
        self._mark()

    def showEvent(self, event: QShowEvent) -> None:
        """Look at once."""
        super().showEvent(event)
        for view in self._services.snapshot():
            self.cards[view.name].show_view(view)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """The next visit looks again whether a set-up is needed."""
        super().hideEvent(event)
        self._has_looked = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stand side by side where there is room."""
        super().resizeEvent(event)
        is_wide = self.width() >= _SIDE_BY_SIDE_PX
        direction = QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom
        self._box.setDirection(direction)
        self._box.setStretch(1, 2 if is_wide else 1)
        self._cards_side.setMinimumWidth(_CARDS_PX if is_wide else 0)
        self._cards_side.setMaximumWidth(_CARDS_PX if is_wide else 16_777_215)

    def _lay_out(self) -> None:
        cards = QWidget()
        cards.setLayout(column(self.none, *self.cards.values(), None, space=r.SPACE_3))
        self._setup_area = _scrolling(self.setup)
        self._side = QStackedWidget()
        self._side.addWidget(self.log)
        self._side.addWidget(self._setup_area)
        self._cards_side = QWidget()
        area = _scrolling(cards)
        foot = row(self.setup_button, self.look_button, None)
        self._cards_side.setLayout(column(self.error_card, area, foot, space=r.SPACE_2))
        self._box = row(self._cards_side, self._side, space=r.SPACE_4)
        self._box.setStretch(0, 1)
        self._box.setStretch(1, 2)
        self.setLayout(self._box)

    def _connect(self) -> None:
        for card in self.cards.values():
            card.log_asked.connect(self.show_log)
            card.setup_asked.connect(self.show_setup)
        self.look_button.clicked.connect(self.refresh)
        self.setup_button.clicked.connect(self.show_setup)
        self._context.bridge.engine_event.connect(self._on_bridge_engine_event)

    def _mark(self) -> None:
        """Show at the buttons what stands at the other side."""
        self.setup_button.setChecked(not self.shown)
        for name, card in self.cards.items():
            card.log_button.setChecked(name == self.shown)

    def _on_refreshed(self, views: tuple[ServiceView, ...]) -> None:
        for view in views:
            self.cards[view.name].show_view(view)
        is_bare = all(view.state is ServiceState.STOPPED and view.install is None for view in views)
        if is_bare and not self._has_looked:
            self.show_setup()
        self._has_looked = True

    def _on_failed(self, error: ErrorInfo) -> None:
        self.error_card.show_error(error)

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, ServiceStateChanged):
            self.cards[event.service.name].show_view(event.service)
        elif isinstance(event, ServiceLogGrew) and event.name == self.shown:
            self.log.look()
        elif isinstance(event, SettingsChanged) and self.isVisible() and _is_about_services(event.names, self.cards):
            self.refresh()


def _is_about_services(names: frozenset[str], services: dict[str, ServiceCard]) -> bool:
    return any(setting.startswith(f"{service}_") for setting in names for service in services)


def _scrolling(content: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
