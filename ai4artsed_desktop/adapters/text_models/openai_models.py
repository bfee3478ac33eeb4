"""From the model lists of OpenAI-compatible services to what the model picker shows. Opens no connection."""

from __future__ import annotations

import re
from typing import Any

from ai4artsed_desktop.adapters.text_models.foreign_json import items, table, whole
from ai4artsed_desktop.adapters.text_models.llama_files import TINY_BELOW_PARAMETERS
from ai4artsed_desktop.adapters.text_models.provider_presets import ProviderPreset
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo

#: A list that is longer is not read to its end; OpenRouter's had about 400 entries in 2026.
_MOST_MODELS = 5_000


def read_models(answer: object, preset: ProviderPreset, *, is_local: bool) -> list[TextModelInfo]:
    """Return the text models in the answer to ``GET /models``; entries of another shape are left out."""
    listed = items(table(answer).get("data"))[:_MOST_MODELS]
    infos = (_info(table(entry), preset, is_local) for entry in listed)
    return list({info.id: info for info in infos if info is not None}.values())


def _info(entry: dict[str, Any], preset: ProviderPreset, is_local: bool) -> TextModelInfo | None:
    model = entry.get("id")
    if not isinstance(model, str) or not model or not _writes_text(entry, preset, model):
        return None
    facts = table(entry.get("meta"))  # llama.cpp
    parameters = whole(facts.get("n_params"))
    is_tiny = parameters is not None and parameters < TINY_BELOW_PARAMETERS
    name = entry.get("name")
    return TextModelInfo(
        id=f"{preset.id}/{model}",
        name=name if isinstance(name, str) and name else model,
        provider=preset.id,
        grade=ModelGrade.TINY if is_tiny else ModelGrade.INSTRUCT,
        is_local=is_local,
        size_bytes=whole(facts.get("size")),
        parameters=parameters,
        context_tokens=_context(entry, facts) or preset.context_tokens,
        can_see=_sees(entry),
        is_loaded=entry["state"] == "loaded" if "state" in entry else None,  # LM Studio
    )


def _writes_text(entry: dict[str, Any], preset: ProviderPreset, model: str) -> bool:
    """Services list pictures, voices and embeddings beside their chat models; each tells it in its own way."""
    if preset.excluded_models and re.search(preset.excluded_models, model, re.IGNORECASE):
        return False
    capabilities = table(entry.get("capabilities"))  # Mistral
    if capabilities.get("completion_chat") is False:
        return False
    outputs = table(entry.get("architecture")).get("output_modalities")  # OpenRouter
    if isinstance(outputs, list):
        return "text" in outputs
    return "embed" not in str(entry.get("type") or model).lower()  # LM Studio says the type


def _sees(entry: dict[str, Any]) -> bool:
    inputs = table(entry.get("architecture")).get("input_modalities")
    if isinstance(inputs, list):
        return "image" in inputs
    return table(entry.get("capabilities")).get("vision") is True or entry.get("type") == "vlm"


def _context(entry: dict[str, Any], facts: dict[str, Any]) -> int | None:
    """OpenRouter, Mistral, vLLM and llama.cpp each have a name of their own for it; OpenAI does not tell."""
    named = ("context_length", "max_context_length", "max_model_len")
    return next((size for key in named if (size := whole(entry.get(key)))), None) or whole(
        facts.get("n_ctx") or facts.get("n_ctx_train")
    )
