"""What ``start.py`` does: set up, then start the program, or run the main job where no window can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from setup_steps.environment import RUN_LOCK
from setup_steps.messages import say
from setup_steps.places import Checkout, this_checkout
from setup_steps.setup import set_up

# (interception, idea): one rule-based interception, one by the embedded language model.
_DEMO = (("procedure_cut_up", "Ein roter Apfel auf einem Tisch"), ("dada", "A red apple on a table"))
_DEMO_OUTPUTS = ("sketchbook_p5js", "sketchbook_tonejs")


def start(arguments: Sequence[str]) -> int:
    """Set up and start. Does not return on POSIX when the program takes over.

    Args:
        arguments: ``--setup-only`` first, or what the program gets.

    Returns:
        The exit code.
    """
    # File names, arguments and texts with umlauts, whatever the locale; children of the program inherit it.
    os.environ.setdefault("PYTHONUTF8", "1")
    checkout = this_checkout()
    setup_only = list(arguments[:1]) == ["--setup-only"]
    set_up(checkout, RUN_LOCK, thorough=setup_only)
    if setup_only:
        say("ready")
        return 0
    if not arguments and not has_display():
        say("no_display")
        return run_demo(checkout)
    return _hand_over(checkout, arguments)


def has_display() -> bool:
    """Say whether a window can be seen. Platforms that draw without X11 and Wayland count if the person names one."""
    if not sys.platform.startswith("linux"):
        return True
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if platform:
        return platform not in {"offscreen", "minimal"}
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def program(checkout: Checkout) -> list[str]:
    """Return the command that starts the program. ``-P``: a file of the current folder never shadows a module."""
    return [str(checkout.python), "-P", "-m", "ai4artsed_desktop"]


def _hand_over(checkout: Checkout, arguments: Sequence[str]) -> int:
    command = [*program(checkout), *arguments]
    if sys.platform != "win32":
        sys.stdout.flush()
        os.execv(command[0], command)
    # exec on Windows returns to the shell at once while the program still runs.
    return subprocess.call(command)


def run_demo(checkout: Checkout) -> int:
    """Run the main job twice, by a procedure and by the language model; return 0 if both went well."""
    return max([_run_once(checkout, interception, idea) for interception, idea in _DEMO])


def _run_once(checkout: Checkout, interception: str, idea: str) -> int:
    """Run the main job once; print the text and where picture and sound lie."""
    outputs = [part for output in _DEMO_OUTPUTS for part in ("--output", output)]
    say("demo_idea", idea=idea, interception=interception)
    done = subprocess.run(
        [*program(checkout), "run", "--interception", interception, *outputs, "--json", idea],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        say("demo_failed", code=done.returncode)
        return 1
    try:
        _show_run(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError, IndexError) as failure:
        say("demo_no_json", detail=repr(failure))
        return 1
    return 0


def _show_run(run: dict[str, Any]) -> None:
    """Print the last stage's text and each medium; the shape is that of ``ai4artsed run --json``."""
    texts = [stage["text"] for stage in run["stages"] if stage.get("text")]
    say("demo_text", text=texts[-1].replace("\n", "\n" + " " * 9))  # the width of the label before it
    for medium in run["media"]:
        say("demo_medium", mime=medium["mime"], path=medium["path"])
