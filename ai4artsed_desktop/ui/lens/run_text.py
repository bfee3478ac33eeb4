"""The text of one run, wherever it is shown beside others: as it comes, where it stands, or why there is none."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.session_runs import RunFacts
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import duration_text
from ai4artsed_desktop.ui.widgets.basics import IconButton, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.prose import ProseEdit
from ai4artsed_desktop.ui.widgets.stage_view import STATE_FACES, StageState

_SHOW_EVERY_MS = 33
_ENDS = {"finished": StageState.DONE, "failed": StageState.FAILED, "cancelled": StageState.CANCELLED}


class RunText(QFrame):
    """Shows what an interception makes of an idea.

    Args:
        kit: Look, icons and words.
    """

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.kit = kit
        self._facts: RunFacts | None = None
        self._is_told = False
        self._unshown: list[str] = []
        self._show_soon = QTimer(self, interval=_SHOW_EVERY_MS, singleShot=True)
        self._show_soon.timeout.connect(self._show_streamed)
        set_look(self, "card")
        self.icon = IconLabel(kit, "circle", "muted", 16)
        self.status = Label(kit, look="small")
        self.status.setWordWrap(False)
        #: What stands here before the first text.
        self.about = Label(kit, look="muted")
        self.text_view = ProseEdit(kit, "bare", min_lines=2)
        self.text_view.setReadOnly(True)
        self.error_card = ErrorCard(kit)
        self.error_card.close_button.hide()
        self.copy_button = IconButton(kit, "copy", "action.copy")
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text_view.toPlainText()))
        #: Room above the text.
        self.head: QVBoxLayout = column()
        #: Room behind the state, for a way on.
        self.foot: QHBoxLayout = row(self.icon, self.status, None, self.copy_button, space=r.SPACE_1)
        parts = (self.head, self.about, self.text_view, self.error_card)
        layout = column(*parts, None, self.foot, space=r.SPACE_2, margin=r.SPACE_3)
        layout.setStretch(2, 1_000)  # the rest is only for where there is no text yet
        self.setLayout(layout)
        kit.translator.language_changed.connect(self.retranslate)

    @property
    def facts(self) -> RunFacts | None:
        """The run whose text stands here."""
        return self._facts

    @property
    def run_id(self) -> str:
        """Its id, ``""`` before the first."""
        return self._facts.run_id if self._facts is not None else ""

    @property
    def state(self) -> StageState:
        """Where it stands; a run that waits in the queue has not started."""
        if self._facts is None or self._facts.state == "queued":
            return StageState.EMPTY
        return _ENDS.get(self._facts.state, StageState.WORKING)

    def show_run(self, facts: RunFacts | None) -> None:
        """Show a run as it stands now; None = none yet."""
        self._show_streamed()
        if facts is not self._facts:
            self._is_told = False
            self.text_view.set_text("")
        self._facts = facts
        state = self.state
        if state is StageState.DONE and not self._is_told:
            self._is_told = True
            self.text_view.set_text(self._text())  # from its beginning
        if facts is None or facts.error is None:
            self.error_card.hide()
        elif self.error_card.isHidden():
            self.error_card.show_error(facts.error)
        has_begun = state is not StageState.EMPTY
        self.about.setVisible(not has_begun)
        self.text_view.setVisible(has_begun and (self.error_card.isHidden() or bool(self.text_view.toPlainText())))
        self.copy_button.setVisible(self.has_result)
        self.icon.set_face(*STATE_FACES[state])
        self.retranslate()

    @property
    def has_result(self) -> bool:
        """Whether a finished text stands here."""
        return self.state is StageState.DONE and bool(self._text())

    def append(self, text: str) -> None:
        """Add streamed text; it is shown at the next of 30 turns per second."""
        self._unshown.append(text)
        if not self._show_soon.isActive():
            self._show_soon.start()

    def retranslate(self) -> None:
        """Set the words anew."""
        facts, state = self._facts, self.state
        stage = facts.stages.get(StageName.INTERCEPTION) if facts is not None else None
        is_waiting = facts is not None and state is StageState.EMPTY
        word = self.kit.text("lens.waiting" if is_waiting else f"stage.state.{state.value}")
        if state is StageState.WORKING and facts is not None and facts.message:
            word = self.kit.text(facts.message)
        ms = stage.ms if stage is not None else None
        elapsed = duration_text(ms, self.kit.translator.language) if ms else ""
        self.status.setText(" · ".join(filter(None, (word, elapsed))))

    def _text(self) -> str:
        facts = self._facts
        stage = facts.stages.get(StageName.INTERCEPTION) if facts is not None else None
        if facts is None or stage is None:
            return ""
        return facts.request.text if stage.state is StageState.SKIPPED else stage.text

    def _show_streamed(self) -> None:
        self._show_soon.stop()
        if self._unshown:
            self.text_view.append_text("".join(self._unshown))
            self._unshown.clear()
