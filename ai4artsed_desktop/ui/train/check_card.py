"""The dataset check: what was found in the pictures, why it matters, and what our copies can do about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.dataset import LONG_CAPTION_WORDS, DatasetReport, FindingKind
from ai4artsed_desktop.domain.training.plan import bucket_rule
from ai4artsed_desktop.engine.training import picture_options_of
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.train.captions import CaptionBook
from ai4artsed_desktop.ui.train.link import TrainLink
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, IconLabel, Label, column, row

#: In the order of what hurts most. Each kind has a text ``train.check.<kind>``.
_KINDS: tuple[FindingKind, ...] = (
    "corrupt",
    "duplicate",
    "blurred",
    "small",
    "long_caption",
    "empty_caption",
    "no_caption",
    "alpha",
    "rotated",
    "converted",
)
#: What can be done, by kind; the others were repaired when our copies were made.
_REMOVABLE: frozenset[FindingKind] = frozenset({"corrupt", "duplicate", "blurred", "small"})
#: Up to so many pictures are looked at by themselves (about 20 ms each); more only when asked for.
_LOOKED_AT_UNASKED = 300
_SHOWN_BUCKETS = 6


class CheckCard(QFrame):
    """Looks through the pictures when asked, and by itself where that is quick.

    Args:
        kit: Look, icons and words.
        link: The project in sight.
        book: Its captions.
        show_error: Shows why the pictures could not be looked at.
    """

    #: Only these pictures shall be seen, and chosen.
    shown = Signal(list)
    #: These pictures shall go.
    removal_wanted = Signal(list)

    def __init__(self, kit: Kit, link: TrainLink, book: CaptionBook, show_error: Callable[[ErrorInfo], None]) -> None:
        super().__init__()
        self._kit = kit
        self._link = link
        self._book = book
        self._show_error = show_error
        self._is_looking = False
        set_look(self, "card")
        self.summary = Label(kit)
        self.buckets = Label(kit, look="small")
        self.look_button = Button(kit, "train.check.look", "search")
        self.look_button.clicked.connect(self.look)
        self._lines = column(space=r.SPACE_1)
        head = row(Label(kit, "train.check", "overline"), None, self.look_button)
        self.setLayout(column(head, self.summary, self._lines, self.buckets, space=r.SPACE_1, margin=r.SPACE_3))
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def look_if_quick(self) -> None:
        """Look, if that is done in seconds and was not done yet."""
        if self._link.report is None and 0 < len(self._book.pictures) <= _LOOKED_AT_UNASKED:
            self.look()
        else:
            self.retranslate()

    def look(self) -> None:
        """Look through all pictures; the answer comes when it is done."""
        if self._is_looking:
            return
        self._is_looking = True
        self.retranslate()
        self._link.ask(self._link.service.scan_project(self._link.name), self._on_report, self._on_failed)

    def reset(self) -> None:
        """Another project is in sight."""
        self._is_looking = False
        self.retranslate()

    def retranslate(self) -> None:
        """Say what was found."""
        while (item := self._lines.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        report = self._link.report
        self.look_button.setEnabled(not self._is_looking and bool(self._book.pictures))
        self.buckets.setVisible(report is not None)
        if self._is_looking:
            self.summary.set_key("train.check.looking", count=len(self._book.pictures))
        elif report is None:
            self.summary.set_key("train.check.none")
        else:
            self._show(report)

    def _show(self, report: DatasetReport) -> None:
        found: dict[FindingKind, list[str]] = {}
        for finding in report.findings:
            found.setdefault(finding.kind, []).append(finding.name)
        key = "train.check.found" if found else "train.check.fine"
        self.summary.set_key(key, usable=len(report.usable), count=len(report.pictures))
        for kind in _KINDS:
            if kind in found:
                self._lines.addWidget(self._line(kind, list(dict.fromkeys(found[kind]))))
        sizes = report.buckets(bucket_rule(picture_options_of(self._link.project), self._link.family))
        parts = [f"{b.count} × {b.width_px}×{b.height_px}" for b in sizes[:_SHOWN_BUCKETS]]
        more = " …" if len(sizes) > _SHOWN_BUCKETS else ""
        self.buckets.set_key("train.check.buckets", buckets=" · ".join(parts) + more)

    def _line(self, kind: FindingKind, names: list[str]) -> QWidget:
        kit = self._kit
        is_bad = kind == "corrupt"
        icon = IconLabel(kit, "error" if is_bad else "warning", "bad" if is_bad else "warn", 16)
        words = Label(kit, f"train.check.{kind}", "", count=len(names))
        show = IconButton(kit, "eye", "train.check.show")
        show.clicked.connect(partial(self.shown.emit, names))
        parts: list[QWidget] = [icon, words, show]
        if kind in _REMOVABLE:
            remove = IconButton(kit, "trash", "train.check.remove")
            remove.clicked.connect(partial(self.removal_wanted.emit, names))
            parts.append(remove)
        elif kind == "long_caption":
            shorten = IconButton(kit, "scissors", "train.check.shorten")
            shorten.clicked.connect(partial(self._shorten, names))
            parts.append(shorten)
        elif kind in ("empty_caption", "no_caption"):
            fill = IconButton(kit, "pen", "train.check.fill")
            fill.clicked.connect(partial(self._fill, names))
            parts.append(fill)
        line = row(*parts, space=r.SPACE_1)
        line.setStretch(1, 1)
        holder = QWidget()
        holder.setLayout(line)
        return holder

    def _shorten(self, names: list[str]) -> None:
        captions = self._book.captions
        self._book.change({n: " ".join(captions[n].split()[:LONG_CAPTION_WORDS]) for n in names if n in captions})
        self._after_fix()

    def _fill(self, names: list[str]) -> None:
        self._book.change(dict.fromkeys(names, self._link.project.trigger))
        self._after_fix()

    def _after_fix(self) -> None:
        self._link.report = None
        self.retranslate()

    def _on_report(self, report: DatasetReport) -> None:
        self._is_looking = False
        self._link.report = report
        self.retranslate()
        self._link.pictures_changed.emit()

    def _on_failed(self, error: ErrorInfo) -> None:
        self._is_looking = False
        self.retranslate()
        self._show_error(error)
