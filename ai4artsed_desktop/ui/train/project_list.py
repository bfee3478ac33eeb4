"""The projects at the left: name, family, state and how far the newest training is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.engine.training_studio import ProjectOverview
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
PROJECT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_ROW_PX = 64
#: State → icon and the icon's role; never colour alone, the word stands beside it.
STATE_FACES: dict[str, tuple[str, str]] = {
    "new": ("circle", "muted"),
    "queued": ("hourglass", "info"),
    "running": ("play", "info"),
    "stopping": ("stop", "warn"),
    "finished": ("check", "good"),
    "failed": ("error", "bad"),
    "stopped": ("stop", "muted"),
    "interrupted": ("warning", "warn"),
}


class ProjectModel(QAbstractListModel):
    """Rows of ``ProjectOverview``."""

    def __init__(self, kit: Kit, parent: QObject) -> None:
        super().__init__(parent)
        self._kit = kit
        self._projects: list[ProjectOverview] = []

    def set_projects(self, projects: Sequence[ProjectOverview]) -> None:
        """Show these projects; where the names are the same, rows are updated in place."""
        names = [overview.project.name for overview in projects]
        if names == [overview.project.name for overview in self._projects]:
            self._projects = list(projects)
            if projects:
                self.dataChanged.emit(self.index(0), self.index(len(projects) - 1))
            return
        self.beginResetModel()
        self._projects = list(projects)
        self.endResetModel()

    def row_of(self, name: str) -> int | None:
        """Return the row of a project, None without one."""
        return next((row for row, found in enumerate(self._projects) if found.project.name == name), None)

    def project(self, row: int) -> ProjectOverview:
        """Return the project of a row."""
        return self._projects[row]

    def words(self, overview: ProjectOverview) -> str:
        """Return state and progress in words."""
        state = self._kit.text(f"train.state.{overview.state}")
        if overview.total_steps and overview.state in ("running", "stopping", "stopped", "interrupted"):
            return f"{state} · {overview.step}/{overview.total_steps}"
        return state

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of projects."""
        return 0 if parent.isValid() else len(self._projects)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the project, or what is read out."""
        if not index.isValid():
            return None
        overview = self._projects[index.row()]
        if role == PROJECT_ROLE:
            return overview
        if role == Qt.ItemDataRole.DisplayRole:
            return overview.project.name
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return f"{overview.project.name} · {family_of(overview.project.family).name} · {self.words(overview)}"
        return None


class ProjectList(QListView):
    """One row per project.

    Args:
        kit: Look, icons and words.
    """

    #: Name of the project the person went to.
    project_chosen = Signal(str)

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self.projects = ProjectModel(kit, self)
        self.setModel(self.projects)
        self.setItemDelegate(_ProjectDelegate(kit, self))
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        kit.theme.changed.connect(self.viewport().update)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_project(self, name: str) -> None:
        """Make a project the current one."""
        row = self.projects.row_of(name)
        if row is not None and row != self.currentIndex().row():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(self.projects.index(row), flags)

    def retranslate(self) -> None:
        """Set the words anew."""
        self.setAccessibleName(self._kit.text("train.projects"))
        self.viewport().update()

    def _on_current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self.project_chosen.emit(self.projects.project(current.row()).project.name)


class _ProjectDelegate(QStyledItemDelegate):
    def __init__(self, kit: Kit, view: ProjectList) -> None:
        super().__init__(view)
        self._kit = kit
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Every project has the same place."""
        return QSize(120, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint name, family, state and, while it works, how far it is."""
        overview = cast("ProjectOverview", index.data(PROJECT_ROLE))
        theme, place = self._kit.theme, QRectF(option.rect).adjusted(2, 2, -2, -2)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(place, r.RADIUS_FIELD, r.RADIUS_FIELD)
        painter.fillPath(shape, theme.color("surface"))
        painter.setPen(QPen(theme.color("focus" if is_chosen else "line"), r.FOCUS_PX if is_chosen else 1))
        painter.drawPath(shape)
        inner = place.adjusted(r.SPACE_2, 4, -r.SPACE_2, -4).toRect()
        self._line(
            painter, QRect(inner.left(), inner.top(), inner.width(), 22), overview.project.name, "ink", r.TYPE_BODY
        )
        family = family_of(overview.project.family).name
        self._line(painter, QRect(inner.left(), inner.top() + 20, inner.width(), 16), family, "muted", r.TYPE_SMALL)
        icon, role = STATE_FACES[overview.state]
        face = self._kit.icons.pixmap(icon, role, 14, self._view.devicePixelRatioF())
        painter.drawPixmap(inner.left(), inner.top() + 37, face)
        words = QRect(inner.left() + 20, inner.top() + 36, inner.width() - 20, 16)
        self._line(painter, words, self._view.projects.words(overview), "ink", r.TYPE_SMALL)
        if overview.state in ("running", "stopping") and overview.total_steps:
            share = min(1.0, overview.step / overview.total_steps)
            bar = QRectF(place.left() + 4, place.bottom() - 4, (place.width() - 8) * share, 3)
            painter.fillRect(bar, theme.color("info"))
        painter.restore()

    def _line(self, painter: QPainter, place: QRect, text: str, role: str, size_px: int) -> None:
        painter.setPen(self._kit.theme.color(role))
        painter.setFont(self._kit.theme.font(size_px))
        cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter), cut)
