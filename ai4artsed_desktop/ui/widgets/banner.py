"""A quiet line at the top of a page: something worth knowing, with one or two actions, until it is closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QFrame, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, IconLabel, Label, column, row


class BannerArea(QWidget):
    """Where banners and errors of the whole window stand; it takes no room while there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = column(space=r.SPACE_2)
        self.setLayout(self.rows)
        self._fit()

    def event(self, event: QEvent) -> bool:
        """Follow what comes and goes."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        widgets = (item.widget() for place in range(self.rows.count()) if (item := self.rows.itemAt(place)) is not None)
        has_any = any(widget is not None and not widget.isHidden() for widget in widgets)
        self.rows.setContentsMargins(r.SPACE_4, r.SPACE_2 if has_any else 0, r.SPACE_4, 0)


class Banner(QFrame):
    """Icon, words, actions and a cross.

    Args:
        kit: Look, icons and words.
        icon: An icon's name.
        role: The icon's colour, such as ``info``.
        key: The text's key.
    """

    closed = Signal()

    def __init__(self, kit: Kit, icon: str, role: str, key: str, **params: object) -> None:
        super().__init__()
        self._kit = kit
        set_look(self, "card")
        self.words = Label(kit, key, "", **params)
        self._actions = row(space=r.SPACE_1)
        self.close_button = IconButton(kit, "close", "action.close")
        self.close_button.clicked.connect(self.dismiss)
        line = row(IconLabel(kit, icon, role), self.words, self._actions, self.close_button, space=r.SPACE_3)
        line.setStretch(1, 1)
        line.setContentsMargins(r.SPACE_3, r.SPACE_1, r.SPACE_1, r.SPACE_1)
        self.setLayout(line)

    def add_action(self, key: str, do: Callable[[], None], icon: str = "") -> Button:
        """Offer something to do; the banner goes then."""
        button = Button(self._kit, key, icon, "quiet")

        def act() -> None:
            self.dismiss()
            do()

        button.clicked.connect(act)
        self._actions.addWidget(button)
        return button

    def dismiss(self) -> None:
        """Go away for good."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()
            self.deleteLater()
