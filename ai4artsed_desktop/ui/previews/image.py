"""Pictures, still and moving: zoom, pan, copy, drag out as a file."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QGraphicsPixmapItem, QGraphicsScene, QGraphicsView

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.pictures import Frame, Frames, Picture, decode_picture
from ai4artsed_desktop.ui.previews.base import MediumUnreadableError, MediumView, PreviewSpec, PreviewWidget
from ai4artsed_desktop.ui.widgets.basics import IconButton
from ai4artsed_desktop.ui.widgets.file_drag import drag_file_out

_ZOOM_STEP = 1.25
_ZOOM_MIN, _ZOOM_MAX = 0.05, 32.0
#: From this zoom on, pixels are shown as squares: who looks so closely wants to see them.
_SHARP_ZOOM = 4.0


class ImageView(QGraphicsView):
    """One picture. ``zoom`` 1.0 shows one pixel of the picture as one pixel of the screen."""

    zoom_changed = Signal()
    #: The person pulls at a picture that is wholly in sight.
    drag_out_started = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._item = QGraphicsPixmapItem()
        scene = QGraphicsScene(self)
        scene.addItem(self._item)
        self.setScene(scene)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.zoom = 1.0
        self._fits = True
        self._pressed_at: QPoint | None = None

    def set_image(self, image: QImage) -> None:
        """Show ``image``; the zoom stays unless the size changed."""
        is_new_size = self._item.pixmap().size() != image.size()
        self._item.setPixmap(QPixmap.fromImage(image))
        if is_new_size:
            self.setSceneRect(self._item.boundingRect())
            self.fit()

    def image(self) -> QImage:
        """Return the picture shown now."""
        return self._item.pixmap().toImage()

    def fit(self) -> None:
        """Show all of it, as large as there is room; small pictures grow to twice their size at most."""
        self._fits = True
        size = self._item.pixmap().size()
        if size.isEmpty():
            return
        room = self.viewport().size()
        factor = min(room.width() / size.width(), room.height() / size.height())
        self._apply(min(factor * self.devicePixelRatioF(), 2.0))

    def set_zoom(self, zoom: float) -> None:
        """Show the picture at ``zoom``."""
        self._fits = False
        self._apply(max(_ZOOM_MIN, min(_ZOOM_MAX, zoom)))

    def zoom_by(self, steps: float) -> None:
        """Zoom in (positive) or out by steps of a quarter."""
        self.set_zoom(self.zoom * _ZOOM_STEP**steps)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and −, fit with 0, real size with 1."""
        if event.text() in ("+", "="):
            self.zoom_by(1)
        elif event.text() in ("-", "−"):
            self.zoom_by(-1)
        elif event.text() == "0":
            self.fit()
        elif event.text() == "1":
            self.set_zoom(1.0)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom to where the pointer is."""
        self.zoom_by(event.angleDelta().y() / 120)
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted picture fitted."""
        super().resizeEvent(event)
        if self._fits:
            self.fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a drag may begin."""
        self._pressed_at = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the picture out if there is nothing to pan."""
        if self._pressed_at is not None and self._is_wholly_in_sight():
            way = (event.position() - QPointF(self._pressed_at)).manhattanLength()
            if way >= QApplication.startDragDistance():
                self._pressed_at = None
                self.drag_out_started.emit()
            return
        super().mouseMoveEvent(event)

    def _is_wholly_in_sight(self) -> bool:
        return not self.horizontalScrollBar().maximum() and not self.verticalScrollBar().maximum()

    def _apply(self, zoom: float) -> None:
        self.zoom = zoom
        smooth, fast = Qt.TransformationMode.SmoothTransformation, Qt.TransformationMode.FastTransformation
        self._item.setTransformationMode(fast if zoom >= _SHARP_ZOOM else smooth)
        scale = zoom / self.devicePixelRatioF()
        self.resetTransform()
        self.scale(scale, scale)
        self.zoom_changed.emit()


