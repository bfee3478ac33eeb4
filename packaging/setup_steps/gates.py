"""What ``test.py`` does: set up with the development tools, then run every gate and say of each how it went."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from setup_steps.environment import TEST_LOCK
from setup_steps.launch import program
from setup_steps.messages import say, text
from setup_steps.places import Checkout, this_checkout
from setup_steps.setup import set_up


@dataclass(frozen=True)
class Gate:
    """One check.

    Attributes:
        name: What the summary calls it.
        command: What runs, in the checkout's root.
    """

    name: str
    command: list[str]


@dataclass(frozen=True)
class Outcome:
    """How a gate ended: ``code`` 0 is good; ``seconds`` is the time it took."""

    name: str
    code: int
    seconds: float

    def line(self) -> str:
        """Return the one line of the summary."""
        return f"{'ok  ' if self.code == 0 else 'FAIL'}  {self.name}  ({self.seconds:.1f} s)"


class RunningGate:
    """A gate at work, its output kept in a file, so that no pipe can fill up."""

    def __init__(self, gate: Gate, checkout: Checkout) -> None:
        self._gate = gate
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in finish)
        self._start_s = time.monotonic()
        self._process = subprocess.Popen(
            gate.command,
            cwd=checkout.root,
            env=gate_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def finish(self) -> Outcome:
        """Wait for the end; print one line, and all it said if it failed."""
        try:
            code = self._process.wait()
        except BaseException:
            self._process.terminate()
            raise
        outcome = Outcome(self._gate.name, code, time.monotonic() - self._start_s)
        print(outcome.line(), flush=True)
        if code != 0:
            self._output.seek(0)
            print(self._output.read().decode("utf-8", "replace"), flush=True)
        self._output.close()
        return outcome


def run_gates(pytest_arguments: Sequence[str]) -> int:
    """Run every gate, even after one failed; the tests come last and show their own output.

    Returns:
        0 if all passed, else 1.
    """
    checkout = this_checkout()
    set_up(checkout, TEST_LOCK, thorough=False)
    # The type check takes longest and one core: it runs beside the short gates, and ends before the tests, which
    # measure times, begin.
    types = RunningGate(type_gate(checkout), checkout)
    outcomes = [RunningGate(gate, checkout).finish() for gate in short_gates(checkout)]
    outcomes.append(types.finish())
    outcomes.extend(_run_tests(checkout, arguments) for arguments in pytest_runs(pytest_arguments))
    return summarise(outcomes)


def pytest_runs(arguments: Sequence[str]) -> list[list[str]]:
    """Return the arguments of each run of pytest: what was asked for, or every folder of tests in a process of its own.

    Hundreds of windows, event loops and children in one process are no program that anybody runs: Qt's process-wide
    state of one folder's tests must not decide over another's.
    """
    return [list(arguments)] if arguments else [["tests/integration"], ["tests/unit"]]


def summarise(outcomes: Sequence[Outcome]) -> int:
    """Print one line per gate; return 0 if all passed, else 1."""
    failed = [outcome for outcome in outcomes if outcome.code != 0]
    print(text("gates_summary"))
    for outcome in outcomes:
        print("  " + outcome.line())
    say("gates_failed" if failed else "gates_passed", failed=len(failed), total=len(outcomes))
    return 1 if failed else 0


def short_gates(checkout: Checkout) -> list[Gate]:
    """Return the gates that take seconds, in order."""
    python = [str(checkout.python), "-P", "-m"]
    lint_imports = checkout.scripts / ("lint-imports.exe" if sys.platform == "win32" else "lint-imports")
    return [
        Gate("ruff format", [*python, "ruff", "format", "--check", "--output-format", "concise", "."]),
        Gate("ruff check", [*python, "ruff", "check", "--output-format", "concise", "."]),
        Gate("import contracts", [str(lint_imports)]),
        Gate("catalogue", [*program(checkout), "catalog", "check"]),
        Gate("self-check", [*program(checkout), "--self-check"]),
    ]


def type_gate(checkout: Checkout) -> Gate:
    """Return the type check."""
    return Gate("pyright", [str(checkout.python), "-P", "-m", "pyright"])


def gate_environment() -> dict[str, str]:
    """Return our environment with no window and no look for a newer pyright (its wheel brings all it needs)."""
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYTHONUTF8": "1"}


def _run_tests(checkout: Checkout, arguments: Sequence[str]) -> Outcome:
    """Run the tests; what they print is shown as it comes."""
    start_s = time.monotonic()
    sys.stdout.flush()
    command = [str(checkout.python), "-m", "pytest", *arguments]
    code = subprocess.call(command, cwd=checkout.root, env=gate_environment(), stdin=subprocess.DEVNULL)
    return Outcome(" ".join(["pytest", *arguments]), code, time.monotonic() - start_s)
