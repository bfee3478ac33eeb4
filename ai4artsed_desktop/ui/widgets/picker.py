"""The config picker: a button with the card of the moment, and a sheet with all cards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QListView, QSizePolicy, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui import stylesheet
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import CARD_ROLE, CardItem, CardModel
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.card_painting import CardDelegate, draw_lines, paint_ground
from ai4artsed_desktop.ui.widgets.fields import Combo
from ai4artsed_desktop.ui.widgets.sheet import Sheet

_BUTTON_HEIGHT_PX = 56
_BACK_AND_FORTH = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class PickerButton(QAbstractButton):
    """Shows the card that is picked; a press asks for the sheet.

    Args:
        kit: Look, icons and words.
        title_key: What is picked here, for assistive technology.
    """

    def __init__(self, kit: Kit, title_key: str) -> None:
        super().__init__()
        self._kit = kit
        self._title_key = title_key
        self._card: CardItem | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        kit.translator.language_changed.connect(self.retranslate)
        kit.theme.changed.connect(self.update)
        self.retranslate()

    def set_card(self, card: CardItem | None) -> None:
        """Show ``card``; None = nothing picked yet."""
        self._card = card
        self.retranslate()
        self.update()

    def retranslate(self) -> None:
        """Set the words anew."""
        title = self._kit.text(self._title_key)
        name = self._card.name if self._card else self._kit.text("picker.nothing")
        self.setText(name)
        self.setAccessibleName(f"{title}: {name}")
        self.setAccessibleDescription(self._card.description if self._card else "")
        self.setToolTip(self._card.description if self._card else "")

    def sizeHint(self) -> QSize:
        """High enough for a name and a sentence."""
        return QSize(280, max(_BUTTON_HEIGHT_PX, self._kit.theme.hit_px))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Enter and Down as well as Space, as a drop-down list does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint icon, name, one sentence and the sign that there are more."""
        theme, ratio = self._kit.theme, self.devicePixelRatioF()
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        ground = stylesheet.hover(theme.roles) if self.underMouse() and self.isEnabled() else theme.roles.surface
        color = self._card.color if self._card else theme.roles.line
        paint_ground(painter, self._kit, self.rect(), color, ground=ground, ring=self.hasFocus(), line="edge")
        inner = self.rect().adjusted(r.SPACE_4, r.SPACE_2, -r.SPACE_3, -r.SPACE_2)
        top = inner.center().y() - r.ICON_PX // 2
        near, far = inner.left(), inner.right() - r.ICON_PX
        if self.isRightToLeft():
            near, far = far, near
        painter.drawPixmap(far, top, self._kit.icons.pixmap("chevron-down", "muted", r.ICON_PX, ratio))
        icon = self._card.icon if self._card else "shapes"
        painter.drawPixmap(near, top, self._kit.icons.pixmap(icon, "ink", r.ICON_PX, ratio))
        self._paint_words(painter, inner.adjusted(r.ICON_PX + r.SPACE_3, 0, -r.ICON_PX - r.SPACE_2, 0))
        painter.end()

    def _paint_words(self, painter: QPainter, box: QRect) -> None:
        theme = self._kit.theme
        name_font = theme.font(r.TYPE_BODY, weight=QFont.Weight.DemiBold)
        if self._card is None:
            painter.setFont(name_font)
            painter.setPen(theme.color("muted"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter), self.text())
            return
        box.moveTop(box.center().y() - round((r.TYPE_BODY + r.TYPE_SMALL) * r.LINE_HEIGHT / 2))
        box.translate(0, draw_lines(painter, box, self._card.name, name_font, theme.color("ink"), 1))
        label, description = self._card.label, self._card.description
        # Some descriptions begin with what the label says.
        words = description if not label or description.startswith(label) else f"{label} · {description}"
        draw_lines(painter, box, words, theme.font(r.TYPE_SMALL), theme.color("muted"), 1)


