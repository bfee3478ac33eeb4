"""The settings file: precedence, repair, and nothing lost for one bad value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.storage.settings_file import SettingsFile
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Ordner mit ä" / "settings.json"


def test_without_a_file_the_defaults_hold_and_nothing_is_written(path: Path) -> None:
    assert SettingsFile(path).load() == Settings()
    assert not path.parent.exists()


def test_what_is_saved_is_loaded_and_defaults_are_not_written(path: Path) -> None:
    settings = Settings(language="de", participant="Zoë 🍎", model_folders=(Path("/models/ü"),), model_idle_s=5)
    SettingsFile(path).save(settings)
    assert SettingsFile(path).load() == settings
    assert set(json.loads(path.read_text("utf-8"))) == {"language", "participant", "model_folders", "model_idle_s"}


def test_the_environment_stands_before_the_file_and_is_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SettingsFile(path).save(Settings(theme="dark", language="de"))
    monkeypatch.setenv("AI4ARTSED_THEME", "light")
    monkeypatch.setenv("AI4ARTSED_STAGE_MODELS__CODING", "x/y")
    file = SettingsFile(path)
    settings = file.load()
    assert (settings.theme, settings.language, settings.stage_models.coding) == ("light", "de", "x/y")
    assert file.from_environment == {"theme", "stage_models"}
    file.save(settings.model_copy(update={"language": "en"}))
    monkeypatch.delenv("AI4ARTSED_THEME")
    monkeypatch.delenv("AI4ARTSED_STAGE_MODELS__CODING")
    assert SettingsFile(path).load() == Settings(theme="dark", language="en")


@pytest.mark.parametrize("value", ["purple", "", "[1"])
def test_a_bad_value_in_the_environment_is_ignored(path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    SettingsFile(path).save(Settings(language="de"))
    monkeypatch.setenv("AI4ARTSED_THEME", value)
    monkeypatch.setenv("AI4ARTSED_STAGE_MODELS", value)
    assert SettingsFile(path).load() == Settings(language="de")


@pytest.mark.parametrize(
    "damage",
    [b"", b'{"language": "de', b"\xff\xfe\x00", b"[]", b"[" * 100_000, b"null", b"\x00" * 4096],
    ids=["empty", "cut", "binary", "list", "deep", "null", "zeros"],
)
def test_a_damaged_file_is_set_aside_and_repaired_from_the_backup(path: Path, damage: bytes) -> None:
    file = SettingsFile(path)
    file.save(Settings(language="de"))
    file.save(Settings(language="de", theme="dark"))
    path.write_bytes(damage)
    assert SettingsFile(path).load() == Settings(language="de")
    assert [p.read_bytes() for p in path.parent.glob("*.damaged-*")] == [damage]
    assert json.loads(path.read_text("utf-8")) == {"language": "de"}


def test_without_a_backup_a_damaged_file_gives_the_defaults(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"{")
    assert SettingsFile(path).load() == Settings()


def test_a_lost_file_comes_back_from_the_backup(path: Path) -> None:
    file = SettingsFile(path)
    file.save(Settings(language="de"))
    file.save(Settings(language="de", theme="dark"))
    path.unlink()
    assert SettingsFile(path).load() == Settings(language="de")


def test_one_wrong_value_is_dropped_alone_and_unknown_keys_are_ignored(path: Path) -> None:
    path.parent.mkdir()
    stored = {"language": "de", "theme": 7, "model_idle_s": -1, "from_the_future": [1], "participant": "Ada"}
    path.write_text(json.dumps(stored), "utf-8")
    assert SettingsFile(path).load() == Settings(language="de", participant="Ada")


def test_a_folder_that_cannot_be_written_to_is_an_error_on_save_and_none_on_load(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"{")

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    assert SettingsFile(path).load() == Settings()
    with pytest.raises(StorageError):
        SettingsFile(path).save(Settings(language="de"))
    assert path.read_bytes() == b"{"


def test_the_web_servers_variables_count_and_ours_stand_before_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMUI_AUTO_START", "false")
    monkeypatch.setenv("SWARMUI_STARTUP_TIMEOUT", "42")
    monkeypatch.setenv("SWARMUI_HEALTH_CHECK_INTERVAL", "7.5")
    monkeypatch.setenv("AI4ARTSED_SWARMUI_HEALTH_CHECK_INTERVAL", "3")
    file = SettingsFile(path)
    settings = file.load()
    assert (settings.services_auto_start, settings.services_startup_timeout_s) == (False, 42.0)
    assert settings.services_health_interval_s == 3.0
    names = {"services_auto_start", "services_startup_timeout_s", "services_health_interval_s"}
    assert file.from_environment == names
    file.save(settings.model_copy(update={"theme": "dark"}))
    for name in ("AUTO_START", "STARTUP_TIMEOUT"):
        monkeypatch.delenv(f"SWARMUI_{name}")
    monkeypatch.setenv("AI4ARTSED_SERVICES_HEALTH_INTERVAL_S", "9")
    settings = SettingsFile(path).load()
    assert (settings.theme, settings.services_auto_start) == ("dark", True)
    assert settings.services_health_interval_s == 9.0
