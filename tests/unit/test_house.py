"""The house itself: what the layers promise, what the packages hold, what no file may name."""

from __future__ import annotations

import json
import os
import re
import string
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "ai4artsed_desktop"
SHIPPED = ("configs", "chunks", "resources")
LOCKS = ("requirements.lock", "requirements-dev.lock")
LONGEST_MODULE_LINES = 500

#: Names of files and folders that are not part of the repository.
MADE_BY_TOOLS = {".git", ".venv", ".venv.lock", ".hypothesis", "__pycache__", "build", "dist", "screenshots"}


def repository_files() -> Iterator[Path]:
    """Every file that belongs to the repository."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not is_made_by_tools(name)]
        yield from (Path(folder, name) for name in sorted(files) if not is_made_by_tools(name))


def is_made_by_tools(name: str) -> bool:
    return name in MADE_BY_TOOLS or name.endswith(("_cache", ".egg-info", ".part", ".pyc"))


def modules() -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".py"]


CORE_WITHOUT_QT = """
import importlib, pkgutil, sys
for room in ("domain", "engine", "adapters", "headless"):
    package = importlib.import_module("ai4artsed_desktop." + room)
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
print(" ".join(name for name in ("PySide6", "shiboken6", "qasync", "pyqtgraph") if name in sys.modules))
print(sum(name.startswith("ai4artsed_desktop.") for name in sys.modules))
"""


def test_the_core_imports_without_qt() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CORE_WITHOUT_QT], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    qt, count = done.stdout.splitlines()
    assert qt == ""
    assert int(count) > 40


def test_every_module_is_short() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_MODULE_LINES} == {}


# In pieces, so that this file does not name them itself.
FORBIDDEN = [
    "/work" + "/",
    "/root" + "/",
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "/opt" + "/pypi",
]


def test_no_file_names_a_registry_or_the_place_where_it_was_made() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in repository_files()
        for word in FORBIDDEN
        if word.encode() in path.read_bytes()
    ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_holds_digests_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in entries(lock))


def entries(lock: str) -> list[str]:
    """What the file says of each package: name==version, the condition, the digests, who wants it."""
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", (ROOT / lock).read_text("utf-8"))
    return [block for block in blocks if "==" in block]


def locked_versions(lock: str) -> dict[str, set[Version]]:
    """Package name → its versions; several where they depend on the platform."""
    found: dict[str, set[Version]] = {}
    for entry in entries(lock):
        name, version = re.split(r"==|[\s;\\]", entry)[:2]
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def test_the_lock_files_serve_every_dependency_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    wanted = {"requirements.lock": [*project["project"]["dependencies"], *groups["build"]]}
    development = [entry for entry in groups["dev"] if isinstance(entry, str)]
    wanted["requirements-dev.lock"] = [*wanted["requirements.lock"], *development]
    for lock, requirements in wanted.items():
        locked = locked_versions(lock)
        for requirement in map(Requirement, requirements):
            found = locked.get(canonicalize_name(requirement.name), set())
            assert any(version in requirement.specifier for version in found), f"{lock}: {requirement} ({found})"


def test_the_development_lock_holds_the_programs_lock() -> None:
    run, development = ({entry.splitlines()[0] for entry in entries(lock)} for lock in LOCKS)
    assert run <= development


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and source archive, built without a network."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def shipped_names() -> set[str]:
    files = [path for path in repository_files() if path.relative_to(ROOT).parts[0] in SHIPPED]
    assert len(files) > 20
    return {path.relative_to(ROOT).as_posix() for path in files}


def program_names() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in repository_files() if path.is_relative_to(PROGRAM)}


def test_the_wheel_holds_the_program_and_all_it_ships(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"ai4artsed_desktop/_shipped/{name}" for name in shipped_names()} <= names
    assert program_names() <= names


def test_the_source_archive_holds_the_program_and_all_it_ships(built: Path) -> None:
    (archive_path,) = built.glob("*.tar.gz")
    with tarfile.open(archive_path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert shipped_names() | program_names() <= names
    assert {"README.md", "LICENSE", "CHANGELOG.md", "packaging/start.py", "tests/conftest.py", *LOCKS} <= names


def test_qt_calls_that_return_nothing_keep_their_reference_to_none() -> None:
    """PySide6 6.12 on Python 3.11 loses one per call, and the process dies after about 5,650 of them."""
    from PySide6.QtCore import QObject

    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(1000):
        thing.setObjectName("x")
    # Other code may hold a few more or less; the fault would cost a thousand.
    assert sys.getrefcount(None) - before > -100


def languages() -> dict[str, dict[str, str]]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "resources/languages").glob("*.json")}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_language_is_complete_and_fills_the_same_gaps() -> None:
    texts = languages()
    assert {"de", "en"} <= texts.keys()
    for language, words in texts.items():
        assert words.keys() == texts["en"].keys(), language
        differing = {key for key, text in words.items() if placeholders(text) != placeholders(texts["en"][key])}
        assert differing == set(), language
        assert {key for key, text in words.items() if not text.strip()} == set(), language


def test_every_error_has_its_three_texts() -> None:
    from ai4artsed_desktop.domain import errors

    codes = {
        kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AppError)
    }
    wanted = {f"{code}.{part}" for code in codes for part in ("what", "why", "next")}
    assert wanted - languages()["en"].keys() == set()
