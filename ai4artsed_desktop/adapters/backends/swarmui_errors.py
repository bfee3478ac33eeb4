"""What SwarmUI's refusals and failures mean for a person: its answers → AppErrors.

Source: SwarmUI 0.9.8.2, read from its source; see the words below. HTTP 200 is no success there: an answer with
``error`` or ``error_id`` is a failure, whatever its status.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_object, as_text
from ai4artsed_desktop.adapters.backends.comfyui_refusals import failure, refusal
from ai4artsed_desktop.domain.backend_errors import (
    AllBusyError,
    GenerationRefusedError,
    JobInterruptedError,
    ModelFileMissingError,
    NotAllowedError,
    NoWorkerError,
)
from ai4artsed_desktop.domain.errors import BackendError

#: The one failure that is cured by a new session.
SESSION_UNKNOWN = "invalid_session_id"
_NOT_ALLOWED = {"bad_permissions", "unauthorized", "invalid_login", "invalid_user", "ratelimit"}
#: Before the words of ComfyUI itself: an ``execution_error``'s message, or the JSON of a refused prompt.
_EXECUTION, _REFUSAL = "ComfyUI execution error:", "ComfyUI errored:"
_NO_MODEL = re.compile(r"(?:model|lora)\b.*\bnot found|invalid model|no model .*\bgiven|model .*does not exist", re.I)
_LONGEST_WORDS = 300


def is_failure(answer: JsonObject) -> bool:
    """Tell whether an answer, of whatever status, is a failure."""
    return "error" in answer or "error_id" in answer


def swarm_error(answer: JsonObject, backend: str, model: str = "") -> BackendError:
    """Return the error that a failed answer means; ``model`` is the file that was asked for."""
    words, error_id = as_text(answer.get("error")).strip(), as_text(answer.get("error_id"))
    detail = f"{error_id}: {words}" if error_id else words
    if error_id in _NOT_ALLOWED or words.startswith(("Invalid or unauthorized", "Permission denied", "You lack perm")):
        return NotAllowedError(detail, backend=backend)
    if words.startswith(_EXECUTION):
        return failure({"exception_message": words.removeprefix(_EXECUTION).strip()}, {}, backend)
    if words.startswith(_REFUSAL):
        return _refusal(words.removeprefix(_REFUSAL).strip(), backend)
    for start, error in _KNOWN.items():
        if words.startswith(start):
            return error(words, backend)
    if model and _NO_MODEL.search(words):
        return ModelFileMissingError(detail, backend=backend, node="SwarmUI", input="model", file=model)
    shown = words or error_id or "–"
    return GenerationRefusedError(detail or json.dumps(dict(answer))[:2000], backend=backend, words=_short(shown))


def _refusal(text: str, backend: str) -> BackendError:
    """Return what ComfyUI's own refusal means, which SwarmUI passes on as indented JSON."""
    try:
        return refusal(as_object(json.loads(text)), {}, backend)
    except (ValueError, RecursionError):
        return GenerationRefusedError(text, backend=backend, words=_short(text))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_WORDS else text[:_LONGEST_WORDS] + " …"


_KNOWN: dict[str, Callable[[str, str], BackendError]] = {
    "No backends match": lambda words, backend: GenerationRefusedError(words, backend=backend, words=_short(words)),
    "No backends available": lambda words, backend: NoWorkerError(words, backend=backend, state="empty"),
    "No ComfyUI backend available": lambda words, backend: NoWorkerError(words, backend=backend, state="empty"),
    "Timeout! All backends": lambda words, backend: AllBusyError(words, backend=backend),
    "Generation session interrupted": lambda words, backend: JobInterruptedError(words, backend=backend),
}
