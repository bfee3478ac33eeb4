"""The one stylesheet, generated from roles. Widgets choose a look with the dynamic property ``look``, nothing else."""

from __future__ import annotations

from string import Template

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.roles import Roles, mix

# Anything that can have focus keeps a 2 px border at all times, so that the ring never moves what it surrounds.
_SHEET = Template(
    """
QToolTip { background: $surface; color: $ink; border: 1px solid $edge; padding: 4px 8px; font-size: ${small}px; }
QLabel { background: transparent; }
QLabel[look="small"], QLabel[look="caption"] { font-size: ${small}px; color: $muted; }
QLabel[look="muted"] { color: $muted; }
QLabel[look="strong"] { font-weight: 600; }
QLabel[look="overline"] { font-size: ${small}px; font-weight: 600; color: $muted; }
QLabel[look="section"] { font-size: ${section}px; font-weight: 600; }
QLabel[look="page"] { font-size: ${page}px; font-weight: 600; }
QLabel[look="small-warn"] { font-size: ${small}px; color: $warn; }
QLabel[look="good"] { color: $good; }
QLabel[look="warn"] { color: $warn; }
QLabel[look="bad"] { color: $bad; }
QLabel[look="info"] { color: $info; }
QFrame[look="card"] { background: $surface; border: 1px solid $line; border-radius: ${card}px; }
QFrame[look="target-card"] { background: $surface; border: 2px solid $focus; border-radius: ${card}px; }
QFrame[look="bad-card"] { background: $surface; border: 1px solid $bad; border-radius: ${card}px; }
QFrame[look="sunken"] { background: $sunken; border: 1px solid $line; border-radius: ${card}px; }
QFrame[look="sheet"] { background: $canvas; border: 1px solid $line; border-radius: ${card}px; }
QFrame[look="bar"] { background: $sunken; border: none; border-top: 1px solid $line; }
QFrame[look="rail"] { background: $sunken; border: none; border-right: 1px solid $line; }
QPushButton {
  background: $surface; color: $ink; border: 1px solid $edge; border-radius: ${field}px; margin: 1px;
  padding: 4px 12px; min-height: ${inner}px; font-weight: 500;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:checked { background: $picked; border-color: $accent; }
QPushButton:disabled { color: $muted; border-color: $line; background: $canvas; }
QPushButton:focus { border: 2px solid $focus; margin: 0px; }
QPushButton[look="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[look="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[look="primary"]:disabled { background: $sunken; color: $muted; border-color: $line; }
QPushButton[look="primary"]:focus { border-color: $accent; }
QPushButton[look="quiet"] { background: transparent; border: 1px solid transparent; color: $ink; padding: 4px 8px; }
QPushButton[look="quiet"]:hover { background: $hover; }
QPushButton[look="quiet"]:checked { background: $picked; border-color: transparent; }
QPushButton[look="quiet"]:disabled { color: $muted; }
QPushButton[look="quiet"]:focus { border: 2px solid $focus; }
QPushButton[look="status"] {
  background: transparent; border: 1px solid transparent; color: $muted; font-size: ${small}px; padding: 0px 8px;
  min-height: 22px; font-weight: 400;
}
QPushButton[look="status"]:hover { background: $hover; }
QPushButton[look="status"]:checked { color: $ink; background: $picked; }
QPushButton[look="status"]:focus { border: 2px solid $focus; margin: 1px; }
QPushButton[look="status"]:disabled { color: $muted; }
QToolButton {
  background: transparent; color: $ink; border: 1px solid transparent; border-radius: ${field}px; margin: 1px;
  padding: 0px; min-height: ${square}px; min-width: ${square}px;
}
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $picked; }
QToolButton:focus { border: 2px solid $focus; margin: 0px; }
QLineEdit QToolButton { min-height: 0px; min-width: 0px; margin: 0px; border: none; background: transparent; }
QToolButton[look="rail"] { font-size: ${small}px; color: $muted; padding: 4px 0px; }
QToolButton[look="rail"]:checked { color: $ink; background: $picked; font-weight: 600; }
QLineEdit, QTextEdit, QPlainTextEdit {
  background: $surface; color: $ink; border: 1px solid $edge; border-radius: ${field}px; margin: 1px;
  selection-background-color: $focus; selection-color: $on_focus; placeholder-text-color: $muted;
}
QLineEdit { padding: 4px 8px; min-height: ${inner}px; }
QAbstractSpinBox QLineEdit { border: none; margin: 0px; padding: 0px; min-height: 0px; background: transparent; }
QLineEdit:focus, QTextEdit:focus, QPlainTextEdit:focus { border: 2px solid $focus; margin: 0px; }
QAbstractSpinBox QLineEdit:focus { border: none; }
QLineEdit:disabled, QTextEdit:disabled, QPlainTextEdit:disabled { color: $muted; background: $canvas; }
QTextEdit[look="words"] { font-size: ${words}px; }
QTextEdit[look="bare"] { font-size: ${words}px; border: 2px solid transparent; background: transparent; margin: 0px; }
QTextEdit[look="bare"]:focus { border: 2px solid $focus; }
QPlainTextEdit[look="code"] { background: $sunken; font-family: $mono; font-size: ${body}px; border-color: $line; }
QListView, QTableView {
  background: transparent; border: 2px solid transparent; border-radius: ${card}px; outline: none;
}
QListView:focus, QTableView:focus { border: 2px solid $focus; }
QTableView { gridline-color: $line; selection-background-color: $picked; selection-color: $ink; }
QTableView::item { padding: 0px 5px; }
QTableView::item:selected { border-top: 1px solid $accent; border-bottom: 1px solid $accent; }
QTableView[look="log"] { font-family: $mono; font-size: ${small}px; }
QTableView[look="log"]::item { padding: 0px 4px; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QListView[look="ticks"]::item { min-height: ${inner}px; padding: 4px 8px; }
QListView[look="ticks"]::indicator { width: 0px; height: 0px; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section {
  background: $sunken; color: $muted; border: none; border-bottom: 1px solid $line; padding: 4px 8px;
  font-size: ${small}px; font-weight: 600;
}
QGraphicsView { background: $sunken; border: 2px solid transparent; border-radius: ${card}px; }
QGraphicsView:focus { border: 2px solid $focus; }
QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: $line; }
QProgressBar { background: $track; border: none; border-radius: 2px; }
QProgressBar::chunk { background: $info; border-radius: 2px; }
QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }
QScrollBar { background: transparent; border: none; }
QScrollBar:vertical { width: 12px; margin: 2px; }
QScrollBar:horizontal { height: 12px; margin: 2px; }
QScrollBar::handle { background: $edge; border-radius: 4px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0px; height: 0px; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""
)

#: System faces that carry code, by platform; the generic name closes the list.
MONO_FAMILIES = ("SF Mono", "Menlo", "Cascadia Mono", "Consolas", "DejaVu Sans Mono", "monospace")


def build(roles: Roles, hit_px: int) -> str:
    """Return the stylesheet for ``roles``; nothing to press is smaller than ``hit_px`` logical pixels."""
    return _SHEET.substitute(
        {name: getattr(roles, name) for name in r.ROLE_NAMES},
        hover=hover(roles),
        pressed=mix(roles.surface, roles.ink, 0.10),
        picked=picked(roles),
        track=track(roles),
        accent_hover=mix(roles.accent, roles.ink, 0.12),
        on_focus=roles.surface,
        small=r.TYPE_SMALL,
        body=r.TYPE_BODY,
        words=r.TYPE_FIELD,
        section=r.TYPE_SECTION,
        page=r.TYPE_PAGE,
        card=r.RADIUS_CARD,
        field=r.RADIUS_FIELD,
        # A button's height is its content plus padding (8), border (2) and margin (2); a square one has no padding.
        inner=hit_px - 12,
        square=hit_px - 4,
        mono=", ".join(f'"{family}"' for family in MONO_FAMILIES),
    )


def hover(roles: Roles) -> str:
    """Return the ground of something the pointer is on."""
    return mix(roles.surface, roles.ink, 0.05)


def track(roles: Roles) -> str:
    """Return the ground of a bar that fills."""
    return mix(roles.surface, roles.ink, 0.16)


def picked(roles: Roles) -> str:
    """Return the ground of something that is chosen."""
    return mix(roles.surface, roles.accent, 0.10)
