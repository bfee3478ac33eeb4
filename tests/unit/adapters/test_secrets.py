"""Keys in a keyring, in a file that only its owner reads, or in the environment."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.secrets import SERVICE, Secrets
from ai4artsed_desktop.domain.errors import StorageError

KEY = "sk-0123456789"


class Ring:
    """A keyring in memory; refuses with its words in the error when it is locked."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise RuntimeError(f"locked; wanted to keep {password}")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]

    def _check(self) -> None:
        if self.is_locked:
            raise RuntimeError("locked")


def names_in(folder: Path) -> list[str]:
    """Every file but the folder that each test has for the program."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def without_keyring(path: Path, **environment: str) -> Secrets:
    return Secrets(path, environment)  # conftest.py keeps the keyring of this machine away


async def test_a_keyring_keeps_keys_and_no_file_holds_one(tmp_path: Path) -> None:
    ring = Ring()
    secrets = Secrets(tmp_path / "keys.json", {}, ring)
    assert (await secrets.get("openai"), await secrets.place("openai")) == (None, None)
    await secrets.put("openai", f"  {KEY}\n")
    assert (await secrets.get("openai"), await secrets.place("openai")) == (KEY, "keyring")
    assert {name: (tmp_path / name).read_text() for name in names_in(tmp_path)} == {"keyring.json": '["openai"]'}
    await secrets.put("openai", "")
    await secrets.put("openai", "")
    assert (await secrets.get("openai"), ring.kept) == (None, {})
    assert {name: (tmp_path / name).read_text() for name in names_in(tmp_path)} == {"keyring.json": "[]"}


async def test_a_later_start_knows_whether_a_key_is_worth_asking_for_without_the_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ring = tmp_path / "keys.json", Ring()
    ring.set_password(SERVICE, "mistral", "put there by somebody else")
    first = Secrets(path, {}, ring)
    await first.put("openai", KEY)
    asked = list[str]()
    monkeypatch.setattr("ai4artsed_desktop.adapters.secrets._system_keyring", lambda: asked.append("loaded") or ring)
    later = Secrets(path, {"ITS_KEY": "from outside"})
    assert [await later.may_have(name) for name in ("openai", "mistral", "other")] == [True, False, False]
    assert await later.may_have("other", "ITS_KEY") and asked == []
    assert await later.place("mistral") == "keyring" and asked == ["loaded"]  # the settings look
    assert await Secrets(path, {}).may_have("mistral")
    await later.put("openai", "")
    assert not await Secrets(path, {}).may_have("openai")


@pytest.mark.parametrize("content", ["", "{}", "[1, null]", '["openai"', "\ud800"])
async def test_a_damaged_list_of_names_is_mended_by_the_next_look(tmp_path: Path, content: str) -> None:
    (tmp_path / "keyring.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    ring = Ring()
    ring.set_password(SERVICE, "openai", KEY)
    assert await Secrets(tmp_path / "keys.json", {}, ring).get("openai") == KEY
    assert await Secrets(tmp_path / "keys.json", {}).may_have("openai")


async def test_without_a_keyring_a_file_keeps_them_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    secrets = without_keyring(path)
    await secrets.put("openai", KEY)
    await secrets.put("mistral", "other")
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"openai": KEY, "mistral": "other"}
    assert await secrets.place("openai") == "file"
    await secrets.put("openai", "")
    assert json.loads(path.read_text()) == {"mistral": "other"}
    assert names_in(path.parent) == ["keys.json"]


async def test_a_file_left_readable_is_closed_with_the_next_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{}")
    path.chmod(0o644)
    path.with_name("keys.json.part").write_text("left by a crash")
    await without_keyring(path).put("openai", KEY)
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_environment_comes_first_and_is_said(tmp_path: Path) -> None:
    secrets = without_keyring(tmp_path / "keys.json", OPENAI_API_KEY=KEY, EMPTY=" ")
    assert (await secrets.get("openai", "OPENAI_API_KEY"), await secrets.place("openai", "OPENAI_API_KEY")) == (
        KEY,
        "environment",
    )
    assert await secrets.get("openai", "EMPTY") is None


@pytest.mark.parametrize("content", ["{", "[]", '"x"', "\x00"])
async def test_a_damaged_file_is_an_error_and_is_not_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    secrets = without_keyring(path)
    with pytest.raises(StorageError):
        await secrets.get("openai")
    with pytest.raises(StorageError):
        await secrets.put("openai", KEY)
    assert path.read_text() == content


async def test_a_locked_keyring_is_an_error_that_shows_no_key(tmp_path: Path) -> None:
    ring = Ring()
    secrets = Secrets(tmp_path / "keys.json", {}, ring)
    ring.is_locked = True
    with pytest.raises(StorageError):
        await secrets.get("openai")
    with pytest.raises(StorageError) as caught:
        await secrets.put("openai", KEY)
    assert KEY not in repr(caught.value) + str(caught.value.info())
    assert caught.value.__cause__ is None


async def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        await without_keyring(tmp_path / "file" / "keys.json").put("openai", KEY)
