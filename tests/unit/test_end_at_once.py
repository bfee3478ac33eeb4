"""How a command's process ends: at once, with all it said, and never under a thread that still works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKING = """
import threading
begun, free = threading.Event(), threading.Event()
def work():
    begun.set(); free.wait(); print("worked")
threading.Thread(target=work).start()
begun.wait()
"""


def ended(before: str, after: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program that ends itself with code 3, between ``before`` and ``after``."""
    program = f"import sys\nfrom ai4artsed_desktop.__main__ import end_at_once\n{before}\nend_at_once(3)\n{after}"
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        # With buffers, or there would be nothing left to say at the end.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_everything_said_arrives_before_the_end(stream: str) -> None:
    done = ended(f"sys.{stream}.write('word ' * 100_000)", "print('never')")
    assert (done.returncode, getattr(done, stream)) == (3, "word " * 100_000)
    assert done.stdout + done.stderr == "word " * 100_000


def test_a_thread_that_still_works_is_waited_for() -> None:
    done = ended(WORKING, "print('returned'); free.set(); sys.exit(3)")
    assert (done.returncode, done.stdout) == (3, "returned\nworked\n"), done.stderr


def test_a_reader_that_went_away_is_no_error() -> None:
    done = ended("import os\nreader, writer = os.pipe()\nos.close(reader)\nos.dup2(writer, 1)\nprint('lost')")
    assert (done.returncode, done.stderr) == (3, "")
