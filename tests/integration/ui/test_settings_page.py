"""The Settings page: every change counts at once, what the environment sets is locked, models come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel

from ai4artsed_desktop.domain.errors import ChecksumError
from ai4artsed_desktop.domain.settings import AUTO_MODEL
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.engine.model_files import ModelFileService, ModelOffer
from ai4artsed_desktop.ui.settings.rows import SettingRow
from ai4artsed_desktop.ui.widgets.fields import CheckField, ChoiceField, WholeField
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import GOOD, TINY, FakeModels
from tests.support.ui_window import WindowWorld, open_window, type_into
from tests.support.world import TestWorld

Run = RunInWindowLoop[None]
OFFER = ModelOffer("m4", "Model 4B", {"en": "A good one."}, 2_000_000_000, 4.0, "Apache-2.0", ("en", "de"), 4, "Q4")


class FakeLibrary:
    """A library whose download goes on as the test says."""

    def __init__(self) -> None:
        self.progress: Callable[[int, int | None], None] | None = None
        self.finish: asyncio.Future[Path] = asyncio.get_running_loop().create_future()
        self.removed: list[Path] = []

    def offers(self) -> Sequence[ModelOffer]:
        return (OFFER,)

    async def download(self, offer_id: str, on_progress: Callable[[int, int | None], None]) -> Path:
        self.progress = on_progress
        on_progress(500_000_000, OFFER.size_bytes)
        return await asyncio.shield(self.finish)

    async def add(self, path: Path, *, copy: bool) -> Path:
        return path

    async def remove(self, path: Path) -> None:
        self.removed.append(path)


def row_of(opened: WindowWorld, key: str) -> SettingRow:
    words = opened.kit.text(key)
    return next(r for r in opened.settings.findChildren(SettingRow) if r.title.text() == words)


def choose(field: object, value: object) -> None:
    assert isinstance(field, ChoiceField)
    field.setCurrentIndex(field.findData(value))
    field.activated.emit(field.currentIndex())


def use(library_of: list[FakeLibrary]) -> Callable[[TestWorld], None]:
    def prepare(world: TestWorld) -> None:
        library = FakeLibrary()
        library_of.append(library)
        world.engine.model_files = ModelFileService(world.engine.bus, library)

    return prepare


def test_every_kind_of_setting_is_saved_at_once_and_read_again(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            choose(row_of(opened, "settings.theme").field, "dark")
            switch = row_of(opened, "settings.local_only").field
            assert isinstance(switch, CheckField)
            switch.click()
            number = row_of(opened, "settings.model_idle_s").field
            assert isinstance(number, WholeField)
            number.setValue(60)
            name = row_of(opened, "settings.participant").field
            type_into(name, "Mira")
            name.clearFocus()
            settings = opened.world.engine.settings
            assert (settings.theme, settings.local_only, settings.model_idle_s) == ("dark", True, 60)
            assert settings.participant == "Mira"
            assert opened.window.status_bar.local_only.isChecked()
            opened.window.status_bar.local_only.click()
            assert not opened.world.engine.settings.local_only
            assert not switch.isChecked(), "both switches are one setting"
            opened.window.status_bar.local_only.click()
            settings = opened.world.engine.settings
        async with open_window(app_home) as again:
            assert again.world.engine.settings == settings

    run_in_window_loop(body)


def test_a_setting_of_the_environment_is_locked_and_names_its_variable(
    run_in_window_loop: Run, app_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI4ARTSED_LOCAL_ONLY", "true")

    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            row = row_of(opened, "settings.local_only")
            assert not row.field.isEnabled()
            assert row.lock.text() == "set by AI4ARTSED_LOCAL_ONLY"
            assert row_of(opened, "settings.theme").field.isEnabled()

    run_in_window_loop(body)


def test_settings_that_cannot_be_saved_are_told_and_the_field_goes_back(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            folder = opened.world.paths.settings_file.parent
            for path in sorted(folder.iterdir()):
                path.unlink()
            folder.rmdir()
            folder.write_text("a file stands where the folder should be")
            switch = row_of(opened, "settings.local_only").field
            assert isinstance(switch, CheckField)
            switch.click()
            assert opened.settings.error_card.isVisible()
            assert not switch.isChecked()

    run_in_window_loop(body)


def test_a_stage_model_is_chosen_and_automatic_says_what_it_takes(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels((GOOD, TINY))) as opened:
            opened.window.show_page("settings")
            field = row_of(opened, "settings.stage_models.interception").field
            assert isinstance(field, ChoiceField)
            assert field.currentText() == "automatic (now Good)"
            choose(field, TINY.id)
            assert opened.world.engine.settings.stage_models.interception == TINY.id
            assert opened.world.engine.settings.stage_models.translation == AUTO_MODEL
            await opened.until(lambda: opened.window.facts.snapshot.interception_model == TINY)

    run_in_window_loop(body)


def test_a_chosen_model_that_is_gone_is_shown_as_gone_not_as_another_one(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels((GOOD,))) as opened:
            opened.world.engine.change_settings(stage_models={"coding": "fake/lost"})
            opened.window.show_page("settings")
            field = row_of(opened, "settings.stage_models.coding").field
            assert isinstance(field, ChoiceField)
            assert field.currentText() == "lost (not here)"

    run_in_window_loop(body)


def test_a_download_shows_its_progress_stops_resumes_and_fails_in_words(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        libraries: list[FakeLibrary] = []
        async with open_window(app_home, prepare=use(libraries)) as opened:
            opened.window.show_page("settings")
            library, (row,) = libraries[0], opened.settings.offers.rows
            assert "needs 4.0 GB of memory" in row.small.text()
            row.button.click()
            await opened.until(lambda: "0.5 GB of 2.0 GB" in row.state.text())
            assert row.button.text() == "Stop"
            row.button.click()
            await opened.until(lambda: row.button.text() == "Resume")
            assert "0.5 GB are here already" in row.state.text()
            row.button.click()
            await opened.until(lambda: row.button.text() == "Stop")
            library.finish.set_exception(ChecksumError(name=OFFER.name))
            await opened.until(row.error_card.isVisible)
            assert row.error_card.accessibleName() == "Model 4B was not installed."
            await opened.world.engine.model_files.aclose()

    run_in_window_loop(body)


def test_a_model_of_ours_is_deleted_only_after_the_question(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        libraries: list[FakeLibrary] = []
        models = app_home / "data" / "models"
        ours = TextModelInfo("fake/ours", "Ours", "fake", size_bytes=3_000_000_000, path=str(models / "ours.gguf"))
        async with open_window(app_home, prepare=use(libraries), models=FakeModels((ours,))) as opened:
            opened.window.show_page("settings")
            (row,) = opened.settings.model_list.rows
            row.remove_button.click()
            question = next(label for label in row.findChildren(QLabel) if "Delete the file" in label.text())
            assert question.isVisible()
            assert "3.0 GB" in question.text()
            assert libraries[0].removed == []
            row.yes_button.click()
            await opened.until(lambda: libraries[0].removed == [models / "ours.gguf"])

    run_in_window_loop(body)


def test_no_model_at_all_is_said_and_the_window_works(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(())) as opened:
            opened.window.show_page("settings")
            assert opened.settings.model_list.none.isVisible()
            assert "not installed" in " ".join(label.text() for label in opened.window.status_bar.findChildren(QLabel))

    run_in_window_loop(body)


def test_the_welcome_shows_what_works_and_goes_for_good(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels((TINY,))) as opened:
            welcome = opened.create.welcome
            assert welcome is not None
            assert welcome.isVisible()
            welcome.close_button.click()
            assert not welcome.isVisible()
            opened.window.close()
            state = opened.states[-1]
        async with open_window(app_home, models=FakeModels((TINY,)), state=state) as again:
            assert again.create.welcome is None

    run_in_window_loop(body)


def test_theme_and_workshop_mode_do_not_need_a_restart(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            before = opened.create.choices.medium_box.seed.dice.sizeHint().height()
            opened.kit.theme.configure(workshop_mode=True)
            await opened.until(lambda: opened.create.choices.medium_box.seed.dice.sizeHint().height() > before)

    run_in_window_loop(body)


def test_the_list_of_sections_leads_to_each_and_marks_the_one_in_sight(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.resize(1280, 720)
            opened.window.show_page("settings")
            page = opened.settings
            await opened.until(lambda: page.index.isVisible() and page.sections[-1].y() > 720)
            assert page.index.buttons[0].isChecked()
            page.index.buttons[5].click()
            assert page.sections[5].visibleRegion().boundingRect().height() > 0
            assert page.index.buttons[5].isChecked()
            opened.window.resize(900, 720)
            await opened.until(lambda: not page.index.isVisible())

    run_in_window_loop(body)


def test_a_missing_key_leads_to_the_services(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.resize(1280, 720)
            opened.window.show_page("settings", "services")
            page = opened.settings
            await opened.until(lambda: page.providers_section.visibleRegion().boundingRect().height() > 0)

    run_in_window_loop(body)
