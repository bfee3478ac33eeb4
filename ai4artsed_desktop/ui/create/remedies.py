"""What helps against which error: the buttons of its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ai4artsed_desktop.domain.errors import ErrorInfo, NotRunnableError
from ai4artsed_desktop.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Remedy:
    """One button: ``key`` is its words, ``action`` the id of a window action."""

    key: str
    action: str


_RETRY = Remedy("remedy.retry", "again")
_NEW_SEED = Remedy("remedy.new_seed", "new_seed")
_MODELS = Remedy("remedy.models", "models")
_PROCEDURE = Remedy("remedy.procedure", "pick_interception")
_OUTPUT = Remedy("remedy.output", "pick_output")
_SETTINGS = Remedy("remedy.settings", "settings")
_FREE = Remedy("remedy.free_memory", "free_memory")
_IDEA = Remedy("remedy.idea", "idea")
_RULES = Remedy("remedy.rules", "rules")
_CODE = Remedy("remedy.code", "code")
_MEDIA = Remedy("remedy.media_models", "media_models")
_SERVICES = Remedy("remedy.services", "services")
_KEYS = Remedy("remedy.keys", "keys")
_VALUES = Remedy("remedy.parameters", "parameters")
_SMALLER = Remedy("remedy.smaller", "smaller")

#: By the beginning of the error's code; the longest beginning wins.
_REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "error.input": (_IDEA,),
    "error.input.image_missing": (Remedy("images.add", "add_picture"), _OUTPUT),
    "error.input.image_unwanted": (_OUTPUT,),
    "error.input.image_file": (Remedy("images.add", "add_picture"),),
    "error.lora": (Remedy("remedy.without_lora", "without_lora"), Remedy("lora.add", "add_lora")),
    "error.lora.family": (Remedy("remedy.without_lora", "without_lora"), _OUTPUT),
    "error.input.language": (_PROCEDURE, _MODELS),
    "error.input.no_rules": (_RULES, _PROCEDURE),
    "error.input.parameter": (_VALUES,),
    "error.input.unknown_parameter": (_VALUES,),
    "error.catalog": (_PROCEDURE, _OUTPUT),
    "error.catalog.not_runnable": (_PROCEDURE, _MODELS),
    "error.model": (_RETRY, _MODELS),
    "error.model.load": (_FREE, _MODELS),
    "error.model.missing": (_MODELS, _PROCEDURE),
    "error.model.context": (_IDEA, _MODELS),
    "error.model.no_usable_answer": (_NEW_SEED, _PROCEDURE),
    "error.backend": (_RETRY, _OUTPUT),
    "error.backend.model_file_missing": (_MEDIA, _OUTPUT),
    "error.backend.node_missing": (_OUTPUT, _SERVICES),
    "error.backend.value_refused": (_VALUES, _OUTPUT),
    "error.backend.medium_gone": (_NEW_SEED, _OUTPUT),
    "error.backend.medium_too_large": (_VALUES, _OUTPUT),
    "error.backend.out_of_memory": (Remedy("remedy.free_and_retry", "free_and_retry"), _SMALLER),
    "error.backend.stopped": (_RETRY, _SERVICES),
    "error.backend.stuck": (_RETRY, _SERVICES),
    "error.backend.session_lost": (_RETRY, _SERVICES),
    "error.backend.no_worker": (_RETRY, _SERVICES),
    "error.backend.unavailable": (_SERVICES, _OUTPUT),
    "error.service": (_SERVICES, _OUTPUT),
    "error.provider": (_RETRY, _OUTPUT),
    "error.provider.key": (_KEYS, _OUTPUT),
    "error.provider.refused": (_IDEA, _OUTPUT),
    "error.vram": (Remedy("remedy.free_and_retry", "free_and_retry"), _OUTPUT),
    "error.code_art": (_CODE, _NEW_SEED),
    "error.code_art.renderer_missing": (_OUTPUT,),
    "error.storage": (_RETRY,),
    "error.local_only": (_MODELS, _SETTINGS),
    "error.safety.unavailable": (_IDEA, _SETTINGS),
    "error.safety.person_named": (_IDEA, Remedy("remedy.send_names", "send_names")),
    "error.safety.blocked": (_IDEA,),
}


_LACKS_TEXT_MODEL = (_PROCEDURE, _MODELS)
#: What helps against the reason for which an entry cannot run here; the longest beginning wins.
_BY_REASON: dict[str, tuple[Remedy, ...]] = {
    "reason.backend_missing": (_OUTPUT,),
    "reason.chain_needs_model": _LACKS_TEXT_MODEL,
    "reason.comfyui_no_files": (_MEDIA, _OUTPUT),
    "reason.comfyui_not_local": (_OUTPUT, _SETTINGS),
    "reason.comfyui_not_reachable": (_SERVICES, _OUTPUT),
    "reason.foreign_python": (_OUTPUT, _SETTINGS),
    "reason.key_missing": (_KEYS, _OUTPUT),
    "reason.key_unreadable": (_KEYS, _OUTPUT),
    "reason.local_only": (_OUTPUT, _SETTINGS),
    "reason.model_missing": _LACKS_TEXT_MODEL,
    "reason.no_model": _LACKS_TEXT_MODEL,
    "reason.no_step": (_OUTPUT,),
    "reason.no_vision_model": (_MODELS, _OUTPUT),
    "reason.provider_key": (_KEYS, _OUTPUT),
    "reason.provider_unreachable": (_RETRY, _OUTPUT),
    "reason.renderer_missing": (_OUTPUT,),
    "reason.swarmui": (_SERVICES, _OUTPUT),
    "reason.swarmui_not_local": (_OUTPUT, _SETTINGS),
    "reason.tiny_model": _LACKS_TEXT_MODEL,
}


#: Actions that lead to where something can be had or mended.
_PLACES = frozenset(remedy.action for remedy in (_MODELS, _MEDIA, _SERVICES, _KEYS))


def remedies_for(error: ErrorInfo) -> tuple[Remedy, ...]:
    """Return one or two ways on; trying again where nothing better is known."""
    by_reason = _longest(_BY_REASON, error.params.get("reason", "")) if error.code == NotRunnableError.code else None
    return by_reason or _longest(_REMEDIES, error.code) or (_RETRY,)


def remedy_for(problem: Reason) -> Remedy | None:
    """Return where what a picker's card lacks can be had; None if nowhere in this window."""
    known = _longest(_BY_REASON, problem.key) or ()
    return next((remedy for remedy in known if remedy.action in _PLACES), None)


def _longest(table: Mapping[str, tuple[Remedy, ...]], code: str) -> tuple[Remedy, ...] | None:
    fitting = [start for start in table if code == start or code.startswith((f"{start}.", f"{start}_"))]
    return table[max(fitting, key=len)] if fitting else None
