"""The environment that set-up makes: from nothing, from half-made, in a folder with spaces and umlauts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from setup_steps import environment
from setup_steps.environment import explain, is_ready, prepare, read_stamp, update_stamp
from setup_steps.locking import exclusive
from setup_steps.messages import SetupError
from setup_steps.places import Checkout
from setup_steps.repair import forget_incomplete_packages, site_folders

#: A build backend that needs nothing: it writes an editable wheel of a package with the program's name.
BACKEND = """
import os, zipfile

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "ai4artsed_desktop-0.1.0-py3-none-any.whl"
    info = "ai4artsed_desktop-0.1.0.dist-info"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("_editable_ai4artsed_desktop.pth", os.getcwd())
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: ai4artsed-desktop\\nVersion: 0.1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "ai4artsed-desktop"
version = "0.1.0"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A small project of the program's name, with an empty lock file."""
    root = tmp_path / "Prüf stand"
    package = root / "ai4artsed_desktop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("FOUND = True\n")
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "requirements.lock").write_text("# nothing\n")
    return Checkout(root)


def prepare_alone(checkout: Checkout, lock: str = "requirements.lock") -> None:
    with exclusive(checkout.lock_file, lambda: pytest.fail("nobody else holds the lock")) as descriptor:
        prepare(checkout, lock, descriptor)


def test_setup_makes_repairs_and_recognises_the_environment(checkout: Checkout) -> None:
    assert not is_ready(checkout, "requirements.lock")

    # Half-made, as a power cut leaves it: a Python that knows nothing of the environment and would install elsewhere.
    checkout.scripts.mkdir(parents=True)
    shutil.copy(sys.executable, checkout.python)
    prepare_alone(checkout)
    assert (checkout.venv / "pyvenv.cfg").is_file()
    assert len(list(checkout.venv.rglob("ai4artsed_desktop-0.1.0.dist-info"))) == 1
    assert is_ready(checkout, "requirements.lock")
    (checkout.root / "requirements-dev.lock").write_text("# more\n")
    assert not is_ready(checkout, "requirements-dev.lock")

    # Found from anywhere, in a locale that cannot spell the path.
    environment_ = {**os.environ, "LC_ALL": "xx_XX.nowhere", "PYTHONUTF8": "0"}
    code = "import ai4artsed_desktop; assert ai4artsed_desktop.FOUND"
    subprocess.run([checkout.python, "-c", code], cwd=checkout.root.parent, env=environment_, check=True)

    # A package that a killed installer left: its metadata goes, so that pip brings it again.
    (site,) = site_folders(checkout.venv)
    (site / "ai4artsed_desktop-0.1.0.dist-info" / "RECORD").unlink()
    assert forget_incomplete_packages(checkout.venv) == ["ai4artsed_desktop-0.1.0.dist-info"]

    # A changed project asks for set-up again, and so does a Python that went away.
    (checkout.root / "pyproject.toml").write_text(PROJECT + "\n# changed\n")
    assert not is_ready(checkout, "requirements.lock")
    prepare_alone(checkout)
    assert is_ready(checkout, "requirements.lock")
    checkout.python.unlink()
    assert not is_ready(checkout, "requirements.lock")


def test_development_set_up_serves_the_program_too(checkout: Checkout) -> None:
    (checkout.root / "requirements-dev.lock").write_text("# more\n")
    prepare_alone(checkout, "requirements-dev.lock")
    assert is_ready(checkout, "requirements-dev.lock")
    assert is_ready(checkout, "requirements.lock")


def test_a_foreign_folder_named_venv_is_never_deleted(checkout: Checkout) -> None:
    precious = checkout.venv / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work")
    with pytest.raises(SetupError) as caught:
        prepare_alone(checkout)
    assert caught.value.key == "error_venv_foreign"
    assert precious.read_text() == "years of work"


def test_an_unreadable_stamp_counts_as_none(checkout: Checkout) -> None:
    checkout.venv.mkdir()
    for broken in (b"\xff\xfe", b"{", b"[]", b""):
        checkout.stamp.write_bytes(broken)
        assert read_stamp(checkout) == {}
        assert not is_ready(checkout, "requirements.lock")
    update_stamp(checkout, libraries=True)
    update_stamp(checkout, python="x")
    assert read_stamp(checkout) == {"libraries": True, "python": "x"}


def test_without_the_venv_module_the_next_step_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(environment.importlib.util, "find_spec", find_nothing)
    monkeypatch.setenv("PATH", "")  # no apt-get either
    with pytest.raises(SetupError, match=rf"sudo apt-get install python3\.{sys.version_info.minor}-venv"):
        prepare_alone(checkout)


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("WARNING: Retrying (...) NewConnectionError('<...>: [Errno -3] Temporary failure')", "error_network"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "error_disk"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "error_hash"),
        ("ERROR: No matching distribution found for PySide6==6.11.3", "error_no_wheel"),
        ("NewConnectionError(...)\nERROR: No matching distribution found for numpy", "error_network"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'", "error_rights"),
        ("something else", "error_pip"),
        ("", "error_pip"),
    ],
)
def test_the_cause_of_a_failed_install_is_recognised(output: str, key: str) -> None:
    failure = explain(f"Collecting x\n{output}\nand so on", Path("folder"))
    assert failure.key == key
    assert "Next step:" in str(failure) or "Nächster Schritt:" in str(failure)


def make_package(site: Path, name: str, *, with_installer: bool = True, size: int = 5) -> Path:
    info = site / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (site / f"{name}.py").write_text("x = 1")
    rows = [f"{name}.py,sha256=x,{size}", f"{name}.pyc,sha256=x,999", f"{name}-1.dist-info/RECORD,,"]
    if with_installer:
        rows.append(f"{name}-1.dist-info/INSTALLER,sha256=x,")
    (info / "RECORD").write_text("\n".join(rows))
    return info


def test_only_incomplete_packages_are_forgotten(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    whole = make_package(site, "whole")
    make_package(site, "killed", with_installer=False)
    make_package(site, "truncated", size=6)
    (make_package(site, "unreadable") / "RECORD").write_bytes(b"\xff\x00")
    (site / "~umpy").mkdir()
    assert forget_incomplete_packages(tmp_path) == [
        "killed-1.dist-info",
        "truncated-1.dist-info",
        "unreadable-1.dist-info",
        "~umpy",
    ]
    assert whole.is_dir()
    assert forget_incomplete_packages(tmp_path) == []


def test_nothing_to_repair_where_nothing_is(tmp_path: Path) -> None:
    assert forget_incomplete_packages(tmp_path / "missing") == []
