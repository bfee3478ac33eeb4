"""Tells of trainings that failed, wherever the person is: at the top of the window, until it is put away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QVBoxLayout

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.training.events import TrainingEnded, TrainingStarted
from ai4artsed_desktop.domain.training.records import Verdict
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard

#: Before a project's name, as a place of the Train page.
PROJECT_PLACE = "project:"


class TrainingNotices(QObject):
    """One card per project whose training failed or could not begin; it outlives the window that saw it.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
        banners: Where cards stand.
        show_place: Goes to a place of the Train page.
        place_in_sight: Returns the place of the Train page that is on the screen: there its end is said already.
        show_error: Shows what went wrong with a notice itself.
        parent: The window.
    """

    def __init__(
        self,
        kit: Kit,
        bridge: EngineBridge,
        banners: QVBoxLayout,
        show_place: Callable[[str], None],
        place_in_sight: Callable[[], str],
        show_error: Callable[[ErrorInfo], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._kit = kit
        self._bridge = bridge
        self._banners = banners
        self._show_place = show_place
        self._place_in_sight = place_in_sight
        self._show_error = show_error
        self._newest_look = 0
        self._dismissing = 0
        self._told: dict[str, Verdict] = {}
        self.cards: dict[str, ErrorCard] = {}
        bridge.engine_event.connect(self._on_bridge_engine_event)
        self.refresh()

    def refresh(self) -> None:
        """Look again what has to be told."""
        if self._dismissing:
            return  # one that is being put away would come back; the look follows then
        self._newest_look += 1
        show = partial(self._show, self._newest_look)
        self._bridge.ask(self._bridge.engine.training.notices(), show, self._show_error)

    def arrange(self) -> None:
        """Another place is in sight: say what it does not say itself."""
        for project, card in self.cards.items():
            has_run = bool(self._told[project].ended_s)  # else it could not begin, and its page shows nothing of it
            card.setVisible(not has_run or self._place_in_sight() != f"{PROJECT_PLACE}{project}")

    def _show(self, look: int, notices: Sequence[tuple[str, Verdict]]) -> None:
        if look != self._newest_look:
            return
        for project in set(self.cards) - {project for project, _ in notices}:
            self._remove(project)
        for project, verdict in notices:
            if self._told.get(project) == verdict:
                continue  # shown anew, opened details would close
            self._told[project] = verdict
            if project not in self.cards:
                self.cards[project] = self._card(project)
            error = ErrorInfo(verdict.code, dict(verdict.params), verdict.detail)
            self.cards[project].show_error(error)
            self.cards[project].add_action("train.notice.show", partial(self._look_at, project))
        self.arrange()

    def _card(self, project: str) -> ErrorCard:
        card = ErrorCard(self._kit, about=project)
        card.closed.connect(partial(self._dismiss, project))
        self._banners.addWidget(card)
        return card

    def _look_at(self, project: str) -> None:
        self._dismiss(project)
        self._show_place(f"{PROJECT_PLACE}{project}")

    def _dismiss(self, project: str) -> None:
        self._remove(project)
        self._newest_look += 1  # a look under way may still have seen it
        self._dismissing += 1
        self._bridge.ask(self._bridge.engine.training.dismiss(project), self._on_dismissed, self._on_not_dismissed)

    def _on_dismissed(self, _: None = None) -> None:
        self._dismissing -= 1
        self.refresh()

    def _on_not_dismissed(self, error: ErrorInfo) -> None:
        self._show_error(error)
        self._on_dismissed()

    def _remove(self, project: str) -> None:
        self._told.pop(project, None)
        if (card := self.cards.pop(project, None)) is not None:
            card.hide()
            card.deleteLater()

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, TrainingEnded | TrainingStarted):
            self.refresh()
