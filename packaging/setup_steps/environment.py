"""The Python environment: made once, checked cheaply, repaired when it was left half-made."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, cast

from setup_steps.commands import run
from setup_steps.messages import SetupError, say
from setup_steps.places import Checkout
from setup_steps.repair import forget_incomplete_packages, site_folders

_LONGEST_DETAIL = 300  # characters

RUN_LOCK = "requirements.lock"
TEST_LOCK = "requirements-dev.lock"

# Words of pip and of the system, and what they mean. The first hit wins.
_CAUSES = (
    ("error_disk", ("No space left on device", "[Errno 28]", "not enough space on the disk")),
    ("error_hash", ("DO NOT MATCH THE HASHES",)),
    (
        "error_network",
        (
            "NewConnectionError",
            "NameResolutionError",
            "ConnectTimeoutError",
            "ReadTimeoutError",
            "ProxyError",
            "SSLError",
            "ConnectionResetError",
            "Network is unreachable",
            "Connection refused",
            "IncompleteRead",
        ),
    ),
    ("error_no_wheel", ("No matching distribution found",)),
    ("error_rights", ("Permission denied", "[Errno 13]", "Read-only file system", "[Errno 30]")),
)


def is_ready(checkout: Checkout, lock: str) -> bool:
    """Say whether nothing has to be installed. Cheap: reads three small files and starts no process."""
    stamp = read_stamp(checkout)
    return (
        stamp.get(lock) == _key(checkout, lock)
        and checkout.python.exists()  # follows the link: False once the system's Python is gone
        and stamp.get("python") == os.path.realpath(checkout.python)
    )


def prepare(checkout: Checkout, lock: str, lock_descriptor: int) -> None:
    """Make or complete the environment so that it holds what ``lock`` names and the program itself.

    Args:
        checkout: Where.
        lock: ``RUN_LOCK`` or ``TEST_LOCK``.
        lock_descriptor: The held set-up lock; installers inherit it.

    Raises:
        SetupError: With cause and next step.
    """
    if not _works(checkout):
        _make(checkout)
    forget_incomplete_packages(checkout.venv)
    say("packages")
    _install(checkout, lock_descriptor, "--require-hashes", "-r", checkout.root / lock)
    say("editable")
    # Everything the build needs is in the lock, so this step opens no connection.
    _install(checkout, lock_descriptor, "--no-build-isolation", "-e", checkout.root)
    _make_path_relative(checkout)
    # The development lock holds all of the program's lock (a test says so).
    done = (RUN_LOCK, TEST_LOCK) if lock == TEST_LOCK else (lock,)
    keys = {name: _key(checkout, name) for name in done}
    update_stamp(checkout, **keys, python=os.path.realpath(checkout.python))


def read_stamp(checkout: Checkout) -> dict[str, Any]:
    """Return what set-up has finished; empty if nothing, or if the file is unreadable."""
    try:
        found: object = json.loads(checkout.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def update_stamp(checkout: Checkout, **values: object) -> None:
    """Add to what set-up has finished, in one step: a reader sees the old file or the new one."""
    part = checkout.stamp.with_suffix(".part")
    part.write_text(json.dumps({**read_stamp(checkout), **values}, indent=2), encoding="utf-8")
    part.replace(checkout.stamp)


def _key(checkout: Checkout, lock: str) -> str:
    """Return a digest of all that decides what is installed; the root, because the environment holds its path."""
    digest = hashlib.sha256(os.fsencode(checkout.root))
    for name in (lock, "pyproject.toml"):
        digest.update((checkout.root / name).read_bytes())
    return digest.hexdigest()


def _works(checkout: Checkout) -> bool:
    """Say whether the environment can run pip; a half-made one, or one whose Python went away, cannot.

    The prefix counts: without its ``pyvenv.cfg`` an environment's Python is the system's, and pip would install there.
    """
    if not checkout.python.exists():
        return False
    probe = "import os, pip, sys; sys.exit(sys.version_info < (3, 11) or not os.path.samefile(sys.prefix, sys.argv[1]))"
    try:
        return run([checkout.python, "-I", "-c", probe, checkout.venv]).code == 0
    except OSError:
        return False


def _make(checkout: Checkout) -> None:
    _require_venv_module()
    venv = checkout.venv
    if venv.is_symlink() or (venv.exists() and not _is_ours(venv)):
        raise SetupError("error_venv_foreign", folder=venv)
    if venv.exists():
        say("venv_again")
        shutil.rmtree(venv)
    else:
        say("venv")
    # The interpreter below an environment: ours may lie in the very folder that was just deleted.
    python = getattr(sys, "_base_executable", None) or sys.executable
    result = run([python, "-I", "-m", "venv", venv])
    if result.code != 0:
        raise explain(result.tail, checkout.root, otherwise="error_venv")


def _is_ours(venv: Path) -> bool:
    """Say whether a folder is an environment, finished or not, so that it may be deleted and made again."""
    names = {entry.name.lower() for entry in venv.iterdir()}
    return "pyvenv.cfg" in names or names <= {"bin", "scripts", "include", "lib", "lib64"}


def _require_venv_module() -> None:
    """Make sure that ``python -m venv`` can bring pip; Debian and Ubuntu keep that in a package of its own."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    from setup_steps.system_libraries import apt_install, may_use_apt

    package = f"python3.{sys.version_info.minor}-venv"
    if may_use_apt() and apt_install([package]) and _venv_module_arrived():
        return
    raise SetupError("error_no_venv_module", command=f"sudo apt-get install {package}")


