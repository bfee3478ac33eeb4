"""Folders, logs, languages and word lists on disk."""

from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.language_files import load_messages, system_language
from ai4artsed_desktop.adapters.logs import start_logging, stop_logging
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.adapters.word_lists import WordListFiles


def test_one_variable_moves_every_folder_of_the_person(tmp_path: Path) -> None:
    paths = find_paths({"AI4ARTSED_HOME": str(tmp_path / "Stick ä")})
    own = (paths.config, paths.data, paths.cache, paths.logs, paths.runs, paths.models, paths.user_catalog)
    assert all(folder.is_relative_to(tmp_path / "Stick ä") for folder in own)
    assert list(tmp_path.iterdir()) == []
    assert (paths.shipped / "configs").is_dir() and (paths.vendor / "p5").is_dir()


def test_without_the_variable_the_platform_says_where() -> None:
    paths = find_paths({})
    assert "ai4artsed-desktop" in str(paths.data) and paths.data.is_absolute()


@pytest.fixture
def quiet_logs() -> Generator[None]:
    yield
    stop_logging()


def test_the_log_is_written_in_utf8_and_closed(tmp_path: Path, quiet_logs: None) -> None:
    path = tmp_path / "logs" / "x.log"
    assert start_logging(path) is not None
    logging.getLogger("ai4artsed_desktop.test").warning("größer 🍎")
    stop_logging()
    assert "größer 🍎" in path.read_text("utf-8")


def test_a_log_folder_that_cannot_be_made_costs_only_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet_logs: None
) -> None:
    (tmp_path / "file").write_text("")
    assert start_logging(tmp_path / "file" / "x.log") is None
    logging.getLogger("ai4artsed_desktop.test").warning("unheard")
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
def test_a_disk_that_is_full_is_said_once_and_the_log_closes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet_logs: None
) -> None:
    (tmp_path / "x.log").symlink_to("/dev/full")
    start_logging(tmp_path / "x.log")
    for _ in range(3):
        logging.getLogger("ai4artsed_desktop.test").warning("x")
    stop_logging()
    assert capsys.readouterr().err.count("No log is written any more") == 1


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "en_GB"}, "en"),
        ({"LANG": "de_DE", "LC_ALL": "en_US"}, "en"),
        ({"LC_MESSAGES": "de", "LANG": "en"}, "de"),
        ({"LANG": "123"}, "en"),
    ],
)
def test_the_systems_language_is_read_as_the_system_does(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], language: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert system_language() == language


def test_a_language_without_a_file_is_shown_in_english() -> None:
    assert load_messages(find_paths().resources, "fr").language == "en"


def test_word_lists_leave_out_comments_and_blank_lines_and_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "nouns.txt").write_text("# Quelle\nApfel\n\n  \nÄpfel\n", "utf-8")
    lists = WordListFiles(tmp_path).load("de", ["nouns", "none"])
    assert lists == {"nouns": ("Apfel", "Äpfel"), "none": ()}
