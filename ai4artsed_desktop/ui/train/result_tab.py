"""What a training made: the LoRA in the library, its epochs and strengths side by side, and a place to use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QModelIndex
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QLayout, QLineEdit, QWidget

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import OutputRequest, RunRequest
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.graphs import family_of
from ai4artsed_desktop.engine.lora_library import START_STRENGTH, LoraFile, fit_problem, lora_chunks
from ai4artsed_desktop.engine.training_studio import SavedLora
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.create.lora_cards import family_name, reason_words
from ai4artsed_desktop.ui.create.strength_strip import strip_requests
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.train.link import TrainLink
from ai4artsed_desktop.ui.train.picture_grid import PictureGrid
from ai4artsed_desktop.ui.train.thumbnails import PictureItem, PictureModel
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.fields import ChoiceField
from ai4artsed_desktop.ui.widgets.notice import Notice

#: Epochs are compared as they were trained; a person who uses one begins lower.
_AS_TRAINED = 1.0
_PLAIN = "as_is"
_FROM_TEXT = "single_text_media_generation"
#: A trainer family's name in the library, where it is another one.
_LIBRARY_FAMILIES = {"flux": "flux1"}


@dataclass(frozen=True, slots=True)
class _Compared:
    """One run of a comparison and what stands below it."""

    run_id: str
    words: str


class ResultTab(QWidget):
    """Shows the newest LoRA of the project in sight.

    Args:
        context: What every page is given.
        link: The project in sight.
    """

    def __init__(self, context: PageContext, link: TrainLink) -> None:
        super().__init__()
        self._context = context
        self._kit = kit = context.kit
        self._link = link
        self._saved: Sequence[SavedLora] = ()
        self._lora: LoraFile | None = None
        self._compared: list[_Compared] = []
        self._chosen_output = ""
        self.title = Label(kit, look="section")
        self.about = Label(kit, look="muted")
        self.problem = Label(kit, look="warn")
        self.library_button = Button(kit, "train.result.add_folder", "folder")
        self.prompt = QLineEdit()
        self.output = ChoiceField(kit)
        self.output_problem = Label(kit, look="warn")
        self.epochs_button = Button(kit, "train.result.epochs", "film", "primary")
        self.strengths_button = Button(kit, "train.result.strengths", "diff")
        self.interception = ChoiceField(kit)
        self.use_button = Button(kit, "train.result.use", "book")
        self.used = Label(kit, look="good")
        self.create_button = Button(kit, "train.result.create", "arrow", "quiet")
        self.error_card = ErrorCard(kit)
        self.model = PictureModel(context.desk.read_bytes, self)
        self.grid = PictureGrid(kit, self.model, "train.result.compared")
        self.empty = Notice(kit, "train", "train.result.empty", "train.result.empty.text")
        self.content = QWidget()
        self._lay_out()
        self._connect()
        self.retranslate()

    def refresh(self) -> None:
        """Look for the LoRAs of the project in sight."""
        if self._link.snapshot is not None and self.isVisible():
            self._link.ask(self._link.studio.saved_loras(self._link.name), self._on_saved, self._show_error)

    def compare_epochs(self) -> None:
        """Make the same picture with each saved LoRA, on one seed."""
        self.error_card.hide()
        self._link.ask(self._offer_all(), self._on_offered, self._show_error)

    def compare_strengths(self) -> None:
        """Make the same picture with the LoRA at five strengths, on one seed."""
        self.error_card.hide()
        lora = self._lora
        if lora is None:
            return
        requests = strip_requests(self._request(), lora.name)
        self._submit([(f"{request.loras[-1].strength:.1f}", request) for request in requests])

    def use(self) -> None:
        """Save a copy of an interception, as the person's own, that brings the LoRA along."""
        self.error_card.hide()
        lora, files = self._lora, self._context.facts.engine.interceptions
        if lora is None:
            return
        suffix = f" + {lora.title}"
        try:
            draft = files.copy_of(str(self.interception.value), {"en": suffix, "de": suffix})
        except AppError as exc:
            self._show_error(exc.info())
            return
        meta = dict(draft.content.get("meta") or {})
        others = [use for use in meta.get("loras", []) if use["name"] != lora.name]
        meta["loras"] = [*others, {"name": lora.name, "strength": START_STRENGTH}]
        self._link.ask(files.save(draft.with_values(meta=meta)), self._on_used, self._show_error)

    def showEvent(self, event: QShowEvent) -> None:
        """Look when it is looked at."""
        super().showEvent(event)
        self._fill_choices()
        self.refresh()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        for field, key in (
            (self.prompt, "train.result.prompt"),
            (self.output, "train.result.output"),
            (self.interception, "train.result.interception"),
        ):
            field.setAccessibleName(text(key))
        self._fill_choices()
        self._describe()
        self._show_compared()

    def _lay_out(self) -> None:
        kit = self._kit
        head = _card(
            column(
                self.title, self.about, row(self.problem, None, self.library_button), margin=r.SPACE_3, space=r.SPACE_1
            )
        )
        fields = row(self.prompt, self.output, space=r.SPACE_2)
        fields.setStretch(0, 1)
        compare = _card(
            column(
                Label(kit, "train.result.compare", "overline"),
                fields,
                self.output_problem,
                row(None, self.strengths_button, self.epochs_button),
                self.grid,
                margin=r.SPACE_3,
                space=r.SPACE_2,
            )
        )
        line = row(self.interception, self.use_button, self.used, self.create_button, None, space=r.SPACE_2)
        use = _card(column(Label(kit, "train.result.use.title", "overline"), line, margin=r.SPACE_3, space=r.SPACE_2))
        inner = column(head, compare, use, space=r.SPACE_2)
        inner.setStretch(1, 1)
        self.content.setLayout(inner)
        whole = column(self.error_card, self.content, self.empty, space=r.SPACE_2)
        whole.setStretch(1, 1)
        whole.setStretch(2, 1)
        self.setLayout(whole)
        self.content.hide()
        self.used.hide()
        self.create_button.hide()

    def _connect(self) -> None:
        self.epochs_button.clicked.connect(self.compare_epochs)
        self.strengths_button.clicked.connect(self.compare_strengths)
        self.use_button.clicked.connect(self.use)
        self.create_button.clicked.connect(lambda: self._context.show_page("create", ""))
        self.library_button.clicked.connect(self._add_folder)
        self.output.chosen.connect(self._on_output_chosen)
        self.grid.activated.connect(self._on_grid_activated)
        self._context.runs.changed.connect(self._on_runs_changed)
        self._context.facts.changed.connect(self._fill_choices)
        self._link.opened.connect(self._on_link_opened)
        self._link.changed.connect(self.refresh)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _fill_choices(self) -> None:
        engine, language = self._context.facts.engine, self._kit.translator.language
        catalog = engine.catalog
        outputs = [
            config
            for config in catalog.sorted_outputs()
            if config.pipeline == _FROM_TEXT
            and config.media_preferences.default_output == "image"
            and lora_chunks(catalog, [config.id])
        ]
        # Those of its own family first: only they can show it.
        outputs.sort(key=lambda config: self._fit_reason(config.id) is not None)
        names = [(config.id, localized(config.name, language)) for config in outputs]
        is_fit = bool(self._chosen_output) and self._fit_reason(self._chosen_output) is None
        self.output.set_options(names, self._chosen_output if is_fit else None)
        interceptions = [(config.id, localized(config.name, language)) for config in catalog.sorted_interceptions()]
        self.interception.set_options(interceptions, self.interception.value or _PLAIN)
        self._describe()

    def _fit_reason(self, output_id: str) -> Reason | None:
        """Return why an output cannot show the LoRA, or None."""
        if self._link.snapshot is None:
            return None
        lora = self._lora
        chunks = lora_chunks(self._context.facts.engine.catalog, [output_id])
        if lora is not None and (lora.family is not None or lora.problem is not None):
            return fit_problem(lora, chunks)
        # It is not there yet, or its file cannot be read: what it is trained for is known all the same.
        mine = _LIBRARY_FAMILIES.get(self._link.family.id, self._link.family.id)
        families = (family_of(chunk) for chunk in chunks)
        other = next((family.value for family in families if family is not None and family.value != mine), None)
        return None if other is None else Reason("reason.lora_family", {"family": mine, "expected": other})

    def _describe(self) -> None:
        """Say what the LoRA is, and why it could not be shown."""
        lora = self._lora
        self.content.setVisible(bool(self._saved))
        self.empty.setVisible(not self._saved)
        self.use_button.setEnabled(lora is not None)
        if lora is None:
            self.title.set_key("train.result.unfinished" if self._saved else "")
            self.about.set_key("train.result.saves", count=len(self._saved))
            self.problem.hide()
            self.library_button.hide()
        else:
            self._describe_lora(lora)
        output_id = self.output.value
        problems = self._context.facts.snapshot.output_problems
        fit = self._fit_reason(str(output_id)) if output_id is not None else None
        reason = fit or problems.get(str(output_id))
        can_make = self.output.value is not None and reason is None
        self.epochs_button.setEnabled(bool(self._saved) and can_make)
        self.strengths_button.setEnabled(lora is not None and can_make)
        self.output_problem.setVisible(reason is not None or self.output.value is None)
        if reason is not None:
            self.output_problem.setText(reason_words(self._kit, reason))
        elif self.output.value is None:
            self.output_problem.set_key("train.result.no_output")

    def _describe_lora(self, lora: LoraFile) -> None:
        text, facts = self._kit.text, lora.facts
        self.title.setText(lora.title)
        parts = [family_name(self._kit, lora.family) if lora.family is not None else self._link.family.name]
        if facts is not None and facts.rank is not None:
            parts.append(text("lora.rank", rank=facts.rank))
        if trigger := self._link.project.trigger:
            parts.append(text("lora.words", words=trigger))
        if lora.path is not None:
            parts.append(str(lora.path))
        self.about.setText(" · ".join(parts))
        self.problem.setVisible(lora.problem is not None)
        if lora.problem is not None:
            self.problem.setText(reason_words(self._kit, lora.problem))
        folders = self._context.facts.engine.settings.lora_folders
        is_far = lora.path is not None and lora.path.name == lora.name and lora.path.parent not in folders
        self.library_button.setVisible(is_far)

    def _add_folder(self) -> None:
        engine, lora = self._context.facts.engine, self._lora
        if lora is not None and lora.path is not None:
            engine.change_settings(lora_folders=(*engine.settings.lora_folders, lora.path.parent))
            self.refresh()

    def _request(self) -> RunRequest:
        settings, project = self._context.facts.engine.settings, self._link.project
        return RunRequest(
            self.prompt.text().strip() or project.trigger or project.name,
            _PLAIN,
            (OutputRequest(str(self.output.value)),),
            language=self._kit.translator.language,
            seed=project.seed,
            safety_level=settings.safety_level,
            participant=settings.participant,
        )

    async def _offer_all(self) -> list[tuple[str, str]]:
        """Put every saved LoRA where runs find it; return words and name of each."""
        found: list[tuple[str, str]] = []
        for saved in self._saved:
            path = await self._link.studio.offer_lora(self._link.name, saved)
            file = await self._context.facts.engine.loras.find(str(path))
            found.append((self._step_words(saved), file.name if file is not None else path.name))
        return found

    def _step_words(self, saved: SavedLora) -> str:
        return self._kit.text("train.result.end") if saved.step is None else self._kit.text("train.at", step=saved.step)

    def _on_offered(self, loras: list[tuple[str, str]]) -> None:
        request = self._request()
        self._submit(
            [(words, replace(request, loras=(LoraUse(name=name, strength=_AS_TRAINED),))) for words, name in loras]
        )

    def _submit(self, requests: Sequence[tuple[str, RunRequest]]) -> None:
        self._compared = []
        try:
            for words, request in requests:
                self._compared.append(_Compared(self._context.runs.submit(request).run_id, words))
        except AppError as exc:
            self._show_error(exc.info())
        self._show_compared()

    def _show_compared(self) -> None:
        self.model.set_items(self._item(compared) for compared in self._compared)

    def _item(self, compared: _Compared) -> PictureItem:
        facts = self._context.runs.get(compared.run_id)
        if facts is None:
            return PictureItem(compared.run_id, compared.words)
        image = next((medium for medium in facts.media if medium.type == "image"), None)
        path = facts.folder / image.filename if image is not None and facts.folder is not None else None
        return PictureItem(compared.run_id, compared.words, path, self._kit.text(f"run.state.{facts.state}"))

    def _show_error(self, error: ErrorInfo) -> None:
        self.error_card.show_error(error)

    def _on_saved(self, saved: Sequence[SavedLora]) -> None:
        self._saved = saved
        final = saved[-1].path if saved and saved[-1].step is None else None
        if final is None:
            self._on_lora(None)
        else:
            self._link.ask(self._context.facts.engine.loras.find(str(final)), self._lora_or(final), self._show_error)

    def _lora_or(self, path: Path) -> Callable[[LoraFile | None], None]:
        def take(lora: LoraFile | None) -> None:
            self._on_lora(lora or LoraFile(path.name, path))

        return take

    def _on_lora(self, lora: LoraFile | None) -> None:
        self._lora = lora
        if not self.prompt.text() and self._link.project.trigger:
            self.prompt.setText(self._link.project.trigger)
        self._fill_choices()

    def _on_used(self, config_id: str) -> None:
        config = self._context.facts.engine.catalog.interception(config_id).value
        self.used.set_key("train.result.used", name=localized(config.name, self._kit.translator.language))
        self.used.show()
        self.create_button.show()

    def _on_output_chosen(self, output_id: object) -> None:
        self._chosen_output = str(output_id)
        self._describe()

    def _on_grid_activated(self, index: QModelIndex) -> None:
        facts = self._context.runs.get(self.model.items[index.row()].id)
        if facts is not None:
            self._context.carry_over(facts.request, facts.run_id)

    def _on_runs_changed(self, run_id: str) -> None:
        if any(compared.run_id == run_id for compared in self._compared):
            self._show_compared()

    def _on_link_opened(self) -> None:
        self._saved, self._lora, self._compared = (), None, []
        self.prompt.clear()
        self.used.hide()
        self.create_button.hide()
        self.error_card.hide()
        self._show_compared()
        self._fill_choices()


def _card(layout: QLayout) -> QFrame:
    card = QFrame()
    set_look(card, "card")
    card.setLayout(layout)
    return card
