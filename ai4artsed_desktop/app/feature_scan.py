"""Spares the window's start what PySide6 does for programs that are written in another style."""

from __future__ import annotations

import importlib
import sys


def stop_feature_scan() -> None:
    """Keep PySide6 from reading the source of every module that is imported after it.

    WORKAROUND PySide6 6.11: it looks there for ``PySide6``, to know where ``from __feature__ import snake_case`` may
    count, which nothing here uses; what it reads stays in ``linecache``: 16 MB, and 40 ms of a start. Remove when
    PySide6 no longer keeps it.
    """
    importlib.import_module("PySide6.QtCore")  # brings the scanner
    scanner = sys.modules.get("shibokensupport.feature")
    if scanner is not None and "_mod_uses_pyside" in vars(scanner):
        vars(scanner)["_mod_uses_pyside"] = _uses_no_feature


def _uses_no_feature(module: object) -> bool:
    del module
    return False
