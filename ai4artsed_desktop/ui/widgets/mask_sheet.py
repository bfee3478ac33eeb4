"""The sheet in which a mask is painted."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, row
from ai4artsed_desktop.ui.widgets.mask_canvas import BRUSH_MAX, BRUSH_MIN, MaskCanvas
from ai4artsed_desktop.ui.widgets.sheet import Sheet
from ai4artsed_desktop.ui.widgets.slider import Slider

_SLIDER_STEPS = 100


class MaskSheet(Sheet):
    """Brush, eraser, undo, zoom, and what is painted on."""

    #: The mask is ready: a QImage in the picture's size, white = painted anew.
    mask_painted = Signal(QImage)

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(kit, parent, "mask.title", max_width_px=1400, max_height_px=1000)
        self._is_used = False
        self.canvas = MaskCanvas(kit)
        self.size_label = Label(kit, "mask.brush", "small")
        self.size_label.setWordWrap(False)
        self.size_slider = Slider(kit, 0, _SLIDER_STEPS)
        self.erase_button = IconButton(kit, "eraser", "mask.erase", checkable=True, shortcut_hint="E")
        self.invert_button = IconButton(kit, "swap", "mask.invert", shortcut_hint="I")
        self.undo_button = IconButton(kit, "undo", "mask.undo", shortcut_hint="Ctrl+Z")
        self.redo_button = IconButton(kit, "redo", "mask.redo", shortcut_hint="Ctrl+Shift+Z")
        self.clear_button = IconButton(kit, "trash", "mask.clear")
        self.zoom_out = IconButton(kit, "zoom-out", "preview.zoom_out", shortcut_hint="−")
        self.zoom_in = IconButton(kit, "zoom-in", "preview.zoom_in", shortcut_hint="+")
        self.zoom_fit = IconButton(kit, "zoom-fit", "preview.zoom_fit", shortcut_hint="0")
        self.cancel_button = Button(kit, "action.cancel", "", "quiet")
        self.done_button = Button(kit, "mask.done", "check", "primary")
        self._lay_out(kit)
        self._connect()
        self.retranslate()

    @property
    def has_work(self) -> bool:
        """Whether something was painted and neither used nor taken back: Esc alone throws nothing away."""
        return self.canvas.can_undo and not self._is_used

    def open_for(self, picture: QImage, mask: QImage | None, full_size: QSize | None = None) -> None:
        """Open for a picture, with the mask of an earlier time or none; see ``MaskCanvas.set_picture``."""
        self.canvas.set_picture(picture, mask, full_size)
        self.open_again()

    def open_again(self) -> None:
        """Open with what was painted before."""
        self._is_used = False
        self.open_sheet(self.canvas)

    def retranslate(self) -> None:
        """Set the words anew."""
        self.canvas.setAccessibleName(self._kit.text("mask.canvas"))
        self.canvas.setAccessibleDescription(self._kit.text("mask.hint"))
        self.size_slider.setAccessibleName(self._kit.text("mask.brush"))
        self.size_slider.setToolTip(f"{self._kit.text('mask.brush')} ([ ])")

    def _lay_out(self, kit: Kit) -> None:
        tools = row(
            self.size_label,
            self.size_slider,
            self.erase_button,
            self.invert_button,
            r.SPACE_3,
            self.undo_button,
            self.redo_button,
            self.clear_button,
            None,
            self.zoom_out,
            self.zoom_in,
            self.zoom_fit,
            space=r.SPACE_1,
        )
        foot = row(Label(kit, "mask.hint", "small"), self.cancel_button, self.done_button, space=r.SPACE_2)
        foot.setStretch(0, 1)
        self.body.addLayout(tools)
        self.body.addWidget(self.canvas, 1)
        self.body.addLayout(foot)

    def _connect(self) -> None:
        canvas = self.canvas
        canvas.changed.connect(self._on_canvas_changed)
        self.size_slider.valueChanged.connect(self._on_size_slider_value_changed)
        self.erase_button.toggled.connect(canvas.set_erasing)
        self.invert_button.clicked.connect(canvas.invert)
        self.undo_button.clicked.connect(canvas.undo)
        self.redo_button.clicked.connect(canvas.redo)
        self.clear_button.clicked.connect(canvas.clear)
        self.zoom_out.clicked.connect(lambda: canvas.zoom_by(-1))
        self.zoom_in.clicked.connect(lambda: canvas.zoom_by(1))
        self.zoom_fit.clicked.connect(canvas.fit)
        self.cancel_button.clicked.connect(self.close_sheet)
        self.done_button.clicked.connect(self._on_done_button_clicked)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _on_size_slider_value_changed(self, step: int) -> None:
        self.canvas.set_brush(_share_of(step))

    def _on_canvas_changed(self) -> None:
        self.undo_button.setEnabled(self.canvas.can_undo)
        self.redo_button.setEnabled(self.canvas.can_redo)
        self.erase_button.setChecked(self.canvas.is_erasing)
        self.size_slider.blockSignals(True)
        self.size_slider.setValue(_step_of(self.canvas.brush))
        self.size_slider.blockSignals(False)
        self.done_button.setEnabled(not self.canvas.is_empty)

    def _on_done_button_clicked(self) -> None:
        self._is_used = True
        self.mask_painted.emit(self.canvas.painted_mask())
        self.close_sheet()


def _share_of(step: int) -> float:
    """Each step of the slider makes the brush larger by the same factor."""
    return BRUSH_MIN * (BRUSH_MAX / BRUSH_MIN) ** (step / _SLIDER_STEPS)


def _step_of(share: float) -> int:
    return round(_SLIDER_STEPS * math.log(share / BRUSH_MIN) / math.log(BRUSH_MAX / BRUSH_MIN))
