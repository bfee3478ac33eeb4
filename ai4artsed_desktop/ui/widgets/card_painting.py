"""How a card looks: used by the grid of a picker and by the button that shows what was picked."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen, QTextLayout, QTextOption
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui import stylesheet
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import CARD_ROLE, CardItem

CARD_HEIGHT_PX = 128
CARD_MIN_WIDTH_PX = 248
_HEADING_HEIGHT_PX = 40
_GAP_PX = r.SPACE_2
_PICTURE_PX = 72
_Index = QModelIndex | QPersistentModelIndex


def paint_ground(painter: QPainter, kit: Kit, rect: QRect, color: str, *, ground: str, ring: bool, line: str) -> None:
    """Paint a card's ground, its coloured edge and, if asked, the focus ring."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = QPainterPath()
    path.addRoundedRect(rect.adjusted(1, 1, -1, -1), r.RADIUS_CARD, r.RADIUS_CARD)
    painter.fillPath(path, QColor(ground))
    painter.save()
    painter.setClipPath(path)
    is_mirrored = painter.layoutDirection() == Qt.LayoutDirection.RightToLeft
    left = rect.right() - r.EDGE_PX if is_mirrored else rect.left() + 1
    painter.fillRect(QRect(left, rect.top(), r.EDGE_PX, rect.height()), QColor(color))
    painter.restore()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(kit.theme.color("focus" if ring else line), r.FOCUS_PX if ring else 1))
    painter.drawPath(path)


def draw_lines(painter: QPainter, rect: QRect, text: str, font: QFont, color: QColor, max_lines: int) -> int:
    """Draw ``text`` wrapped into ``rect``; the last line ends with an ellipsis. Returns the height used, in px."""
    painter.setPen(color)
    painter.setFont(font)
    metrics = QFontMetrics(font)
    height = round(font.pixelSize() * r.LINE_HEIGHT)
    layout = QTextLayout(text, font)
    layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeading))
    layout.beginLayout()
    y = rect.top()
    for number in range(max_lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(rect.width())
        start = line.textStart()
        part = text[start : start + line.textLength()]
        if number == max_lines - 1:
            part = metrics.elidedText(text[start:], Qt.TextElideMode.ElideRight, rect.width())
        box = QRect(rect.left(), y, rect.width(), height)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter), part.strip())
        y += height
    layout.endLayout()
    return y - rect.top()


class CardDelegate(QStyledItemDelegate):
    """Paints headings and cards; as many columns as fit share the width."""

    def __init__(self, kit: Kit, view: QListView) -> None:
        super().__init__(view)
        self._kit = kit
        self._view = view
        self.picked_id = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """A heading takes a row of its own."""
        width = self._view.viewport().width() - 1
        if isinstance(index.data(CARD_ROLE), str):
            return QSize(width, _HEADING_HEIGHT_PX)
        columns = max(1, width // (CARD_MIN_WIDTH_PX + _GAP_PX))
        return QSize(width // columns, CARD_HEIGHT_PX + _GAP_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint one row."""
        entry = cast("CardItem | str", index.data(CARD_ROLE))
        rect = option.rect  # pyright: ignore[reportAttributeAccessIssue] missing in the stub
        painter.save()
        if isinstance(entry, str):
            self._paint_heading(painter, rect, entry)
        else:
            state = option.state  # pyright: ignore[reportAttributeAccessIssue] as above
            self._paint_card(painter, rect.adjusted(0, 0, -_GAP_PX, -_GAP_PX), entry, state)
        painter.restore()

    def _paint_heading(self, painter: QPainter, rect: QRect, text: str) -> None:
        painter.setFont(self._kit.theme.font(r.TYPE_SMALL, weight=QFont.Weight.DemiBold))
        painter.setPen(self._kit.theme.color("muted"))
        box = rect.adjusted(0, 0, 0, -r.SPACE_2)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignBottom), text)

    def _paint_card(self, painter: QPainter, rect: QRect, card: CardItem, state: QStyle.StateFlag) -> None:
        theme = self._kit.theme
        is_current = bool(state & QStyle.StateFlag.State_Selected)
        ground = theme.roles.surface if card.runnable else theme.roles.canvas
        if card.id == self.picked_id:
            ground = stylesheet.picked(theme.roles)
        elif state & QStyle.StateFlag.State_MouseOver:
            ground = stylesheet.hover(theme.roles)
        color = card.color if card.runnable else theme.roles.line
        paint_ground(painter, self._kit, rect, color, ground=ground, ring=is_current, line="line")
        inner = rect.adjusted(r.SPACE_4, r.SPACE_3, -r.SPACE_3, -r.SPACE_3)
        text_role = "ink" if card.runnable else "muted"
        words = QRect(inner)
        if card.picture is not None:
            self._paint_picture(painter, inner, card.picture)
            words.setRight(inner.right() - _PICTURE_PX - r.SPACE_3)
        self._paint_name(painter, words, card, text_role)
        below = words.adjusted(0, r.ICON_PX + r.SPACE_2, 0, 0)
        small = theme.font(r.TYPE_SMALL)
        draw_lines(painter, below, card.description, small, theme.color("muted"), 3 if card.runnable else 2)
        line_height = round(r.TYPE_SMALL * r.LINE_HEIGHT)
        if card.runnable:
            foot = QRect(inner.left(), inner.bottom() - line_height, inner.width(), line_height)
            facts = " · ".join((card.label, *card.facts))
            draw_lines(painter, foot, facts, small, theme.color(text_role), 1)
        else:
            self._paint_reason(painter, inner, card.reason, line_height)

    def _paint_picture(self, painter: QPainter, inner: QRect, picture: QImage) -> None:
        side = min(picture.width(), picture.height())
        cut = QRect((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
        box = QRect(inner.right() - _PICTURE_PX + 1, inner.top(), _PICTURE_PX, _PICTURE_PX)
        shape = QPainterPath()
        shape.addRoundedRect(box, r.RADIUS_FIELD, r.RADIUS_FIELD)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setClipPath(shape)
        painter.drawImage(box, picture, cut)
        painter.restore()

    def _paint_name(self, painter: QPainter, inner: QRect, card: CardItem, role: str) -> None:
        ratio = self._view.devicePixelRatioF()
        is_mirrored = self._view.isRightToLeft()
        icon_left = inner.right() - r.ICON_PX if is_mirrored else inner.left()
        painter.drawPixmap(icon_left, inner.top(), self._kit.icons.pixmap(card.icon, role, r.ICON_PX, ratio))
        shift = r.ICON_PX + r.SPACE_2
        box = inner.adjusted(0 if is_mirrored else shift, 0, -shift if is_mirrored else 0, 0)
        font = self._kit.theme.font(r.TYPE_BODY, weight=QFont.Weight.DemiBold)
        draw_lines(painter, box, card.name, font, self._kit.theme.color(role), 1)

    def _paint_reason(self, painter: QPainter, inner: QRect, reason: str, line_height: int) -> None:
        """Two lines at the foot: a sign and why it cannot run."""
        foot = QRect(inner.left(), inner.bottom() - 2 * line_height, inner.width(), 2 * line_height)
        icon = self._kit.icons.pixmap("warning", "warn", 16, self._view.devicePixelRatioF())
        is_mirrored = self._view.isRightToLeft()
        painter.drawPixmap(foot.right() - 16 if is_mirrored else foot.left(), foot.top(), icon)
        box = foot.adjusted(0 if is_mirrored else 22, 0, -22 if is_mirrored else 0, 0)
        draw_lines(painter, box, reason, self._kit.theme.font(r.TYPE_SMALL), self._kit.theme.color("warn"), 2)
