"""What every preview is and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import IconButton, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.file_drag import drag_file_out


class MediumUnreadableError(AppError):
    """A medium cannot be shown. Params: ``name``."""

    code = "error.preview.unreadable"


@dataclass(frozen=True, slots=True)
class MediumView:
    """One medium as a preview sees it; the preview opens no file itself.

    Attributes:
        name: File name, for the person.
        mime: Such as ``image/png``.
        load: Returns the bytes; called in a worker thread; raises AppError.
        path: Where it lies on disk, for dragging it out; empty = nowhere yet.
    """

    name: str
    mime: str
    load: Callable[[], bytes]
    path: str = ""


class PreviewWidget(QWidget):
    """Base of all previews: a bar of actions, room for the medium, and an error in the same place.

    Subclasses put their widget into ``stage``, their buttons into ``tools``, and override ``show_medium``.
    """

    #: The person wants the medium saved elsewhere.
    save_requested = Signal()
    #: The person changed the code and wants it run: the whole code.
    run_requested = Signal(str)

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.kit = kit
        self.medium: MediumView | None = None
        self.stage = QStackedWidget()
        self.caption = Label(kit, look="small")
        self.caption.setWordWrap(False)
        self.tools: QHBoxLayout = row(space=r.SPACE_1)
        self.copy_button = IconButton(kit, "copy", "action.copy", shortcut_hint="Ctrl+C")
        self.save_button = IconButton(kit, "save", "action.save", shortcut_hint="Ctrl+S")
        self.drag_button = DragHandle(kit, self)
        self.save_button.clicked.connect(self.save_requested)
        self.error_card = ErrorCard(kit)
        self.error_card.close_button.hide()
        bar = row(self.tools, self.caption, None, self.copy_button, self.drag_button, self.save_button, space=r.SPACE_1)
        layout = column(self.stage, self.error_card, bar, space=r.SPACE_1)
        layout.setStretch(0, 1)
        # Takes the room only while the stage is hidden: an error's lines stay together.
        layout.insertStretch(2, 0)
        self.setLayout(layout)

    def show_medium(self, medium: MediumView) -> None:
        """Show ``medium``; subclasses extend this and start loading."""
        self.medium = medium
        self.error_card.hide()
        self.stage.show()
        self.caption.setText("")
        self.drag_button.setEnabled(bool(medium.path))

    def show_error(self, error: ErrorInfo) -> None:
        """Say why the medium cannot be shown; it can still be saved and dragged out."""
        self.stage.hide()
        self.error_card.show_error(error)

    def release(self) -> None:
        """Stop playing and let go of what is held; called before the preview is replaced or the window closes."""


@dataclass(frozen=True, slots=True)
class PreviewSpec:
    """How one preview is found; each file in this package has exactly one, named ``PREVIEW``.

    Attributes:
        mime_prefixes: MIME types (or their beginnings) it shows; the longest match over all previews wins.
        make: Makes the widget.
    """

    mime_prefixes: tuple[str, ...]
    make: Callable[[Kit], PreviewWidget]


class DragHandle(IconButton):
    """A button to drag instead of press."""

    def __init__(self, kit: Kit, preview: PreviewWidget) -> None:
        super().__init__(kit, "drag", "action.drag_out")
        self._preview = preview
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.pressed.connect(self._on_pressed)

    def _on_pressed(self) -> None:
        medium = self._preview.medium
        if medium is not None and medium.path:
            self.setDown(False)
            drag_file_out(self, medium.path)
