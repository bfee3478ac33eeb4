"""Set-up as a whole: what ``start.py`` and ``test.py`` do before their own work."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import cast

from setup_steps.environment import is_ready, prepare, read_stamp, update_stamp
from setup_steps.locking import exclusive
from setup_steps.loopback import ensure_loopback
from setup_steps.messages import SetupError, make_output_safe, say, text
from setup_steps.places import Checkout

_MODEL_RETRY_S = 24 * 60 * 60
_SYSTEM_CAUSES = {
    errno.ENOSPC: "error_disk",
    errno.EDQUOT: "error_disk",
    errno.EROFS: "error_rights",
    errno.EACCES: "error_rights",
    errno.EPERM: "error_rights",
}
_EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shell's convention


def set_up(checkout: Checkout, lock: str, *, thorough: bool) -> None:
    """Bring environment, system libraries and try-out model into place. Does nothing, fast, if they are.

    Args:
        checkout: Where.
        lock: The lock file whose packages are wanted.
        thorough: True looks at everything again and tries as long as pip tries by itself; False is an ordinary
            start: what was found complete is taken for complete.

    Raises:
        SetupError: With cause and next step.
    """
    if thorough or not is_ready(checkout, lock):
        _prepare_alone(checkout, lock, thorough=thorough)
    _ensure_libraries(checkout, thorough=thorough)
    ensure_loopback()
    _ensure_model(checkout, thorough=thorough)


def guarded(main: Callable[[], int]) -> int:
    """Run a script's work; every expected failure ends in sentences and an exit code, not in a traceback."""
    make_output_safe()
    signal.signal(signal.SIGTERM, _end)
    try:
        return main()
    except SetupError as failure:
        print(failure, file=sys.stderr, flush=True)
        return 1
    except OSError as failure:
        key = _SYSTEM_CAUSES.get(failure.errno or 0)
        if key is None:
            raise
        print(text(key, folder=failure.filename or os.curdir), file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return _EXIT_INTERRUPTED


def _end(signal_number: int, _frame: FrameType | None) -> None:
    """Leave through the ordinary way out, so that a running installer is ended too."""
    sys.exit(128 + signal_number)


def _prepare_alone(checkout: Checkout, lock: str, *, thorough: bool) -> None:
    with exclusive(checkout.lock_file, lambda: say("waiting")) as descriptor:
        if thorough or not is_ready(checkout, lock):  # again: another set-up may just have done it
            prepare(checkout, lock, descriptor)


def _ensure_libraries(checkout: Checkout, *, thorough: bool) -> None:
    if read_stamp(checkout).get("libraries") is True and not thorough:
        return
    from setup_steps.system_libraries import ensure_libraries

    if not ensure_libraries():
        raise SetupError("error_libraries")
    update_stamp(checkout, libraries=True)


def _ensure_model(checkout: Checkout, *, thorough: bool) -> None:
    """Fetch the model; after a failure an ordinary start tries again only after a day, and briefly."""
    from setup_steps.model import ensure_model, has_model, model_path

    path = model_path()
    # By folder: another account, or another AI4ARTSED_HOME, has tried nothing yet.
    tries: object = read_stamp(checkout).get("model_tries")
    tries_s: dict[str, float] = cast("dict[str, float]", tries) if isinstance(tries, dict) else {}
    first_time = str(path) not in tries_s
    if has_model(path) or not (thorough or first_time or time.time() - tries_s[str(path)] > _MODEL_RETRY_S):
        return
    ensure_model(checkout, patient=thorough or first_time)
    update_stamp(checkout, model_tries={**tries_s, str(path): time.time()})
