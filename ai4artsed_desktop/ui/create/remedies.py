"""What helps against which error: the buttons of its card."""

from __future__ import annotations

from dataclasses import dataclass

from ai4artsed_desktop.domain.errors import ErrorInfo


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

#: By the beginning of the error's code; the longest beginning wins.
_REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "error.input": (_IDEA,),
    "error.input.image_missing": (Remedy("images.add", "add_picture"), _OUTPUT),
    "error.input.image_unwanted": (_OUTPUT,),
    "error.input.image_file": (Remedy("images.add", "add_picture"),),
    "error.lora": (Remedy("lora.add", "add_lora"), _OUTPUT),
    "error.input.language": (_PROCEDURE, _MODELS),
    "error.input.no_rules": (_RULES, _PROCEDURE),
    "error.input.parameter": (Remedy("remedy.parameters", "parameters"),),
    "error.input.unknown_parameter": (Remedy("remedy.parameters", "parameters"),),
    "error.catalog": (_PROCEDURE, _OUTPUT),
    "error.catalog.not_runnable": (_PROCEDURE, _MODELS),
    "error.model": (_RETRY, _MODELS),
    "error.model.load": (_FREE, _MODELS),
    "error.model.missing": (_MODELS, _PROCEDURE),
    "error.model.context": (_IDEA, _MODELS),
    "error.model.no_usable_answer": (_NEW_SEED, _PROCEDURE),
    "error.backend": (_RETRY, _OUTPUT),
    "error.code_art": (_CODE, _NEW_SEED),
    "error.code_art.renderer_missing": (_OUTPUT,),
    "error.storage": (_RETRY,),
    "error.local_only": (_MODELS, _SETTINGS),
    "error.safety.unavailable": (_IDEA, _SETTINGS),
    "error.safety.person_named": (_IDEA, Remedy("remedy.send_names", "send_names")),
    "error.safety.blocked": (_IDEA,),
}


def remedies_for(error: ErrorInfo) -> tuple[Remedy, ...]:
    """Return one or two ways on; trying again where nothing better is known."""
    fitting = [code for code in _REMEDIES if error.code == code or error.code.startswith(code + ".")]
    return _REMEDIES[max(fitting, key=len)] if fitting else (_RETRY,)