class ImagePreview(PreviewWidget):
    """Shows a picture; a moving one plays (Space pauses) unless motion is reduced."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self.view = ImageView()
        self.stage.addWidget(self.view)
        self.view.zoom_changed.connect(self._show_caption)
        self.view.drag_out_started.connect(self._on_view_drag_out_started)
        self.play_button = IconButton(kit, "play", "action.play", shortcut_hint="Space")
        self.play_button.clicked.connect(self._on_play_button_clicked)
        self.tools.addWidget(self.play_button)
        for icon, key, hint, do in (
            ("zoom-out", "preview.zoom_out", "−", lambda: self.view.zoom_by(-1)),
            ("zoom-in", "preview.zoom_in", "+", lambda: self.view.zoom_by(1)),
            ("zoom-fit", "preview.zoom_fit", "0", self.view.fit),
            ("zoom-one", "preview.zoom_one", "1", lambda: self.view.set_zoom(1.0)),
        ):
            button = IconButton(kit, icon, key, shortcut_hint=hint)
            button.clicked.connect(do)
            self.tools.addWidget(button)
        self.copy_button.clicked.connect(self.copy)
        self._loading = Background[Picture](self, self._on_loaded, self.show_error)
        self._playback = _Playback(self)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_medium(self, medium: MediumView) -> None:
        """Load and show ``medium``."""
        super().show_medium(medium)
        self.release()
        self.play_button.hide()
        self._loading.start(lambda: _load(medium))

    def release(self) -> None:
        """Stop moving."""
        self._loading.forget()
        self._playback.set_frames(None)

    def copy(self) -> None:
        """Copy the picture (not its file) to the clipboard."""
        QGuiApplication.clipboard().setImage(self.view.image())

    def retranslate(self) -> None:
        """Set the words anew."""
        self.view.setAccessibleName(self.kit.text("preview.image"))
        self._show_caption()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Play and pause with Space, copy with Ctrl+C; keys reach this place when the picture has no use for them."""
        if event.key() == Qt.Key.Key_Space and self._playback.can_play:
            self._on_play_button_clicked()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Fit again on another screen."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.view.fit()

    def _on_loaded(self, picture: Picture) -> None:
        self.view.set_image(picture.image)
        self.view.fit()
        self._playback.set_frames(picture.frames)
        self.play_button.setVisible(picture.frames is not None)
        if picture.frames is not None and not self.kit.theme.is_motion_reduced:
            self._playback.play()
        self._show_play_button()

    def say_broken_off(self, error: ErrorInfo) -> None:
        """Say that the rest of a moving picture cannot be shown; the last good frame stays."""
        self._playback.pause()
        self._show_play_button()
        name = self.medium.name if self.medium is not None else ""
        self.error_card.show_error(ErrorInfo(MediumUnreadableError.code, {"name": name}, error.detail))

    def _on_play_button_clicked(self) -> None:
        if self._playback.is_playing:
            self._playback.pause()
        else:
            self._playback.play()
        self._show_play_button()

    def _show_play_button(self) -> None:
        word = "pause" if self._playback.is_playing else "play"
        self.play_button.set_face(word, f"action.{word}")

    def _on_view_drag_out_started(self) -> None:
        if self.medium is not None and self.medium.path:
            drag_file_out(self.view, self.medium.path)

    def _show_caption(self) -> None:
        size = self.view.image().size()
        if not size.isEmpty():
            percent = f"{round(self.view.zoom * 100)} %"
            self.caption.setText(f"{size.width()} × {size.height()} px · {percent}")


class _Playback(QTimer):
    """Shows one frame after the other; the next is decoded in a worker while the last one stands."""

    def __init__(self, preview: ImagePreview) -> None:
        super().__init__(preview)
        self._view = preview.view
        self._frames: Frames | None = None
        self._next: Frame | None = None
        self._decoding = Background[Frame](self, self._on_decoded, preview.say_broken_off)
        self._is_decoding = False
        self.is_playing = False
        self.setSingleShot(True)
        self.timeout.connect(self._advance)

    @property
    def can_play(self) -> bool:
        """Whether there is anything that moves."""
        return self._frames is not None

    def set_frames(self, frames: Frames | None) -> None:
        """Take other frames; nothing plays until ``play``."""
        self.pause()
        self._decoding.forget()
        self._is_decoding = False
        self._next = None
        self._frames = frames

    def play(self) -> None:
        """Go on."""
        self.is_playing = self._frames is not None
        self._advance()

    def pause(self) -> None:
        """Stand still at the frame in sight."""
        self.is_playing = False
        self.stop()

    def _advance(self) -> None:
        """Show the next frame if it is there and due, and have the one after it decoded."""
        if not self.is_playing or self._frames is None or self.isActive():
            return
        if self._next is not None:
            self._view.set_image(self._next.image)
            self.start(self._next.duration_ms)
            self._next = None
        if not self._is_decoding:
            self._is_decoding = True
            self._decoding.start(self._frames.next)

    def _on_decoded(self, frame: Frame) -> None:
        self._is_decoding = False
        self._next = frame
        self._advance()


def _load(medium: MediumView) -> Picture:
    data = medium.load()
    try:
        picture = decode_picture(data)
    except (OSError, SyntaxError, ValueError) as exc:  # what Pillow raises for damaged files
        raise MediumUnreadableError(str(exc), name=medium.name) from exc
    if picture is None:
        raise MediumUnreadableError(f"Qt does not read these {len(data)} bytes of {medium.mime}", name=medium.name)
    return picture


PREVIEW = PreviewSpec(("image/",), ImagePreview)