def _venv_module_arrived() -> bool:
    return run([sys.executable, "-I", "-c", "import venv, ensurepip"]).code == 0


def _install(checkout: Checkout, lock_descriptor: int, *arguments: str | Path) -> None:
    """Run ``pip install`` with the person's own pip settings; turn a failure into cause and next step."""
    options = ["--no-deps", "--progress-bar", "off", "--disable-pip-version-check"]
    result = run(
        [checkout.python, "-I", "-m", "pip", "install", *options, *arguments],
        on_line=_show,
        keep_open=[lock_descriptor],
        # "user = true" in a pip.conf makes every install into an environment fail; outside of it nothing is touched.
        extra_env={"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "1"},
    )
    if result.code != 0:
        raise explain(result.tail, checkout.root)


def _make_path_relative(checkout: Checkout) -> None:
    """Write the path file that leads to the checkout relative to its own place.

    WORKAROUND Python 3.11 and 3.12 decode path files with the locale's encoding even in UTF-8 mode: an umlaut in the
    checkout's path ends every start in an ASCII locale and leads nowhere on Windows. A relative path is always ASCII.
    Remove when the oldest Python reads path files as UTF-8 (3.13 does).
    """
    for site in site_folders(checkout.venv):
        for path_file in site.glob("*ai4artsed_desktop*.pth"):
            path_file.write_text(os.path.relpath(checkout.root, site) + "\n", encoding="ascii")


def _show(line: str) -> None:
    """Let through the lines of pip that show progress, shortened to package and size."""
    words = line.split()
    if words[:1] == ["Downloading"] and len(words) > 1 and not words[1].endswith(".metadata"):
        print("  " + " ".join([words[1].rsplit("/", 1)[-1], *words[2:]]), flush=True)


def explain(output: str, folder: Path, *, otherwise: str = "error_pip") -> SetupError:
    """Return what to say about a failed installer.

    Args:
        output: The last lines that it printed. Of a known cause the telling one is passed on, else all.
        folder: Where it worked.
        otherwise: Key of the text for an unknown cause.
    """
    lines = output.splitlines()
    for key, signs in _CAUSES:
        telling = [line for line in lines if any(sign in line for sign in signs)]
        if telling:
            return SetupError(key, folder=folder, detail=telling[-1][:_LONGEST_DETAIL])
    return SetupError(otherwise, folder=folder, detail=output)
