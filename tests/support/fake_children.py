"""Small misbehaving programs for the tests of child processes, and how to look at what is left of them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import psutil


def python(code: str, *arguments: str) -> list[str]:
    """Return the command line that runs ``code`` in a quick, unbuffered Python."""
    return [sys.executable, "-I", "-S", "-u", "-c", code, *arguments]


#: Ignores TERM, starts a grandchild that ignores it too, prints the grandchild's pid, then sleeps.
STUBBORN_PARENT = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('armed', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid)
time.sleep(600)
"""

#: Leaves a grandchild that ignores TERM and ends at TERM itself; prints the grandchild's pid.
POLITE_PARENT_OF_STUBBORN_CHILD = STUBBORN_PARENT.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ncode", "code")

#: Starts a grandchild in a session of its own, prints its pid, then sleeps.
PARENT_OF_STRAY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid)
time.sleep(600)
"""

SLEEPER = "import time; print('ready'); time.sleep(600)"

#: Writes nothing, so that it does not end by a broken pipe when nobody is there to read.
QUIET_SLEEPER = "import time; time.sleep(600)"


def is_alive(pid: int) -> bool:
    """Return whether the process runs (a zombie does not)."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(condition: Callable[[], bool], limit_s: float = 5.0) -> float:
    """Wait until ``condition`` holds; return how long it took, in seconds. Fails at the limit."""
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < limit_s, f"still not so after {limit_s} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - start_s
