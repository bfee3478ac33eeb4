"""Painting a mask over a picture: what is marked is made anew."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit

#: Masks are painted at this size at most and scaled to the picture in the end: no brush is finer.
LONGEST_PX = 1536
_UNDO_STEPS = 60
_ZOOM_STEP, _ZOOM_MAX = 1.25, 16.0
#: The brush, as a share of the picture's longer side.
BRUSH_MIN, BRUSH_MAX, BRUSH_START = 0.01, 0.4, 0.08
_BRUSH_STEP = 1.2
_VEIL_ALPHA = 150
#: Stripes of the veil along the longer side: seen on a picture of any colour, and whatever its own structure.
_STRIPES = 80
_DARK, _LIGHT = "#141414", "#FFFFFF"
_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


@dataclass(frozen=True, slots=True)
class _Step:
    """One change: what a part of the mask was and what it became."""

    rect: QRect
    before: QImage
    after: QImage


class MaskCanvas(QWidget):
    """A picture and its mask. The left button paints, the right or middle one moves the picture, the wheel zooms.

    Keys: arrows move the brush, with Shift they paint, Space puts a dot; ``[`` and ``]`` size, E erases, I inverts,
    Ctrl+Z and Ctrl+Shift+Z, + and − and 0 zoom.
    """

    #: The mask, the brush or the zoom is another one.
    changed = Signal()

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._picture = QImage()
        self._full_size = QSize()
        self._mask = QImage()
        self._veil = QImage()
        self._stripes = _stripes(4)
        self._steps: list[_Step] = []
        self._undone: list[_Step] = []
        self._before: QImage | None = None
        self._dirty = QRectF()
        self._last = QPointF()
        self._grip: QPointF | None = None
        self._spot = QPointF()
        self._is_spot_shown = False
        self._zoom = 1.0
        self._middle = QPointF()
        self._brush = BRUSH_START
        self.is_erasing = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    # What is painted on.

    def set_picture(self, picture: QImage, mask: QImage | None = None, full_size: QSize | None = None) -> None:
        """Show a picture, with a mask of an earlier time or none; nothing can be undone then.

        Args:
            picture: Not much larger than ``LONGEST_PX``: masks are painted in its pixels.
            full_size: The size of the picture it was made smaller from, and of the mask that is handed out.
        """
        self._full_size = picture.size() if full_size is None else full_size
        self._picture = picture
        smooth = Qt.TransformationMode.SmoothTransformation
        size = self._picture.size()
        if mask is not None and not mask.isNull():
            ignore = Qt.AspectRatioMode.IgnoreAspectRatio
            self._mask = mask.scaled(size, ignore, smooth).convertToFormat(QImage.Format.Format_Grayscale8)
        else:
            self._mask = QImage(size, QImage.Format.Format_Grayscale8)
            self._mask.fill(0)
        self._steps.clear()
        self._undone.clear()
        self._spot = QPointF(size.width() / 2, size.height() / 2)
        self._rebuild()
        self.fit()

    def painted_mask(self) -> QImage:
        """Return the mask in the picture's own size: white = made anew, black = stays."""
        ignore, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        return (
            self._mask.scaled(self._full_size, ignore, smooth) if self._mask.size() != self._full_size else self._mask
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is marked."""
        small = self._mask.scaled(
            64, 64, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        return all(small.pixelColor(x, y).value() == 0 for x in range(small.width()) for y in range(small.height()))

    @property
    def brush(self) -> float:
        """Diameter of the brush, as a share of the picture's longer side."""
        return self._brush

    def set_brush(self, share: float) -> None:
        """Take another brush."""
        self._brush = max(BRUSH_MIN, min(BRUSH_MAX, share))
        self._say()

    def set_erasing(self, is_erasing: bool) -> None:
        """Take marks away instead of making them."""
        self.is_erasing = is_erasing
        self._say()

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._steps)

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back."""
        return bool(self._undone)

    def undo(self) -> None:
        """Take the last change back."""
        self._go(self._steps, self._undone, is_back=True)

    def redo(self) -> None:
        """Make the change anew that was taken back last."""
        self._go(self._undone, self._steps, is_back=False)

    def invert(self) -> None:
        """Mark what was not marked, and the other way round."""
        self._begin()
        self._mask.invertPixels()
        self._end(self._mask.rect())

    def clear(self) -> None:
        """Mark nothing."""
        self._begin()
        self._mask.fill(0)
        self._end(self._mask.rect())

    # Looking.

    @property
    def zoom(self) -> float:
        """1.0 shows the whole picture."""
        return self._zoom

    def fit(self) -> None:
        """Show the whole picture."""
        self._zoom = 1.0
        self._middle = QPointF(self._picture.width() / 2, self._picture.height() / 2)
        self._say()

    def zoom_by(self, steps: float, at: QPointF | None = None) -> None:
        """Zoom in (positive) or out by steps of a quarter; what is at ``at`` (of the widget) stays there."""
        before = self._to_picture(at) if at is not None else None
        self._zoom = max(1.0, min(_ZOOM_MAX, self._zoom * _ZOOM_STEP**steps))
        if self._zoom == 1.0:
            self.fit()
            return
        if before is not None and at is not None:
            self._middle += before - self._to_picture(at)
        self._say()

    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(720, 420)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint picture, marks, the brush of the keyboard and the focus ring."""
        theme = self._kit.theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("sunken"))
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        painter.setTransform(self._transform())
        painter.drawImage(QPointF(0, 0), self._picture)
        painter.drawImage(QPointF(0, 0), self._veil)
        if self._is_spot_shown:
            self._paint_brush(painter)
        painter.resetTransform()
        if self.hasFocus():
            painter.setPen(QPen(theme.color("focus"), r.FOCUS_PX))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    # Hands.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to paint, or to move the picture."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._begin()
            self._last = self._spot = self._to_picture(event.position())
            self._draw_to(self._last)
        else:
            self._grip = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Paint a line, move the picture, or only show the brush."""
        self._is_spot_shown = True
        if self._before is not None:
            self._draw_to(self._to_picture(event.position()))
        elif self._grip is not None:
            self._middle -= (event.position() - self._grip) / self._scale()
            self._grip = event.position()
        self._spot = self._to_picture(event.position())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the line."""
        self._grip = None
        if event.button() == Qt.MouseButton.LeftButton and self._before is not None:
            self._end(self._dirty.toAlignedRect())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom to where the pointer is."""
        self.zoom_by(event.angleDelta().y() / 120, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do with keys what the hand does."""
        key = Qt.Key(event.key())
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.redo()
        elif key in _ARROWS:
            self._walk(_ARROWS[key], paints=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Space:
            self._stroke(self._spot, self._spot)
        elif not self._type(event.text().lower()):
            super().keyPressEvent(event)

    def _type(self, text: str) -> bool:
        match text:
            case "[":
                self.set_brush(self._brush / _BRUSH_STEP)
            case "]":
                self.set_brush(self._brush * _BRUSH_STEP)
            case "e":
                self.set_erasing(not self.is_erasing)
            case "i":
                self.invert()
            case "+" | "=":
                self.zoom_by(1)
            case "-" | "−":
                self.zoom_by(-1)
            case "0":
                self.fit()
            case _:
                return False
        return True

    def _walk(self, way: tuple[int, int], *, paints: bool) -> None:
        step = max(1.0, self._brush_px() / 2)
        x = max(0.0, min(float(self._mask.width()), self._spot.x() + way[0] * step))
        y = max(0.0, min(float(self._mask.height()), self._spot.y() + way[1] * step))
        start, self._spot, self._is_spot_shown = self._spot, QPointF(x, y), True
        if paints:
            self._stroke(start, self._spot)
        self.update()

    def _stroke(self, start: QPointF, end: QPointF) -> None:
        self._begin()
        self._last = start
        self._draw_to(end)
        self._end(self._dirty.toAlignedRect())

    def _begin(self) -> None:
        self._before = self._mask.copy()
        self._dirty = QRectF()

    def _draw_to(self, point: QPointF) -> None:
        width = self._brush_px()
        mark = QBrush(Qt.GlobalColor.black if self.is_erasing else Qt.GlobalColor.white)
        veil = QBrush(Qt.GlobalColor.transparent) if self.is_erasing else QBrush(_thinned(self._stripes))
        for image, brush in ((self._mask, mark), (self._veil, veil)):
            painter = QPainter(image)
            # Where lines cross, the veil does not grow thicker.
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
            painter.setPen(QPen(brush, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            if self._last == point:
                painter.drawPoint(point)
            else:
                painter.drawLine(self._last, point)
            painter.end()
        edge = width / 2 + 2
        line = QRectF(self._last, point).normalized().adjusted(-edge, -edge, edge, edge)
        self._dirty = self._dirty.united(line)
        self._last = point
        self.update()

    def _end(self, rect: QRect) -> None:
        before, self._before = self._before, None
        rect = rect.intersected(self._mask.rect())
        if before is None or rect.isEmpty():
            return
        self._steps.append(_Step(rect, before.copy(rect), self._mask.copy(rect)))
        del self._steps[:-_UNDO_STEPS]
        self._undone.clear()
        self._rebuild()
        self._say()

    def _go(self, source: list[_Step], target: list[_Step], *, is_back: bool) -> None:
        if not source:
            return
        step = source.pop()
        target.append(step)
        painter = QPainter(self._mask)
        painter.drawImage(step.rect.topLeft(), step.before if is_back else step.after)
        painter.end()
        self._rebuild()
        self._say()

    def _rebuild(self) -> None:
        """Make the veil from the mask."""
        if self._mask.isNull():
            return
        self._stripes = _stripes(max(4, max(self._mask.width(), self._mask.height()) // _STRIPES))
        self._veil = QImage(self._mask.size(), QImage.Format.Format_ARGB32_Premultiplied)
        cover = QPainter(self._veil)
        cover.fillRect(self._veil.rect(), QBrush(self._stripes))
        cover.end()
        thin = QImage(self._mask.size(), QImage.Format.Format_Grayscale8)
        thin.fill(0)
        painter = QPainter(thin)
        painter.setOpacity(_VEIL_ALPHA / 255)
        painter.drawImage(0, 0, self._mask)
        painter.end()
        self._veil.setAlphaChannel(thin)
        self.update()

    def _brush_px(self) -> float:
        return max(1.0, self._brush * max(self._mask.width(), self._mask.height()))

    def _scale(self) -> float:
        size = QSizeF(self._picture.size())
        if size.isEmpty():
            return 1.0
        return min(self.width() / size.width(), self.height() / size.height()) * self._zoom

    def _transform(self) -> QTransform:
        scale = self._scale()
        centre = QPointF(self.width() / 2, self.height() / 2) - self._middle * scale
        return QTransform(scale, 0, 0, scale, centre.x(), centre.y())

    def _to_picture(self, point: QPointF) -> QPointF:
        return self._transform().inverted()[0].map(point)

    def _paint_brush(self, painter: QPainter) -> None:
        radius = self._brush_px() / 2
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # Dark and light, so that it is seen on any picture.
        for color, width in ((_DARK, 3.0), (_LIGHT, 1.0)):
            pen = QPen(QColor(color), width)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawEllipse(self._spot, radius, radius)

    def _say(self) -> None:
        self.update()
        self.changed.emit()


def _stripes(width_px: int) -> QImage:
    """Return a tile of slanted stripes, dark and light."""
    side = 2 * width_px
    tile = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    tile.fill(QColor(_DARK))
    painter = QPainter(tile)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(_LIGHT))
    for left in (-side, 0):
        x, w = float(left), float(width_px)
        painter.drawPolygon([QPointF(x, 0), QPointF(x + w, 0), QPointF(x + w + side, side), QPointF(x + side, side)])
    painter.end()
    return tile


def _thinned(tile: QImage) -> QImage:
    """Return the tile with the veil's transparency."""
    thin = QImage(tile.size(), QImage.Format.Format_ARGB32_Premultiplied)
    thin.fill(Qt.GlobalColor.transparent)
    painter = QPainter(thin)
    painter.setOpacity(_VEIL_ALPHA / 255)
    painter.drawImage(0, 0, tile)
    painter.end()
    return thin
