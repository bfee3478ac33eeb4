"""Set up AI4ArtsEd Desktop for development and run every gate: ``python3 packaging/test.py [pytest arguments]``."""

import sys

from setup_steps.python_version import require_python


def main() -> int:
    """Run with the command line's arguments and return the exit code."""
    from setup_steps.gates import run_gates

    return run_gates(sys.argv[1:])


if __name__ == "__main__":
    require_python()
    from setup_steps.setup import guarded

    sys.exit(guarded(main))
