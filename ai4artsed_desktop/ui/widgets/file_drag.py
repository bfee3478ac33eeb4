"""Dragging a result out of the window as a file."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QWidget


def drag_file_out(source: QWidget, path: str) -> None:
    """Let the person carry the file at ``path`` wherever they want; the file itself stays where it is.

    Call only from a mouse event: the system's drag runs until the mouse is released.
    """
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path)])
    drag = QDrag(source)
    drag.setMimeData(mime)
    drag.exec(Qt.DropAction.CopyAction)