class _CardView(QListView):
    """The grid. Left and right walk through all cards; typing anything goes to the search field."""

    #: Text typed while the grid has the focus.
    typed = Signal(str)
    details_asked = Signal()

    def __init__(self, kit: Kit, model: CardModel) -> None:
        super().__init__()
        self.cards = model
        self.setModel(model)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Always there: a bar that comes and goes would change the number of columns back and forth.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(True)
        self.setViewportMargins(r.SPACE_2, 0, 0, 0)
        self.verticalScrollBar().setSingleStep(32)
        self.delegate = CardDelegate(kit, self)
        self.setItemDelegate(self.delegate)
        kit.theme.changed.connect(self.viewport().update)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give every key its meaning."""
        key = Qt.Key(event.key())
        if key in _BACK_AND_FORTH:
            step = _BACK_AND_FORTH[key]
            self._walk(-step if self.isRightToLeft() else step)
        elif key == Qt.Key.Key_Space:
            self.details_asked.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit(self.currentIndex())
        elif event.text().isprintable() and event.text():
            self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)

    def _walk(self, step: int) -> None:
        rows = self.cards.card_rows()
        if not rows:
            return
        current = self.currentIndex().row()
        place = rows.index(current) + step if current in rows else 0
        self.setCurrentIndex(self.cards.index(rows[max(0, min(place, len(rows) - 1))]))


class PickerSheet(Sheet):
    """All cards of one kind.

    Search from the first keystroke, arrows move, Enter picks, Space shows details, Esc closes.

    Args:
        kit: Look, icons and words.
        parent: The page it covers.
        title_key: Heading, such as "Choose the rules".
    """

    #: Id of the card that was picked; the sheet is closed then.
    picked = Signal(str)
    #: Id of the card whose problem should be solved.
    fix_requested = Signal(str)

    def __init__(self, kit: Kit, parent: QWidget, title_key: str) -> None:
        super().__init__(kit, parent, title_key)
        self.model = CardModel(self)
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._on_filter_changed)
        self.age = Combo(kit)
        self.age.currentIndexChanged.connect(self._on_filter_changed)
        self.view = _CardView(kit, self.model)
        self.view.clicked.connect(self._pick)
        self.view.activated.connect(self._pick)
        self.view.typed.connect(self._on_view_typed)
        self.view.details_asked.connect(self._on_view_details_asked)
        self.view.selectionModel().currentChanged.connect(self._show_details)
        self.nothing = Label(kit, "picker.no_match", "muted")
        self._build_details(kit)
        filters = row(self.search, self.age, space=r.SPACE_2)
        filters.setStretch(0, 1)
        for part in (self.view, self.nothing, self.details):
            self.body.addWidget(part)
        self.body.insertLayout(0, filters)
        self.body.setStretch(1, 1)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def set_items(self, items: Iterable[CardItem]) -> None:
        """Replace all cards; the filters stay."""
        self.model.set_items(items)
        self._fill_ages()
        self._after_filter()

    def open_for(self, picked_id: str) -> None:
        """Open with an empty search and the card of the moment as the current one."""
        self.search.clear()
        self.view.delegate.picked_id = picked_id
        self.open_sheet(self.search)
        self._make_current(self.model.row_of(picked_id))

    def retranslate(self) -> None:
        """Set the words anew."""
        self.search.setPlaceholderText(self._kit.text("picker.search"))
        self.search.setAccessibleName(self._kit.text("picker.search"))
        for part in (self.age, self.age.view()):
            part.setAccessibleName(self._kit.text("picker.age"))
        self.view.setAccessibleName(self._kit.text("picker.cards"))
        self._fill_ages()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let arrows and Enter work from the search field."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(cast("QKeyEvent", event).key())
            if key == Qt.Key.Key_Down:
                self.view.setFocus(Qt.FocusReason.OtherFocusReason)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._pick(self.view.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _build_details(self, kit: Kit) -> None:
        self.details = frame("card")
        self._detail_name = Label(kit, look="strong")
        self._detail_text = Label(kit)
        self._detail_facts = Label(kit, look="small")
        self._detail_reason = Label(kit, look="warn")
        self.fix_button = Button(kit, "picker.fix", "hammer")
        self.fix_button.clicked.connect(self._on_fix_button_clicked)
        parts = column(
            self._detail_name, self._detail_text, self._detail_facts, self._detail_reason, space=4, margin=r.SPACE_3
        )
        parts.addWidget(self.fix_button, 0, Qt.AlignmentFlag.AlignLeading)
        self.details.setLayout(parts)
        self.details.hide()

    def _fill_ages(self) -> None:
        chosen = self._age()
        self.age.blockSignals(True)
        self.age.clear()
        self.age.addItem(self._kit.text("picker.age.all"), None)
        for age in self.model.ages():
            # Fits people just below the next step: those who are that old at least.
            self.age.addItem(self._kit.text("picker.age.below", age=age), age - 1)
        self.age.setCurrentIndex(max(0, self.age.findData(chosen)))
        self.age.blockSignals(False)
        self.age.setVisible(self.age.count() > 1)

    def _age(self) -> int | None:
        return cast("int | None", self.age.currentData())

    def _current_card(self) -> CardItem | None:
        entry = cast("object", self.view.currentIndex().data(CARD_ROLE))
        return entry if isinstance(entry, CardItem) else None

    def _on_filter_changed(self) -> None:
        self.model.set_filter(self.search.text(), self._age())
        self._after_filter()

    def _after_filter(self) -> None:
        rows = self.model.card_rows()
        self.nothing.setVisible(not rows)
        self.view.setVisible(bool(rows))
        current = self.model.row_of(self.view.delegate.picked_id)
        self._make_current(current if current is not None and not self.search.text() else None)

    def _make_current(self, wanted_row: int | None) -> None:
        rows = self.model.card_rows()
        if wanted_row is None:
            wanted_row = rows[0] if rows else None
        index = QModelIndex() if wanted_row is None else self.model.index(wanted_row)
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)
        self._show_details()

    def _show_details(self) -> None:
        card = self._current_card()
        if card is None or not card.runnable:
            # What cannot run says why without being asked.
            self.details.setVisible(card is not None)
        if card is None:
            return
        self._detail_name.setText(card.name)
        self._detail_text.setText(card.description)
        self._detail_facts.setText(" · ".join(filter(None, (card.group_name, card.label, *card.facts))))
        self._detail_reason.setText(card.reason)
        self._detail_reason.setVisible(not card.runnable)
        has_fix = bool(card.fix) and not card.runnable
        self.fix_button.setVisible(has_fix)
        if has_fix:
            self.fix_button.setText(card.fix)
            self.fix_button.setAccessibleName(card.fix)

    def _pick(self, index: QModelIndex) -> None:
        card = cast("object", index.data(CARD_ROLE)) if index.isValid() else None
        if isinstance(card, CardItem) and card.runnable:
            self.close_sheet()
            self.picked.emit(card.id)

    def _on_view_typed(self, text: str) -> None:
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)
        self.search.insert(text)

    def _on_view_details_asked(self) -> None:
        self.details.setVisible(not self.details.isVisible())

    def _on_fix_button_clicked(self) -> None:
        if card := self._current_card():
            self.fix_requested.emit(card.id)
