"""Run one command of set-up: its output is read as it comes, its end is ours in every case."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TAIL_LINES = 40


@dataclass(frozen=True)
class Result:
    """How a command ended.

    Attributes:
        code: Its exit code.
        tail: The last lines it printed.
    """

    code: int
    tail: str


def run(
    command: Sequence[str | Path],
    *,
    on_line: Callable[[str], None] | None = None,
    keep_open: Sequence[int] = (),
    extra_env: Mapping[str, str] | None = None,
) -> Result:
    """Run a command to its end; if we are interrupted, so is it.

    Args:
        command: Program and arguments.
        on_line: Gets each line of output (stdout and stderr together) as it comes.
        keep_open: Descriptors that the command inherits (POSIX only; ignored on Windows).
        extra_env: Added to our own environment, which is passed on whole: the person's pip settings count.
    """
    inherited = () if os.name == "nt" else tuple(keep_open)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        pass_fds=inherited,
        env={**os.environ, **(extra_env or {})},
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                tail.append(line.rstrip())
                if on_line is not None:
                    on_line(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    return Result(process.returncode, "\n".join(tail))
