"""The Studio page: services on paper, their logs, the guided set-up, the page itself."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QWidget

from ai4artsed_desktop.domain.services import (
    ServiceInstall,
    SetupEnded,
    SetupError,
    SetupSpaceError,
)
from ai4artsed_desktop.engine.service_log import KEPT_LINES
from ai4artsed_desktop.engine.service_ports import Health
from ai4artsed_desktop.ui.studio.install_card import InstallCard
from ai4artsed_desktop.ui.studio.service_card import ServiceCard
from ai4artsed_desktop.ui.studio.services_section import ServicesSection
from ai4artsed_desktop.ui.theme import ThemeChoice
from ai4artsed_desktop.ui.widgets.basics import Label
from tests.conftest import RunInWindowLoop
from tests.support.ollama_double import OllamaDouble
from tests.support.studio_kit import Studio, open_studio
from tests.support.ui_kit import nameless
from tests.support.ui_window import press, type_into

Run = RunInWindowLoop[None]


def card(studio: Studio, name: str) -> ServiceCard:
    return section(studio).cards[name]


def section(studio: Studio) -> ServicesSection:
    return cast("ServicesSection", studio.page.sections["services"])


def buttons(part: QWidget) -> set[str]:
    return {button.text() for button in part.findChildren(QAbstractButton) if button.isVisible() and button.text()}


# ---- services ----


def test_a_card_shows_a_service_from_start_to_stop_in_both_languages(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            comfyui = card(studio, "comfyui")
            await studio.shows("stopped", comfyui)
            assert "http://127.0.0.1:8188" in studio.words(comfyui) and "Process" not in studio.words(comfyui)
            assert buttons(comfyui) == {"Start", "Log"}
            await studio.press("Start", comfyui)
            await studio.shows("ready", comfyui)
            await studio.shows("0.1 GB", comfyui)
            status = [label.text() for label in studio.opened.window.status_bar.findChildren(Label)]
            assert "ComfyUI: ready" in status and "Ollama" not in "".join(status)
            assert "100" in comfyui.values["process"].text() and comfyui.values["uptime"].text().endswith(" s")
            assert buttons(comfyui) == {"Stop", "Restart", "Log"} and "version 1" in studio.words(comfyui)
            studio.opened.kit.translator.set_language("de")
            await studio.shows("bereit", comfyui)
            assert buttons(comfyui) == {"Beenden", "Neu starten", "Protokoll"}
            await studio.press("Neu starten", comfyui)
            await studio.opened.until(lambda: len(studio.comfyui.host.spawned) == 2)
            await studio.shows("bereit", comfyui)
            await studio.press("Beenden", comfyui)
            await studio.shows("gestoppt", comfyui)
            assert nameless(studio.page) == []

    run_in_window_loop(body)


def test_what_was_started_elsewhere_is_used_and_has_no_stop(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            studio.ollama.external = Health("ready", facts={"version": "0.12.3"})
            await studio.press("Look again")
            ollama = card(studio, "ollama")
            await studio.shows("Used, never stopped", ollama)
            assert buttons(ollama) == {"Log"} and "version 0.12.3" in studio.words(ollama)

    run_in_window_loop(body)


def test_a_failure_says_why_and_what_can_be_done_and_a_new_start_clears_it(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            comfyui = card(studio, "comfyui")
            studio.comfyui.host.plan = ["missing"]
            await studio.press("Start", comfyui)
            await studio.shows("failed", comfyui)
            await studio.shows("/programs/ComfyUI/python cannot be run.", comfyui)
            assert {"Start again", "Show the log"} <= buttons(comfyui)
            await studio.press("Show the log", comfyui)
            assert section(studio).shown == "comfyui"
            await studio.press("Start again", comfyui)
            await studio.shows("ready", comfyui)
            assert not comfyui.error_card.isVisible()

    run_in_window_loop(body)


# ---- logs ----


def test_a_log_shows_terminal_codes_html_and_turned_text_as_what_they_are(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            log = section(studio).log
            await studio.shows("Nothing has been written yet.", log)
            await studio.press("Start", card(studio, "comfyui"))
            await studio.shows("ready", card(studio, "comfyui"))
            hostile = ["\x1b[31mred\x1b[0m <b>bold</b>", "a\u202egnp.exe", "\x1b]0;title\x07 tab\there", "x" * 10_000]
            studio.comfyui.host.current.say(*hostile)
            await studio.opened.until(lambda: log.model.rowCount() == 4)
            shown = [log.model.text(row) for row in range(4)]
            assert shown[:2] == ["red <b>bold</b>", "a\N{REPLACEMENT CHARACTER}gnp.exe"]
            assert shown[2].endswith("tab    here") and "\x1b" not in shown[2] and "\x07" not in shown[2]
            assert len(shown[3]) < 5_000
            index = log.model.index(0, 0)
            assert index.data() == shown[0] and log.lines.accessibleName() == "Log of ComfyUI"
            type_into(log.filter, "BOLD red")
            await studio.shows("Lines: 1 of 4", log)
            log.copy_button.click()
            assert QGuiApplication.clipboard().text() == shown[0]
            type_into(log.filter, "no such word")
            await studio.shows("No line of 4 holds these words.", log)
            assert not log.copy_button.isEnabled()

    run_in_window_loop(body)


def test_a_flood_of_lines_leaves_the_newest_in_sight_and_the_page_alive(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            log = section(studio).log
            await studio.press("Start", card(studio, "comfyui"))
            await studio.shows("ready", card(studio, "comfyui"))
            studio.comfyui.host.current.say(*(f"line {number}" for number in range(30_000)))
            await studio.opened.until(
                lambda: log.model.rowCount() > 0 and log.model.text(log.model.rowCount() - 1) == "line 29999", 30
            )
            assert log.model.count == log.model.rowCount() == KEPT_LINES
            assert log.lines.is_at_end and not log.end_button.isEnabled()
            await studio.press("Stop", card(studio, "comfyui"))
            await studio.shows("stopped", card(studio, "comfyui"))

    run_in_window_loop(body)


def test_whoever_reads_further_up_stays_there_until_the_newest_is_asked_for(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            log = section(studio).log
            await studio.press("Start", card(studio, "comfyui"))
            await studio.shows("ready", card(studio, "comfyui"))

            async def write(first: int, count: int) -> None:
                studio.comfyui.host.current.say(*(f"line {number}" for number in range(first, first + count)))
                newest = f"line {first + count - 1}"
                await studio.opened.until(
                    lambda: log.model.rowCount() > 0 and log.model.is_settled and log.model.text(-1) == newest, 20
                )

            await write(1, KEPT_LINES)
            assert log.model.rowCount() == KEPT_LINES and log.lines.is_at_end
            log.lines.verticalScrollBar().setValue(1_000)

            def at_top() -> str:
                return log.model.text(log.lines.rowAt(0))

            assert at_top() == "line 1001"
            await write(KEPT_LINES + 1, 500)
            assert at_top() == "line 1001" and log.end_button.isEnabled()
            assert log.model.count == KEPT_LINES
            log.lines.selectRow(log.lines.rowAt(0))
            press(log.lines, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
            assert QGuiApplication.clipboard().text() == "line 1001"
            log.end_button.click()
            assert log.lines.is_at_end
            await write(KEPT_LINES + 501, 3 * KEPT_LINES)
            assert log.lines.is_at_end
            assert log.model.text(0) == f"line {3 * KEPT_LINES + 501}"

    run_in_window_loop(body)


# ---- set-up ----


def test_where_nothing_is_installed_the_set_up_stands_open_and_installs(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home, installed=False) as studio:
            await studio.opened.until(lambda: section(studio).shown == "")
            await studio.shows("GB free on this disk")
            install: InstallCard = await studio.part(InstallCard)
            assert "not found on this computer" in studio.words(card(studio, "comfyui"))
            assert buttons(card(studio, "comfyui")) == {"Set up …", "Log"}
            await studio.press("Install ComfyUI")
            await studio.shows("step 1 of 2", install)
            await studio.opened.until(lambda: install.log.model.rowCount() == 1)
            await studio.press("Cancel", install)
            await studio.shows("Cancelled. What was loaded is kept", install)
            studio.installer.going_on.set()
            await studio.press("Install ComfyUI")
            await studio.shows("ComfyUI is ready in", install)
            folder = studio.opened.world.paths.data / "services" / "ComfyUI"
            assert studio.installer.folders == [folder, folder]
            assert studio.opened.world.engine.settings.comfyui_folder == folder
            await studio.shows("in use")
            await studio.shows("stopped", card(studio, "comfyui"))
            assert buttons(card(studio, "comfyui")) == {"Start", "Log"}
            assert nameless(studio.page) == []

    run_in_window_loop(body)


def test_an_installation_that_cannot_be_says_so_and_can_be_tried_again(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_studio(app_home, installed=False, local_only=True) as studio:
            install: InstallCard = await studio.part(InstallCard)
            await studio.press("Install ComfyUI")
            await studio.shows("It has to be downloaded, and “local only” is on.", install)
            studio.opened.world.engine.change_settings(local_only=False)
            sizes = {"needed_gb": "15", "free_gb": "3.1"}
            studio.installer.refused = SetupSpaceError(backend="ComfyUI", path="/small disk", **sizes)
            await studio.press("Install ComfyUI")
            await studio.shows("It needs 15 GB; at /small disk 3.1 GB are free.", install)
            studio.installer.refused = None
            studio.installer.failure = SetupError("pip said no", backend="ComfyUI", step="setup.environment")
            studio.installer.going_on.set()
            await studio.press("Try again", install)
            await studio.shows("This step failed: preparing a Python environment.", install)
            install.error_card.details_button.click()
            assert "Collecting torch" in install.error_card.details.toPlainText()
            assert install.start_button.isVisible() and not install.working.isVisible()
            assert studio.opened.world.engine.settings.comfyui_folder is None

    run_in_window_loop(body)


def test_another_folder_is_shown_with_its_own_room(run_in_window_loop: Run, app_home: Path, tmp_path: Path) -> None:
    async def body() -> None:
        async with open_studio(app_home, installed=False) as studio:
            install: InstallCard = await studio.part(InstallCard)
            install.set_folder(tmp_path / "Große Platte")
            assert install.folder == tmp_path / "Große Platte" / "ComfyUI"
            await studio.shows("Große Platte", install)
            await studio.shows("GB free on this disk", install)
            install.set_folder(tmp_path / "ComfyUI")
            assert install.folder == tmp_path / "ComfyUI"

    run_in_window_loop(body)


def test_what_was_found_is_used_when_asked_and_a_wrong_folder_changes_nothing(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            studio.comfyui.found.append(ServiceInstall("/second/ComfyUI", "/second/python"))
            await studio.press("Set-up")
            await studio.shows("/second/ComfyUI")
            engine, setup = studio.opened.world.engine, section(studio).setup
            (row,) = [row for row in setup.rows if "/second/ComfyUI" in studio.words(row)]
            await studio.press("Use", row)
            assert engine.settings.comfyui_folder == Path("/second/ComfyUI")
            setup.use_place("comfyui", tmp_path)
            await studio.shows(f"There is no ComfyUI in {tmp_path}. All stays as it was.")
            assert engine.settings.comfyui_folder == Path("/second/ComfyUI")
            studio.ollama.found.append(ServiceInstall(str(tmp_path), str(tmp_path / "ollama")))
            setup.use_place("ollama", tmp_path / "ollama")
            await studio.opened.until(lambda: not setup.problem.isVisible() and not setup.state.isVisible())
            assert engine.settings.ollama_program == tmp_path / "ollama"

    run_in_window_loop(body)


# ---- the page ----


def test_sections_are_reached_by_keys_palette_and_memory(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_studio(app_home) as studio:
            page = studio.page
            assert list(page.sections) == ["services"], "what nobody looks at is not made"
            page.buttons["services"].setFocus()
            press(page.buttons["services"], Qt.Key.Key_Right)
            assert page.buttons["gpu"].isChecked() and page.sections["gpu"].isVisible()
            press(page.buttons["gpu"], Qt.Key.Key_Right)
            assert page.sections["media_models"].isVisible()
            assert studio.opened.window.memory.get("studio", "") == "media_models"
            (entry,) = [entry for entry in page.picks() if "Services" in entry.text]
            entry.do()
            assert page.sections["services"].isVisible()
            page.go_to("no such place")
            assert page.sections["services"].isVisible()

    run_in_window_loop(body)


@pytest.mark.parametrize("place", ["services", "gpu", "language_models", "media_models"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_section_fits_into_the_smallest_window(
    run_in_window_loop: Run, app_home: Path, place: str, language: str
) -> None:
    async def body() -> None:
        async with (
            OllamaDouble().serving() as url,
            open_studio(app_home, place, ollama_url=url, language=language) as studio,
        ):
            window = studio.opened.window
            studio.opened.kit.theme.configure(choice=ThemeChoice.DARK)
            for width, height in ((1280, 720), (720, 560)):
                window.resize(width, height)
                await studio.opened.until(lambda size=(width, height): window.size().toTuple() == size)
                part = studio.page.sections[place]
                assert part.minimumSizeHint().width() <= part.width()
                assert studio.page.minimumSizeHint().height() <= studio.page.height()

    run_in_window_loop(body)


def test_an_installation_that_ends_while_nobody_looks_is_known_later(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_studio(app_home, installed=False) as studio:
            install: InstallCard = await studio.part(InstallCard)
            await studio.press("Install ComfyUI")
            studio.opened.window.show_page("create")
            studio.installer.going_on.set()
            await studio.opened.until(lambda: bool(studio.opened.world.probe.of(SetupEnded)))
            studio.opened.window.show_page("studio")
            await studio.shows("ComfyUI is ready in", install)
            await studio.opened.until(lambda: install.log.model.rowCount() == 2)

    run_in_window_loop(body)
