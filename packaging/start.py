"""Set up AI4ArtsEd Desktop in this checkout and start it: ``python3 packaging/start.py [--setup-only] [arguments]``.

Needs nothing but Python 3.11 or newer. The first start installs everything into ``.venv``; later ones start at once.
Without a display the main job runs on the command line. Arguments go to the program (``ai4artsed --help`` lists them).
"""

import sys

from setup_steps.python_version import require_python


def main() -> int:
    """Run with the command line's arguments and return the exit code."""
    from setup_steps.launch import start

    return start(sys.argv[1:])


if __name__ == "__main__":
    require_python()
    from setup_steps.setup import guarded

    sys.exit(guarded(main))
