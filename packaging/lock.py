"""Renew both lock files from ``pyproject.toml``: ``python3 packaging/lock.py [options of uv, such as --upgrade]``.

Needs uv. The lock files hold versions and digests for every platform and no address: each person's own package index
serves them.
"""

import subprocess
import sys
from pathlib import Path

LOCKS = {"requirements.lock": "build", "requirements-dev.lock": "dev"}


def lock_command(lock: str, options: list[str]) -> list[str]:
    """Return the command that makes one lock file."""
    fixed = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"]
    return ["uv", "pip", "compile", *fixed, *options, "pyproject.toml", "--group", LOCKS[lock], "-o", lock]


def main() -> int:
    """Make both files; return the first exit code that is not 0."""
    root = Path(__file__).resolve().parents[1]
    for lock in LOCKS:
        code = subprocess.call(lock_command(lock, sys.argv[1:]), cwd=root, stdout=subprocess.DEVNULL)
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
