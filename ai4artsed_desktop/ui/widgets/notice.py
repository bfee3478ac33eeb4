"""A place that has nothing to show yet: what it is for, and the one action that starts it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, row

_WIDTH_PX = 480


class Notice(QWidget):
    """Icon, title and one sentence in the middle of an empty, offline or missing place.

    Args:
        kit: Look, icons and words.
        icon: An icon's name.
        title_key: Key of the title.
        text_key: Key of the sentence; empty = none.
    """

    def __init__(self, kit: Kit, icon: str, title_key: str, text_key: str = "", **params: object) -> None:
        super().__init__()
        self._kit = kit
        self.icon = IconLabel(kit, icon, "muted", 40)
        self.title = Label(kit, title_key, "section", **params)
        self.words = Label(kit, text_key, "muted", **params)
        if not text_key:
            self.words.hide()
        self._column = column(None, space=r.SPACE_2, margin=r.SPACE_4)
        for label in (self.title, self.words):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignHCenter)
        self._column.addWidget(self.title)
        self._column.addWidget(self.words)
        self._column.addStretch(1)
        holder = QWidget()
        holder.setMaximumWidth(_WIDTH_PX)
        holder.setLayout(self._column)
        middle = row(None, holder, None, space=0)
        # The words take what there is, up to their widest; only the rest is margin.
        middle.setStretch(1, 1_000)
        self.setLayout(middle)

    def set_texts(self, icon: str, title_key: str, text_key: str = "", **params: object) -> None:
        """Say something else."""
        self.icon.set_face(icon, "muted")
        self.title.set_key(title_key, **params)
        self.words.set_key(text_key, **params)
        self.words.setVisible(bool(text_key))

    def add_action(self, key: str, do: Callable[[], None], icon: str = "") -> QPushButton:
        """Add the action that starts something here; returns its button."""
        button = Button(self._kit, key, icon, "primary")
        button.clicked.connect(lambda: do())
        self._column.insertSpacing(self._column.count() - 1, r.SPACE_2)
        self._column.insertWidget(self._column.count() - 1, button, 0, Qt.AlignmentFlag.AlignHCenter)
        return button
