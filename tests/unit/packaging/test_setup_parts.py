"""Set-up's smaller parts: lock, texts, folders, system libraries, loopback, versions."""

from __future__ import annotations

import ast
import errno
import re
import signal
import string
import subprocess
import sys
from pathlib import Path

import pytest
from setup_steps import python_version
from setup_steps.launch import has_display
from setup_steps.locking import exclusive
from setup_steps.loopback import loopback_answers
from setup_steps.messages import TEXTS, SetupError, language, text
from setup_steps.places import data_folder, this_checkout
from setup_steps.setup import guarded
from setup_steps.system_libraries import FONTS, Library, all_libraries, install_command, missing_libraries

from ai4artsed_desktop.adapters.paths import find_paths

PACKAGING = this_checkout().root / "packaging"

HOLDER = """
import sys, time
from pathlib import Path
from setup_steps.locking import exclusive
with exclusive(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_excludes_and_ends_with_its_holder(tmp_path: Path) -> None:
    lock_file = tmp_path / "lock"
    with subprocess.Popen(  # noqa: TID251 (killed hard on purpose)
        [sys.executable, "-c", HOLDER, lock_file], cwd=PACKAGING, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waited: list[str] = []

        def on_wait() -> None:
            waited.append("waiting")
            holder.kill()  # no clean-up of its own: the system lets go

        with exclusive(lock_file, on_wait):
            assert waited == ["waiting"]


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["en"].keys() == TEXTS["de"].keys()
    for key, english in TEXTS["en"].items():
        assert placeholders(english) == placeholders(TEXTS["de"][key]), key
        assert english != TEXTS["de"][key] or key in {"demo_text", "demo_medium"}, key


def test_every_text_that_set_up_asks_for_exists_and_is_used() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PACKAGING.rglob("*.py") if path.name != "messages.py")
    asked = set(re.findall(r'(?:say|text|SetupError)\(\s*"(\w+)"', source)) - {"effect_"}
    assert asked <= TEXTS["en"].keys()
    for key in TEXTS["en"]:
        assert f'"{key}"' in source or key.startswith("effect_"), key


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_AT"}, "de"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "de_CH.UTF-8", "LANG": "en_US.UTF-8"}, "de"),
    ],
)
def test_the_language_follows_the_locale(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
    assert text("ready") == TEXTS[expected]["ready"]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AI4ARTSED_HOME": "/media/stick/Kunst ü"},
        {"AI4ARTSED_HOME": "relative"},
        {"AI4ARTSED_HOME": "~/art"},
        {"AI4ARTSED_HOME": ""},
        {"XDG_DATA_HOME": "/somewhere/else"},
        {"XDG_DATA_HOME": "  "},
    ],
)
def test_the_data_folder_is_the_programs_own(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AI4ARTSED_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert data_folder() == find_paths().data


def test_the_library_table_is_well_formed() -> None:
    libraries = all_libraries()
    assert len(libraries) == len({library.soname for library in libraries}) > 40
    assert {library.part for library in libraries} == {"base", "x11", "wayland", "sound", "code_art", "fonts"}
    for library in libraries:
        assert f"effect_{library.part}" in TEXTS["en"]
        assert library.deb
        assert all(re.fullmatch(r"[a-z0-9.+-]+", name) for name in library.deb)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux leaves these libraries to the system")
def test_missing_libraries_are_found_by_loading() -> None:
    present = Library("libc.so.6", ("libc6",), "glibc", "base")
    absent = Library("libnowhere.so.99", ("libnowhere99",), "nowhere", "sound")
    assert missing_libraries([present, absent]) == [absent]
    assert missing_libraries([]) == []


NEEDED = [
    Library("libxcb-cursor.so.0", ("libxcb-cursor0",), "xcb-util-cursor", "x11"),
    Library("libasound.so.2", ("libasound2t64", "libasound2"), "alsa-lib", "code_art"),
    FONTS,
]


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("dnf", "sudo dnf install 'libxcb-cursor.so.0()(64bit)' 'libasound.so.2()(64bit)' dejavu-sans-fonts"),
        ("zypper", "sudo zypper install 'libxcb-cursor.so.0()(64bit)' 'libasound.so.2()(64bit)' dejavu-fonts"),
        ("pacman", "sudo pacman -S --needed xcb-util-cursor alsa-lib ttf-dejavu"),
        ("apt-get", "sudo apt-get install libxcb-cursor0 libasound2 fonts-dejavu-core"),
        ("nothing-known", TEXTS["en"]["libraries_unknown_system"]),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_the_command_fits_the_system(tool: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / tool
    program.write_text("#!/bin/sh\nexit 100\n")  # apt-get's answer to a package that it does not know (t64 here)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C")
    assert install_command(NEEDED) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_a_newer_package_name_is_taken_where_apt_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "apt-get"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_command(NEEDED[1:2]) == "sudo apt-get install libasound2t64"


def test_loopback_answers_here() -> None:
    assert loopback_answers()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}, False),
        ({"QT_QPA_PLATFORM": "minimal:enable_fonts"}, False),
        ({"QT_QPA_PLATFORM": "vnc:size=800x600"}, True),
    ],
)
def test_a_display_is_one_that_can_be_seen(
    variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_display() is expected


def test_an_old_python_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_version, "OLDEST", (99, 0))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"needs Python 99\.0 or newer; this is Python"):
        python_version.require_python()


@pytest.mark.parametrize("name", ["start.py", "test.py", "setup_steps/__init__.py", "setup_steps/python_version.py"])
def test_what_runs_before_the_version_check_is_readable_by_old_pythons(name: str) -> None:
    tree = ast.parse((PACKAGING / name).read_text("utf-8"), feature_version=(3, 6))
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert not futures


def test_set_up_needs_the_standard_library_only() -> None:
    scripts = [PACKAGING / name for name in ("start.py", "test.py", "lock.py")]
    for path in [*scripts, *(PACKAGING / "setup_steps").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top == "setup_steps" or top in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_expected_failures_end_in_words_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    request.addfinalizer(lambda: signal.signal(signal.SIGTERM, before))
    monkeypatch.setenv("LC_ALL", "C")

    def full_disk() -> int:
        raise SetupError("error_disk", folder="X")

    def read_only() -> int:
        raise OSError(errno.EROFS, "Read-only file system", "/X/.venv.lock")

    def unheard_of() -> int:
        raise OSError(errno.EDOM, "unknown")

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert guarded(full_disk) == 1
    assert "The disk is full (X).\nNext step:" in capsys.readouterr().err
    assert guarded(read_only) == 1
    assert "/X/.venv.lock cannot be read or written.\nNext step:" in capsys.readouterr().err
    with pytest.raises(OSError, match="unknown"):
        guarded(unheard_of)
    assert guarded(interrupted) == 130
    assert "Interrupted" in capsys.readouterr().out
    assert guarded(lambda: 7) == 7
