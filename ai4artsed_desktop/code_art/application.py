"""The renderer's Qt application: one loop, one job, one verdict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import qasync
from PySide6.QtWidgets import QApplication

from ai4artsed_desktop.code_art.page import register_scheme
from ai4artsed_desktop.code_art.render import render
from ai4artsed_desktop.domain.code_art import RenderJob, RenderVerdict


def run_application(job: RenderJob, libraries_dir: Path, *, process_sandbox: bool) -> RenderVerdict:
    """Start Qt, render the job and return its verdict."""
    register_scheme()
    application = QApplication(sys.argv[:1])
    application.setQuitOnLastWindowClosed(False)
    # Exactly one run: a second one after QtWebEngine existed crashes at the end.
    loop = qasync.QEventLoop(application)
    with loop:
        work = render(job, libraries_dir, process_sandbox=process_sandbox)
        return cast("RenderVerdict", loop.run_until_complete(work))
