"""The strength strip: one seed, one LoRA, five strengths side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.engine.lora_library import STRIP_STRENGTHS
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.create.lora_cards import with_family_names
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.pictures import read_upright
from ai4artsed_desktop.ui.session_runs import RunFacts, SessionRuns
from ai4artsed_desktop.ui.units import decimal_text
from ai4artsed_desktop.ui.widgets.basics import Label, row
from ai4artsed_desktop.ui.widgets.sheet import Sheet

_TILE_PX = 200
_WORDS_PX = 24


def strip_requests(request: RunRequest, name: str) -> list[RunRequest]:
    """Return the runs of a strip: as asked for, with each strength of one LoRA; the others keep theirs.

    The seed is the request's own, so that the strength alone makes the difference.
    """
    others = [lora for lora in request.loras if lora.name != name]
    return [
        replace(request, loras=(*others, LoraUse(name=name, strength=strength)), pause_after=frozenset())
        for strength in STRIP_STRENGTHS
    ]


class StrengthTile(QAbstractButton):
    """One strength and what it made; a press goes to that run."""

    def __init__(self, kit: Kit, strength: float, facts: RunFacts) -> None:
        super().__init__()
        self._kit = kit
        self._strength = strength
        self.facts = facts
        self.picture: QImage | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        kit.theme.changed.connect(self.update)
        self.retranslate()

    def retranslate(self) -> None:
        """Say strength and state."""
        state = self._kit.text(f"run.state.{self.facts.state}")
        self.setAccessibleName(self._kit.text("lora.strip.tile", strength=self._words, state=state))
        self.setToolTip(self.accessibleName())
        self.update()

    @property
    def _words(self) -> str:
        return decimal_text(self._strength, 1, self._kit.translator.language)

    def set_picture(self, picture: QImage) -> None:
        """Show what was made."""
        self.picture = picture
        self.retranslate()

    def sizeHint(self) -> QSize:
        """A square and a line of words."""
        return QSize(_TILE_PX, _TILE_PX + _WORDS_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture or the state, the strength below, and the ring."""
        theme = self._kit.theme
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(2, 2, -2, -_WORDS_PX - 2)
        shape = QPainterPath()
        shape.addRoundedRect(box, r.RADIUS_FIELD, r.RADIUS_FIELD)
        painter.fillPath(shape, theme.color("sunken"))
        if self.picture is not None:
            size = self.picture.size().scaled(box.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRectF(0, 0, size.width(), size.height())
            inner.moveCenter(box.center())
            painter.drawImage(inner, self.picture)
        else:
            painter.setPen(theme.color("muted"))
            painter.setFont(theme.font(r.TYPE_SMALL))
            state = self._kit.text(f"run.state.{self.facts.state}")
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), state)
        painter.setPen(QPen(theme.color("focus" if self.hasFocus() else "line"), r.FOCUS_PX if self.hasFocus() else 1))
        painter.drawPath(shape)
        painter.setPen(theme.color("ink"))
        painter.setFont(theme.font(r.TYPE_BODY))
        words = QRectF(self.rect()).adjusted(0, self.height() - _WORDS_PX, 0, 0)
        painter.drawText(words, int(Qt.AlignmentFlag.AlignCenter), self._words)
        painter.end()


class StrengthStripSheet(Sheet):
    """Five tiles; each fills when its run has made something. Closing it stops nothing.

    Args:
        kit: Look, icons and words.
        parent: The page it covers.
        runs: The runs of this session.
        read_bytes: Reads a medium; called in a worker thread.
    """

    #: Id of the run whose tile was pressed; the sheet is closed then.
    run_chosen = Signal(str)

    def __init__(self, kit: Kit, parent: QWidget, runs: SessionRuns, read_bytes: Callable[[Path], bytes]) -> None:
        super().__init__(kit, parent, "lora.strip", max_width_px=1160, fits_content=True)
        self._runs = runs
        self._read_bytes = read_bytes
        self.tiles: list[StrengthTile] = []
        self._readers: list[Background[QImage]] = []
        self._started: set[str] = set()
        self.about = Label(kit, look="muted")
        self._row = row(space=r.SPACE_2)
        #: Why tiles stay empty; the first reason stands for all.
        self.problem = Label(kit, look="bad")
        self.problem.hide()
        self.body.addWidget(self.about)
        self.body.addLayout(self._row)
        self.body.addWidget(self.problem)
        runs.changed.connect(self._on_runs_changed)
        kit.translator.language_changed.connect(self._retranslate)

    def open_for(self, name: str, submitted: Sequence[RunFacts]) -> None:
        """Show the runs of one strip, in the order of the strengths."""
        for tile in self.tiles:
            self._row.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        self.tiles, self._readers, self._started = [], [], set()
        self.about.set_key("lora.strip.about", name=name, seed=str(submitted[0].request.seed) if submitted else "")
        for strength, facts in zip(STRIP_STRENGTHS, submitted, strict=False):
            tile = StrengthTile(self._kit, strength, facts)
            tile.clicked.connect(partial(self._on_tile_clicked, facts.run_id))
            self.tiles.append(tile)
            self._row.addWidget(tile)
            self._load(tile)
        self._say_problem()
        self.open_sheet(self.tiles[0] if self.tiles else None)

    def _on_runs_changed(self, run_id: str) -> None:
        for tile in self.tiles:
            if tile.facts.run_id == run_id:
                tile.retranslate()
                self._load(tile)
                self._say_problem()

    def _say_problem(self) -> None:
        """Say why there is no picture where a run has failed."""
        error = next((tile.facts.error for tile in self.tiles if tile.facts.error is not None), None)
        self.problem.setText(str(self._kit.translator.error(with_family_names(self._kit, error))) if error else "")
        self.problem.setVisible(error is not None)
        if not self.isHidden():
            self._fit()

    def _load(self, tile: StrengthTile) -> None:
        facts = tile.facts
        image = next((medium for medium in facts.media if medium.type == "image"), None)
        if image is None or facts.folder is None or facts.run_id in self._started:
            return
        self._started.add(facts.run_id)
        path, read = facts.folder / image.filename, self._read_bytes
        reader = Background[QImage](tile, tile.set_picture, _keep_words)
        self._readers.append(reader)
        reader.start(lambda: read_upright(read(path), 3 * _TILE_PX))

    def _on_tile_clicked(self, run_id: str) -> None:
        self.close_sheet()
        self.run_chosen.emit(run_id)

    def _retranslate(self) -> None:
        for tile in self.tiles:
            tile.retranslate()
        self._say_problem()


def _keep_words(error: ErrorInfo) -> None:
    """The tile keeps its words; the run's own preview says what is wrong with the file."""
    del error
