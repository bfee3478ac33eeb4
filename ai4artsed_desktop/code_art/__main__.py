"""``python -m ai4artsed_desktop.code_art --libraries DIR``: one job in, files and one verdict out.

Reads one line of JSON (``RenderJob``) from standard input and prints one line of JSON (``RenderVerdict``) on standard
output; then the exit status is 0. Standard input must stay open meanwhile: its end means that nobody waits any more.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import re
import sys
import time
from pathlib import Path
from typing import TextIO

from ai4artsed_desktop.code_art.bundle import LIBRARY_FILES
from ai4artsed_desktop.code_art.environment import prepare_environment
from ai4artsed_desktop.code_art.parent import end_with_parent
from ai4artsed_desktop.domain.code_art import RenderFailure, RenderJob, RenderVerdict

_MISSING_LIBRARY = re.compile(r"^(?:DLL load failed while importing )?([^\s:]+)")


def main(arguments: list[str] | None = None) -> int:
    """Render the one job on standard input."""
    parser = argparse.ArgumentParser(prog="python -m ai4artsed_desktop.code_art")
    parser.add_argument("--libraries", type=Path, required=True, help="folder with the bundled p5.js and Tone.js")
    options = parser.parse_args(arguments)
    answer = _claim_stdout()
    job = RenderJob.model_validate_json(sys.stdin.buffer.readline())
    end_with_parent()
    verdict = _render(job, options.libraries)
    answer.write(verdict.model_dump_json() + "\n")
    answer.flush()
    return 0


def _claim_stdout() -> TextIO:
    """Return standard output for the verdict alone; whatever else Qt or Chromium print there goes to standard error."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answer


def _render(job: RenderJob, libraries_dir: Path) -> RenderVerdict:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    process_sandbox = prepare_environment(os.environ, is_root=is_root)
    if hasattr(time, "tzset"):
        time.tzset()
    try:
        library = libraries_dir / LIBRARY_FILES[job.framework]
        if not library.is_file():
            raise ImportError(f"{library.name}: not found in the resources folder")
        _require_platform_plugin()
        from ai4artsed_desktop.code_art.application import run_application
    except (ImportError, OSError) as error:
        return _missing(str(error), process_sandbox=process_sandbox)
    return run_application(job, libraries_dir, process_sandbox=process_sandbox)


def _require_platform_plugin() -> None:
    """Load Qt's offscreen plugin by hand: where one of its libraries is missing, Qt itself would abort the process.

    Raises:
        ImportError, OSError: The words begin with the missing library's name.
    """
    importlib.import_module("PySide6.QtGui")  # loads what the plugin itself builds on
    from PySide6.QtCore import QLibraryInfo

    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
    plugin = next((path for path in folder.glob("*qoffscreen*") if path.suffix in {".so", ".dll", ".dylib"}), None)
    if plugin is None:
        raise ImportError("qoffscreen: Qt's offscreen plugin is not installed")
    ctypes.CDLL(str(plugin))


def _missing(words: str, *, process_sandbox: bool) -> RenderVerdict:
    found = _MISSING_LIBRARY.match(words)
    return RenderVerdict(
        ok=False,
        failure=RenderFailure.RENDERER_MISSING,
        message=words,
        advice="code_art.advice.renderer_missing",
        advice_params={"library": found.group(1) if found else words},
        process_sandbox=process_sandbox,
    )


if __name__ == "__main__":
    raise SystemExit(main())
