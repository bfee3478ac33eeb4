"""Refuse a Python that is too old. This file must be readable by old Pythons too: no new syntax here."""

import os
import shutil
import sys

OLDEST = (3, 11)
_NEWER_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")


def require_python() -> None:
    """Return if this Python is new enough; else go on with a newer one if there is one, or end with the next step."""
    if sys.version_info >= OLDEST:
        return
    for name in _NEWER_NAMES:
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer] + sys.argv)  # noqa: RUF005 (old syntax on purpose)
    wanted = ".".join(str(part) for part in OLDEST)
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(
        "AI4ArtsEd Desktop needs Python %s or newer; this is Python %s (%s).\n"  # noqa: UP031 (old syntax on purpose)
        "Next step: install a newer Python (python.org, your package manager), then start again with it.\n"
        "AI4ArtsEd Desktop braucht Python %s oder neuer. Nächster Schritt: neueres Python installieren."
        % (wanted, found, sys.executable, wanted)
    )
