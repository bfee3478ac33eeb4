"""Where everything lies: the one module that knows.

Shipped files lie beside the package in a checkout and inside it once installed. A person's files follow the platform's
rules; ``AI4ARTSED_HOME`` puts all of them into one folder (a USB stick, a test).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

#: Name of the program's folders, and of the environment variable that overrides them all.
APP_NAME = "ai4artsed-desktop"
HOME_VARIABLE = "AI4ARTSED_HOME"

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class AppPaths:
    """The program's folders. Nothing is made before it is needed."""

    config: Path
    data: Path
    cache: Path
    logs: Path
    shipped: Path

    @property
    def runs(self) -> Path:
        """Run folders, one per run, grouped by date."""
        return self.data / "runs"

    @property
    def run_index(self) -> Path:
        """The SQLite index over the run folders; may be deleted at any time."""
        return self.data / "runs.sqlite"

    @property
    def models(self) -> Path:
        """GGUF files of the built-in text models."""
        return self.data / "models"

    @property
    def user_catalog(self) -> Path:
        """The person's own ``configs/`` and ``chunks/``; they overlay the shipped ones."""
        return self.data / "catalog"

    @property
    def settings_file(self) -> Path:
        """The settings."""
        return self.config / "settings.json"

    @property
    def window_file(self) -> Path:
        """How the window was left."""
        return self.config / "window.json"

    @property
    def log_file(self) -> Path:
        """The rotating log."""
        return self.logs / "ai4artsed.log"

    @property
    def process_ledger(self) -> Path:
        """Child processes that run or were left by a crash."""
        return self.cache / "processes.json"

    @property
    def resources(self) -> Path:
        """Shipped icons, languages, word lists, p5.js and Tone.js."""
        return self.shipped / "resources"

    @property
    def vendor(self) -> Path:
        """Bundled p5.js and Tone.js."""
        return self.resources / "vendor"


def find_paths(environment: Mapping[str, str] | None = None) -> AppPaths:
    """Return the folders in force; ``environment`` None = the process's own."""
    home = (os.environ if environment is None else environment).get(HOME_VARIABLE, "")
    if home:
        base = Path(home).expanduser().absolute()
        return AppPaths(base / "config", base / "data", base / "cache", base / "logs", find_shipped())
    dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
    return AppPaths(
        dirs.user_config_path, dirs.user_data_path, dirs.user_cache_path, dirs.user_log_path, find_shipped()
    )


def find_shipped() -> Path:
    """Return the folder that holds ``configs/``, ``chunks/`` and ``resources/``."""
    installed = _PACKAGE / "_shipped"
    return installed if installed.is_dir() else _PACKAGE.parent
