"""Where things lie: the checkout's own files, and the data folder of the program."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

APP_NAME = "ai4artsed-desktop"


@dataclass(frozen=True)
class Checkout:
    """One clone of the repository.

    Attributes:
        root: The folder that holds ``pyproject.toml``.
    """

    root: Path

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def scripts(self) -> Path:
        """The environment's folder of commands."""
        return self.venv / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.scripts / ("python.exe" if sys.platform == "win32" else "python")

    @property
    def stamp(self) -> Path:
        """What set-up has finished; without it, set-up runs."""
        return self.venv / "ai4artsed-setup.json"

    @property
    def lock_file(self) -> Path:
        """Held while set-up changes the environment; beside it, because set-up may delete the environment."""
        return self.root / ".venv.lock"


def this_checkout() -> Checkout:
    """Return the checkout that this file lies in."""
    return Checkout(Path(__file__).resolve().parents[2])


def data_folder() -> Path:
    """Return the program's data folder; it may not exist yet.

    The rule is the program's own (``adapters/paths.py``, platformdirs), written again because platformdirs is not
    installed when set-up starts; a test holds the two together.
    """
    override = os.environ.get("AI4ARTSED_HOME", "")
    if override:
        return Path(override).expanduser().absolute() / "data"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / APP_NAME
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / APP_NAME
    xdg = os.environ.get("XDG_DATA_HOME", "").strip()
    return (Path(xdg) if xdg else Path.home() / ".local" / "share") / APP_NAME
