"""One place for a picture: empty with an invitation, or filled with a small picture and its name."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.input_images import PicturePlace
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui import stylesheet
from ai4artsed_desktop.ui.drops import local_paths
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.card_painting import draw_lines

SLOT_WIDTH_PX, SLOT_HEIGHT_PX = 168, 56
#: Longer side of the small pictures, for screens of twice the usual density.
THUMB_PX = 2 * SLOT_HEIGHT_PX


class ImageSlot(QAbstractButton):
    """A press opens what can be done here; a picture can be dropped or pasted, Delete takes it out."""

    #: A file, or a picture without one (QImage), was dropped or pasted: Path or QImage.
    given = Signal(object)
    #: What is here shall go.
    cleared = Signal()

    def __init__(self, kit: Kit, place: PicturePlace) -> None:
        super().__init__()
        self._kit = kit
        self.place = place
        self.path: Path | None = None
        self._name = ""
        #: The small picture; None until it was read.
        self.picture: QImage | None = None
        self._is_target = False
        self.setAcceptDrops(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        kit.theme.changed.connect(self.update)
        self.retranslate()

    @property
    def title(self) -> str:
        """What the place is called."""
        fallback = self._kit.text("images.mask" if self.place.mask_of is not None else "images.picture")
        return localized(self.place.name or {}, self._kit.translator.language) or fallback

    def set_file(self, path: Path | None, name: str = "") -> None:
        """Put a file in, or none; its small picture comes with ``set_picture``."""
        self.path, self.picture = path, None
        self._name = name or (path.name if path is not None else "")
        self.retranslate()
        self.update()

    def set_picture(self, picture: QImage) -> None:
        """Show what is in the file."""
        self.picture = picture
        self.update()

    def retranslate(self) -> None:
        """Set the words anew."""
        said = self._name if self.path is not None else self._kit.text("images.none")
        description = localized(self.place.description or {}, self._kit.translator.language)
        self.setAccessibleName(f"{self.title}: {said}")
        self.setAccessibleDescription(description)
        self.setToolTip(f"{self._name}\n{description}" if self.path is not None else description)

    def sizeHint(self) -> QSize:
        """A small picture and two lines."""
        return QSize(SLOT_WIDTH_PX, max(SLOT_HEIGHT_PX, self._kit.theme.hit_px))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and pictures."""
        if content_of(event.mimeData()) is not None:
            self._is_target = True
            event.acceptProposedAction()
            self.update()

    def dragLeaveEvent(self, event: object) -> None:
        """Be no target any more."""
        del event
        self._is_target = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand on what was dropped."""
        self._is_target = False
        self.update()
        if (content := content_of(event.mimeData())) is not None:
            event.acceptProposedAction()
            self.given.emit(content)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete clears, Enter opens; pasting is the page's."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.path is not None:
            self.cleared.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.click()
        elif event.matches(QKeySequence.StandardKey.Paste) and (content := clipboard_content()) is not None:
            self.given.emit(content)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, or a dashed place for one, and the words beside it."""
        theme = self._kit.theme
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(self.rect().adjusted(1, 1, -1, -1), r.RADIUS_FIELD, r.RADIUS_FIELD)
        is_hot = self._is_target or self.underMouse()
        resting = theme.roles.sunken if self.path is None else theme.roles.surface
        painter.fillPath(outline, QColor(stylesheet.hover(theme.roles) if is_hot else resting))
        side = self.height() - 2 * r.SPACE_1
        box = QRect(r.SPACE_1, r.SPACE_1, side, side)
        self._paint_picture(painter, box)
        words = self.rect().adjusted(side + 3 * r.SPACE_1, r.SPACE_2, -r.SPACE_2, 0)
        small = theme.font(r.TYPE_SMALL)
        words.translate(0, draw_lines(painter, words, self.title, small, theme.color("ink"), 1))
        invitation = self._kit.text("images.invite_mask" if self.place.mask_of is not None else "images.invite")
        said = self._name if self.path is not None else invitation
        draw_lines(painter, words, said, small, theme.color("muted"), 1)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        has_focus = self.hasFocus() or self._is_target
        style = Qt.PenStyle.DashLine if self.path is None and not has_focus else Qt.PenStyle.SolidLine
        role, width = ("focus", float(r.FOCUS_PX)) if has_focus else ("edge", 1.0)
        painter.setPen(QPen(theme.color(role), width, style))
        painter.drawPath(outline)
        painter.end()

    def _paint_picture(self, painter: QPainter, box: QRect) -> None:
        if self.picture is None or self.picture.isNull():
            name = "mask" if self.place.mask_of is not None else "picture"
            ratio = self.devicePixelRatioF()
            icon = self._kit.icons.pixmap(name, "muted" if self.path is None else "ink", r.ICON_PX, ratio)
            painter.drawPixmap(box.center().x() - r.ICON_PX // 2, box.center().y() - r.ICON_PX // 2, icon)
            return
        side = min(self.picture.width(), self.picture.height())
        cut = QRect((self.picture.width() - side) // 2, (self.picture.height() - side) // 2, side, side)
        shape = QPainterPath()
        shape.addRoundedRect(box, r.SPACE_1, r.SPACE_1)
        painter.save()
        painter.setClipPath(shape)
        painter.drawImage(box, self.picture, cut)
        painter.restore()


def content_of(mime: QMimeData | None) -> Path | QImage | None:
    """Return the first file, or else the picture, that is dropped or pasted; None if there is neither."""
    if mime is None:  # an empty clipboard has none, whatever the stub says
        return None
    paths = local_paths(mime)
    if paths:
        return paths[0]
    image = mime.imageData() if mime.hasImage() else None
    return image if isinstance(image, QImage) and not image.isNull() else None


def clipboard_content() -> Path | QImage | None:
    """Return the file or picture on the clipboard."""
    return content_of(QGuiApplication.clipboard().mimeData())
