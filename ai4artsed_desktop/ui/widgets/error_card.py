"""Three lines and a door: what did not happen, why, what can be done now, and the technical text behind "Details"."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QPushButton

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout


class ErrorCard(QFrame):
    """An error in the person's language, with buttons that help. It stays until it is closed or replaced.

    Args:
        kit: Look, icons and words.
        about: Whose errors they are, a proper name said before them where the place does not tell.
    """

    closed = Signal()

    def __init__(self, kit: Kit, about: str = "") -> None:
        super().__init__()
        self._kit = kit
        self._error: ErrorInfo | None = None
        self._about = about
        set_look(self, "bad-card")
        self._what = Label(kit, look="strong")
        self._why = Label(kit)
        self._next = Label(kit, look="muted")
        self._actions = FlowLayout()
        self.details_button = Button(kit, "error.details", "more", "quiet")
        self.details_button.setCheckable(True)
        self.details_button.toggled.connect(self._on_details_button_toggled)
        self.copy_button = Button(kit, "error.copy_details", "copy", "quiet")
        self.copy_button.clicked.connect(self._on_copy_button_clicked)
        self.close_button = IconButton(kit, "close", "action.close")
        self.close_button.clicked.connect(self._on_close_button_clicked)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setMaximumHeight(160)
        set_look(self.details, "code")
        self._icon = IconLabel(kit, "error", "bad")
        self._words = column(self._what, self._why, self._next, None, space=r.SPACE_1)
        head = row(column(self._icon, None), self._words, column(self.close_button, None), space=r.SPACE_3)
        head.setStretch(1, 1)
        doors = row(self._actions_holder(), self.details_button, self.copy_button)
        doors.setStretch(0, 1)
        self.setLayout(column(head, doors, self.details, space=r.SPACE_2, margin=r.SPACE_3))
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()
        self.hide()

    def show_error(self, error: ErrorInfo) -> None:
        """Show ``error``; buttons of an earlier one go."""
        self._error = error
        while (item := self._actions.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        self.details_button.setChecked(False)
        self.details_button.setVisible(bool(error.detail))
        self._on_details_button_toggled(False)
        self.details.setPlainText(error.detail)
        self.retranslate()
        self.show()

    def add_action(self, key: str, do: Callable[[], None], *, primary: bool = False, **params: object) -> QPushButton:
        """Offer a way on, one or two per error; returns the button."""
        button = Button(self._kit, key, "", "primary" if primary else "", **params)
        button.clicked.connect(lambda: do())
        self._actions.addWidget(button)
        # By itself a layout shows what is added in a later turn of the loop; a way on is there with its error.
        button.show()
        return button

    def retranslate(self) -> None:
        """Set the words anew."""
        self.details.setAccessibleName(self._kit.text("error.details"))
        if self._error is None:
            return
        error = self._kit.translator.error(self._error)
        what = f"{self._about}: {error.what}" if self._about else error.what
        for label, text in ((self._what, what), (self._why, error.why), (self._next, error.next)):
            label.setText(text)
            label.setVisible(bool(text))
        self.setAccessibleName(what)
        self.setAccessibleDescription(f"{error.why} {error.next}")

    def _actions_holder(self) -> QFrame:
        holder = QFrame()
        holder.setLayout(self._actions)
        return holder

    def _on_details_button_toggled(self, is_open: bool) -> None:
        self.details.setVisible(is_open)
        self.copy_button.setVisible(is_open)

    def _on_copy_button_clicked(self) -> None:
        if self._error is not None:
            words = str(self._kit.translator.error(self._error))
            QGuiApplication.clipboard().setText("\n".join((words, self._error.code, self._error.detail)))

    def _on_close_button_clicked(self) -> None:
        self.hide()
        self.closed.emit()
