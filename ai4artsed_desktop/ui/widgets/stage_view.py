"""One stage of a run: its text as it comes, what made it, and everything a person can do with it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import duration_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.diff_view import DiffView
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout
from ai4artsed_desktop.ui.widgets.proposals import Proposals
from ai4artsed_desktop.ui.widgets.prose import ProseEdit


class StageState(StrEnum):
    """Where a stage stands; each has an icon and a word (``stage.state.<value>``)."""

    EMPTY = "empty"
    WORKING = "working"
    PAUSED = "paused"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: Icon and its role, by state.
STATE_FACES = {
    StageState.EMPTY: ("circle", "muted"),
    StageState.WORKING: ("hourglass", "info"),
    StageState.PAUSED: ("edit", "info"),
    StageState.DONE: ("check", "good"),
    StageState.SKIPPED: ("arrow", "muted"),
    StageState.FAILED: ("error", "bad"),
    StageState.CANCELLED: ("cancel", "warn"),
}


_SHOW_EVERY_MS = 33


class StageView(QFrame):
    """Shows one stage; knows nothing of runs.

    Args:
        kit: Look, icons and words.
        title_key: Key of the title, such as "Transformed".
        empty_key: Key of the sentence shown before anything came.
    """

    #: The person changed the text by hand and wants this one used.
    text_edited = Signal(str)
    #: The rest of the run shall be done anew from this stage's text.
    again_requested = Signal()
    #: Number of the proposal that was taken, counted from 0; not while the stage waits for the person.
    proposal_taken = Signal(int)
    #: The stage waited, and the person goes on with this text.
    went_on = Signal(str)

    def __init__(self, kit: Kit, title_key: str, empty_key: str) -> None:
        super().__init__()
        self._kit = kit
        self._empty_key = empty_key
        self._state = StageState.EMPTY
        self._model = ""
        self._elapsed_ms: float | None = None
        self._original = ""
        self._text = ""
        self._proposed: tuple[str, ...] = ()
        # A paragraph is laid out anew for every piece added to it: piece by piece, a long one took 4 ms each.
        self._unshown: list[str] = []
        self._show_soon = QTimer(self, interval=_SHOW_EVERY_MS, singleShot=True)
        self._show_soon.timeout.connect(self._show_streamed)
        set_look(self, "card")
        self.text_view = ProseEdit(kit, "bare", min_lines=2, max_lines=8)
        self.text_view.setReadOnly(True)
        self.diff = DiffView(kit)
        self.diff.hide()
        self.error_card = ErrorCard(kit)
        self.proposals = Proposals(kit)
        self.proposals.taken.connect(self._on_proposals_taken)
        head = self._build_head(kit, title_key)
        editing = self._build_editing(kit)
        parts = (self.text_view, self.diff, editing, self.proposals, self.error_card)
        self.setLayout(column(head, *parts, space=r.SPACE_2, margin=r.SPACE_3))
        kit.translator.language_changed.connect(self.retranslate)
        self._set_state(StageState.EMPTY)

    @property
    def state(self) -> StageState:
        """Where the stage stands."""
        return self._state

    @property
    def text(self) -> str:
        """The stage's text as it stands, without an edit that was not yet confirmed."""
        return self._text

    def set_original(self, text: str) -> None:
        """Set the text that "What changed" compares with."""
        self._original = text
        self._refresh_diff()

    def reset(self) -> None:
        """Back to empty."""
        self._model, self._elapsed_ms = "", None
        self._set_text("")
        self._set_state(StageState.EMPTY)

    def begin(self, model: str = "") -> None:
        """The stage works; ``model`` is the name of what works, if known yet."""
        self.reset()
        self._model = model
        self._set_state(StageState.WORKING)

    def append(self, text: str) -> None:
        """Add streamed text at the end; it is shown at the next of 30 turns per second."""
        self._text += text
        self._unshown.append(text)
        if not self._show_soon.isActive():
            self._show_soon.start()

    def finish(self, text: str, model: str = "", elapsed_ms: float | None = None) -> None:
        """The stage is done with ``text``; ``elapsed_ms`` only if it was measured."""
        self._model, self._elapsed_ms = model or self._model, elapsed_ms
        self._set_text(text)
        self._set_state(StageState.DONE)

    def pause(self, text: str, proposals: Sequence[str] = ()) -> None:
        """Wait for the person: ``text`` can be edited, a proposal taken into the field, then ``went_on`` comes."""
        self._set_text(text)
        self._set_state(StageState.PAUSED)
        self._proposed = tuple(proposals)
        self.proposals.show_proposals(self._proposed)
        self._set_editing(True)
        self.text_view.setFocus()

    def offer(self, proposals: Sequence[str]) -> None:
        """Show what the model proposed beside the text that was taken; none = nothing to choose from."""
        self._proposed = tuple(proposals)
        self.proposals.show_proposals(self._proposed, "proposals.others")

    def skip(self, text: str = "") -> None:
        """The stage had nothing to do; ``text`` passes unchanged."""
        self._set_text(text)
        self._set_state(StageState.SKIPPED)

    def fail(self, error: ErrorInfo) -> None:
        """The stage failed; what was streamed stays readable."""
        self.end(StageState.FAILED)
        self.error_card.show_error(error)

    def end(self, state: StageState) -> None:
        """The stage ended without a result, failed or cancelled; what it said until then stays readable."""
        self._set_state(state)

    def cancel(self) -> None:
        """The person cancelled; what was streamed stays readable."""
        self._set_state(StageState.CANCELLED)

    def retranslate(self) -> None:
        """Set the words anew."""
        language = self._kit.translator.language
        elapsed = "" if self._elapsed_ms is None else duration_text(self._elapsed_ms, language)
        elapsed = elapsed.replace(" ", "\N{NO-BREAK SPACE}")
        word = self._kit.text(f"stage.state.{self._state}")
        self.status.setText(" · ".join(filter(None, (word, self._model, elapsed))))
        self.text_view.setPlaceholderText(self._kit.text(self._empty_key))
        self.text_view.setAccessibleName(self.title.text())

    def _build_head(self, kit: Kit, title_key: str) -> QWidget:
        self.icon = IconLabel(kit, "circle", "muted", 16)
        self.title = Label(kit, title_key, "overline")
        self.status = Label(kit, look="small")
        self.diff_button = IconButton(kit, "diff", "stage.diff", checkable=True)
        self.edit_button = IconButton(kit, "edit", "stage.edit")
        self.copy_button = IconButton(kit, "copy", "action.copy")
        self.again_button = Button(kit, "stage.again", "again", "quiet")
        self.diff_button.toggled.connect(self._on_diff_button_toggled)
        self.edit_button.clicked.connect(self._on_edit_button_clicked)
        self.copy_button.clicked.connect(self._on_copy_button_clicked)
        self.again_button.clicked.connect(self.again_requested)
        # Two lines: in one, a long title and four buttons are wider than the column beside a result.
        head = row(self.icon, self.title, self.diff_button, self.edit_button, self.copy_button, space=r.SPACE_1)
        head.setStretch(1, 1)
        below = row(self.status, self.again_button, space=r.SPACE_1)
        below.setStretch(0, 1)
        holder = QWidget()
        holder.setLayout(column(head, below, space=0))
        return holder

    def _build_editing(self, kit: Kit) -> QWidget:
        self.use_button = Button(kit, "stage.use_edit", "check")
        self.discard_button = Button(kit, "stage.discard_edit", "undo", "quiet")
        self.use_button.clicked.connect(self._on_use_button_clicked)
        self.discard_button.clicked.connect(self._on_discard_button_clicked)
        self._editing = QWidget()
        buttons = FlowLayout()
        for button in (self.use_button, self.discard_button):
            buttons.addWidget(button)
        self._editing.setLayout(buttons)
        self._editing.hide()
        return self._editing

    def _show_streamed(self) -> None:
        self._show_soon.stop()
        if self._unshown:
            self.text_view.append_text("".join(self._unshown))
            self._unshown.clear()

    def _set_state(self, state: StageState) -> None:
        self._show_streamed()
        self._state = state
        self.icon.set_face(*STATE_FACES[state])
        is_readable = bool(self._text) and state not in (StageState.WORKING, StageState.PAUSED)
        for button in (self.diff_button, self.edit_button, self.copy_button, self.again_button):
            button.setVisible(is_readable)
        if state is not StageState.FAILED:
            self.error_card.hide()
        self.offer(())
        self._set_editing(False)
        self._show_diff(self.diff_button.isChecked() and is_readable)
        self.retranslate()

    def _set_text(self, text: str) -> None:
        self._show_streamed()
        # Setting equal text would lose the place the person scrolled to.
        if text != self.text_view.toPlainText():
            self.text_view.set_text(text)
        self._text = text
        self._refresh_diff()

    def _set_editing(self, is_editing: bool) -> None:
        self.text_view.setReadOnly(not is_editing)
        set_look(self.text_view, "words" if is_editing else "bare")
        self._editing.setVisible(is_editing)
        is_paused = self._state is StageState.PAUSED
        # While a run waits for the person, going on is the one thing to do.
        set_look(self.use_button, "primary" if is_paused else "")
        self.use_button.set_key("stage.go_on" if is_paused else "stage.use_edit", "check")
        self.edit_button.setEnabled(not is_editing)
        self.diff_button.setEnabled(not is_editing)

    def _refresh_diff(self) -> None:
        if not self.diff.isHidden():
            self.diff.show_difference(self._original, self._text)

    def _show_diff(self, is_shown: bool) -> None:
        self.diff.setVisible(is_shown)
        self.text_view.setVisible(not is_shown)
        self._refresh_diff()

    def _on_diff_button_toggled(self, is_on: bool) -> None:
        self._show_diff(is_on)

    def _on_edit_button_clicked(self) -> None:
        self.diff_button.setChecked(False)
        self._set_editing(True)
        self.text_view.setFocus()

    def _on_use_button_clicked(self) -> None:
        edited = clean_text(self.text_view.toPlainText())
        if self._state is StageState.PAUSED:
            self.went_on.emit(edited)
            return
        self._set_editing(False)
        if edited != self._text:
            self._set_text(edited)
            self.text_edited.emit(edited)

    def _on_discard_button_clicked(self) -> None:
        self._set_text(self._text)
        self._set_editing(self._state is StageState.PAUSED)

    def _on_proposals_taken(self, number: int) -> None:
        if self._state is StageState.PAUSED:
            self.text_view.replace_text(self._proposed[number])
        else:
            self.proposal_taken.emit(number)

    def _on_copy_button_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
