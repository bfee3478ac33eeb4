"""The result of one run: its media in tabs, what happens while it is made, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QStackedWidget, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import MediumRecord
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.create.refusal import RefusalCard
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.previews.base import MediumView, PreviewWidget
from ai4artsed_desktop.ui.previews.code import CodePreview
from ai4artsed_desktop.ui.previews.registry import discover, preview_for
from ai4artsed_desktop.ui.session_runs import RunFacts
from ai4artsed_desktop.ui.widgets.basics import Button, column, row
from ai4artsed_desktop.ui.widgets.notice import Notice
from ai4artsed_desktop.ui.widgets.working import WorkingCard

#: Words of the tabs, by the kind of a medium as the record names it; others are called by their MIME type.
_TAB_KEYS = {
    "image": "medium.image",
    "audio": "medium.audio",
    "video": "medium.video",
    "p5": "medium.p5",
    "tonejs": "medium.tonejs",
    "code": "medium.code",
    "text": "medium.text",
}
_LOWEST_PREVIEW_PX = 48
_SHOWN_FIRST = ("image", "audio", "video")


class ResultView(QWidget):
    """Shows what a run made.

    Args:
        kit: Look, icons and words.
        read_bytes: Reads a medium; called in a worker thread.
        name_of_output: Returns an output's name, for several outputs in one run.
    """

    cancel_requested = Signal()
    #: The medium in sight shall be saved elsewhere: its path.
    save_requested = Signal(str)
    #: Edited code shall be run: its medium's record, the code.
    code_requested = Signal(object, str)

    def __init__(self, kit: Kit, read_bytes: Callable[[Path], bytes], name_of_output: Callable[[str], str]) -> None:
        super().__init__()
        self._kit = kit
        self._read_bytes = read_bytes
        self._name_of_output = name_of_output
        self._facts: RunFacts | None = None
        self._shown: MediumRecord | None = None
        self._chosen = ""
        self._specs = discover()
        self._previews: dict[str, PreviewWidget] = {}
        #: Code that was changed and not yet run, by run and file: nothing typed is lost by looking elsewhere.
        self._edited: dict[tuple[str, str], str] = {}
        self.working = WorkingCard(kit)
        self.working.cancel_requested.connect(self.cancel_requested)
        self.error_card = RefusalCard(kit)
        self.error_card.close_button.hide()
        self.empty = QWidget()
        self.your_turn = Notice(kit, "edit", "create.result.paused", "create.result.paused.text")
        self.cancelled = Notice(kit, "cancel", "create.result.cancelled", "create.result.cancelled.text")
        self.stack = QStackedWidget()
        for place in (self.empty, self.your_turn, self.cancelled):
            self.stack.addWidget(place)
        # Where room is scarce, an error's words come first and the preview takes what is left.
        self.stack.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self.stack.setMinimumHeight(_LOWEST_PREVIEW_PX)
        self.tabs: list[Button] = []
        self._tab_group = QButtonGroup(self)
        self._tab_row = row(space=r.SPACE_1)
        #: Room for buttons that do something with the whole run.
        self.tool_row = row(space=0)
        self._head = QWidget()
        self._head.setLayout(row(self._tab_row, None, self.tool_row, space=r.SPACE_2))
        layout = column(self.working, self.error_card, self._head, self.stack, space=r.SPACE_2)
        layout.setStretch(3, 1)
        self._rows = layout
        self.setLayout(layout)
        kit.translator.language_changed.connect(self._show_tabs)

    @property
    def medium(self) -> MediumRecord | None:
        """The medium in sight."""
        return self._shown

    @property
    def preview(self) -> PreviewWidget | None:
        """The preview in sight."""
        current = self.stack.currentWidget()
        return current if isinstance(current, PreviewWidget) else None

    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(560, 320)

    def show_run(self, facts: RunFacts | None) -> None:
        """Show a run as it stands now."""
        is_other = facts is None or self._facts is None or facts.run_id != self._facts.run_id
        if is_other:
            self._keep_code()
            self._chosen, self._shown = "", None
            # The next run's work has its own time, progress and preview.
            self.working.finish()
        self._facts = facts
        self._show_tabs()
        self._show_medium()
        self._show_work()

    def show_error(self, error: ErrorInfo) -> None:
        """Say why there is no result, or only a part of it."""
        self.error_card.show_error(error)

    def show_progress(self) -> None:
        """Show how far the run in sight is."""
        if self._facts is not None and self.working.isVisible():
            self._say_what_happens(self._facts)
            self.working.set_progress(self._facts.fraction)
            if (progress := self._facts.progress) is not None:
                self.working.show_detail(progress.node, progress.step, progress.steps, progress.queue_position)
                if progress.preview is not None:
                    self.working.show_preview(progress.preview)
                    self._make_room()

    def go_to_code(self) -> None:
        """Show the code, at the line an error names."""
        facts = self._facts
        code = next((m for m in facts.media if m.type in ("p5", "tonejs")), None) if facts is not None else None
        if facts is None or code is None:
            return
        self._choose(code.filename)
        line = facts.error.params.get("line", "") if facts.error is not None else ""
        if isinstance(preview := self.preview, CodePreview) and line.isdigit():
            preview.go_to_line(int(line))

    def path_of(self, medium: MediumRecord) -> str:
        """Return where a medium of the run in sight lies; "" if it is not known yet."""
        folder = self._facts.folder if self._facts is not None else None
        return str(folder / medium.filename) if folder is not None else ""

    def release(self) -> None:
        """Stop what moves and sounds."""
        for preview in self._previews.values():
            preview.release()

    def _show_work(self) -> None:
        facts = self._facts
        if facts is None or not facts.is_live or facts.state == "paused":
            self.working.finish()
        elif self.working.isHidden():
            self.working.start("working.waiting", since_s=facts.started_s)
            self.show_progress()
        else:
            # Its turn has come: what it waited is over.
            self.working.count_from(facts.started_s)
        if facts is not None and not self.working.isHidden():
            self._say_what_happens(facts)
        self._make_room()

    def _make_room(self) -> None:
        """The preview of what is being made takes the room of the medium that is not there yet."""
        has_preview = not self.working.isHidden() and not self.working.preview.isHidden()
        if self._rows.stretch(0) != has_preview:  # even the same stretch would lay out the page anew, 30 times a second
            self._rows.setStretch(0, int(has_preview))
        self.stack.setVisible(not has_preview or self.stack.currentWidget() is not self.empty)

    def _say_what_happens(self, facts: RunFacts) -> None:
        if facts.state == "queued":
            self.working.say("working.waiting")
            return
        stage = facts.working_stage
        key = facts.message or (f"working.{stage.value}" if stage is not None else "working.starting")
        self.working.say(key)

    def _show_tabs(self) -> None:
        for button in self.tabs:
            self._tab_group.removeButton(button)
            self._tab_row.removeWidget(button)
            button.hide()
            button.deleteLater()
        media = self._facts.media if self._facts is not None else []
        # What is seen or heard comes first, its code behind it.
        ordered = sorted(media, key=lambda medium: (medium.output_id, medium.type not in _SHOWN_FIRST))
        words = [self._tab_word(medium) for medium in ordered]
        self.tabs = []
        for number, medium in enumerate(ordered if len(media) > 1 else []):
            count = words[: number + 1].count(words[number])
            self.tabs.append(self._tab(medium, f"{words[number]} {count}" if count > 1 else words[number]))
        for button in self.tabs:
            self._tab_group.addButton(button)
            self._tab_row.addWidget(button)
        self._head.setVisible(self._facts is not None)
        self._mark_tab()

    def _tab_word(self, medium: MediumRecord) -> str:
        is_moving = medium.mime in ("image/apng", "image/gif") or int(medium.metadata.get("frames") or 1) > 1
        is_moving_image = is_moving and medium.type == "image"
        return self._kit.text("medium.moving" if is_moving_image else _TAB_KEYS.get(medium.type, "medium.other"))

    def _tab(self, medium: MediumRecord, word: str) -> Button:
        button = Button(self._kit, "medium.tab", "", "quiet", word=word)
        button.setToolTip(self._name_of_output(medium.output_id))
        button.setCheckable(True)
        button.setObjectName(medium.filename)
        button.clicked.connect(partial(self._choose, medium.filename))
        return button

    def _choose(self, filename: str, _checked: bool = False) -> None:
        self._keep_code()
        self._chosen = filename
        self._show_medium()

    def _mark_tab(self) -> None:
        shown = self._shown
        for button in self.tabs:
            button.setChecked(shown is not None and button.objectName() == shown.filename)

    def _show_medium(self) -> None:
        facts = self._facts
        wanted = self._wanted_medium()
        if facts is None or facts.folder is None or wanted is None:
            self._shown = None
            state = facts.state if facts is not None else ""
            notices: dict[str, QWidget] = {"paused": self.your_turn, "cancelled": self.cancelled}
            self.stack.setCurrentWidget(notices.get(state, self.empty))
            return
        if wanted == self._shown:
            self._mark_tab()
            return
        spec = preview_for(self._specs, wanted.mime)
        if spec is None:
            return
        self.release()
        preview = self._previews.get(spec.mime_prefixes[0])
        if preview is None:
            preview = self._previews[spec.mime_prefixes[0]] = self._make_preview(spec.make)
        self._shown = wanted
        path = facts.folder / wanted.filename
        preview.show_medium(MediumView(wanted.filename, wanted.mime, partial(self._read_bytes, path), str(path)))
        if isinstance(preview, CodePreview):
            preview.restore(self._edited.get((facts.run_id, wanted.filename)))
        self.stack.setCurrentWidget(preview)
        self._mark_tab()

    def _wanted_medium(self) -> MediumRecord | None:
        """The medium the person chose, else the first that is no code, else the first."""
        media = self._facts.media if self._facts is not None else []
        chosen = next((m for m in media if m.filename == self._chosen), None)
        shown_first = next((m for m in media if m.type in _SHOWN_FIRST), None)
        # While the picture is still being drawn, its code alone would only flash by.
        first = media[0] if media and self._facts is not None and not self._facts.is_live else None
        return chosen or shown_first or first

    def _make_preview(self, make: Callable[[Kit], PreviewWidget]) -> PreviewWidget:
        preview = make(self._kit)
        preview.save_requested.connect(self._on_preview_save_requested)
        preview.run_requested.connect(self._on_preview_run_requested)
        self.stack.addWidget(preview)
        return preview

    def _keep_code(self) -> None:
        preview = self.preview
        if isinstance(preview, CodePreview) and self._facts is not None and self._shown is not None:
            key = (self._facts.run_id, self._shown.filename)
            edited = preview.edited_code
            if edited is None:
                self._edited.pop(key, None)
            else:
                self._edited[key] = edited

    def _on_preview_save_requested(self) -> None:
        if self._shown is not None and (path := self.path_of(self._shown)):
            self.save_requested.emit(path)

    def _on_preview_run_requested(self, code: str) -> None:
        if self._shown is not None:
            self.code_requested.emit(self._shown, code)
