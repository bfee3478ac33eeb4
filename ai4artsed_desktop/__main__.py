"""The ``ai4artsed`` command: no argument opens the window, anything else is the command line."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--child"]:
        return _run_child(arguments[1], arguments[2:])
    if not arguments:
        prepare_start()
        from ai4artsed_desktop.app.main import run_window

        return run_window()
    is_collecting = gc.isenabled()
    prepare_start()
    from ai4artsed_desktop.headless.cli import run_command

    if is_collecting:
        # What is imported stays until the end: to look through it again and again cost a run a fifth of its time.
        gc.freeze()
        gc.enable()
    code = run_command(arguments)
    if argv is None:
        end_at_once(code)
    return code


def prepare_start() -> None:
    """Spare the start what only costs time there; call it before anything else is imported.

    Importing and building a window make much and free nothing: the garbage collector looks in vain (later the
    session's Collector does its work). And no package here is a plugin of pydantic, so that none has to be looked for.
    """
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def end_at_once(code: int) -> None:
    """End the process after a command, unless a thread still works.

    Python would first take its modules apart one by one, which costs a short command a twelfth of its time. All that
    a command opened is closed by now: the engine, its children and connections, the log.
    """
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return
    with contextlib.suppress(OSError, ValueError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _run_child(name: str, arguments: list[str]) -> int:
    """Run one of our helper programs: a frozen bundle has no ``python -m``."""
    import runpy

    from ai4artsed_desktop.adapters.process.launch import CHILD_MODULES

    sys.argv = [CHILD_MODULES[name], *arguments]
    runpy.run_module(CHILD_MODULES[name], run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
