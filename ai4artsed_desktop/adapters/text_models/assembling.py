"""Puts the text models' adapters together: those inside the program, Ollama's, and those of every service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.secrets import Secrets
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.adapters.text_models.ollama import Ollama, StateCallback
from ai4artsed_desktop.adapters.text_models.ollama_address import ollama_address
from ai4artsed_desktop.adapters.text_models.ollama_library import OllamaLibrary
from ai4artsed_desktop.adapters.text_models.openai_compatible import OpenAICompatible
from ai4artsed_desktop.adapters.text_models.provider_presets import ProviderPreset, read_provider_presets
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.model_presets import ModelPresets
from ai4artsed_desktop.engine.model_services import ModelService
from ai4artsed_desktop.engine.ports import TextModelProvider


@dataclass(frozen=True, slots=True)
class TextModelParts:
    """What the engine's world gets of it.

    Attributes:
        providers: In order of their start; ``built_in`` first.
        ollama: One of them; the VRAM arbiter and the supervisor talk to it too.
        library: Downloads, imports and copies of Ollama's models.
        services: What the person reads about the other providers.
        secrets: Their keys.
    """

    providers: Sequence[TextModelProvider]
    ollama: Ollama
    library: OllamaLibrary
    services: tuple[ModelService, ...]
    secrets: Secrets

    def follow(self, settings: Settings) -> None:
        """Let changed settings reach what was built with the old ones."""
        self.ollama.configure(address=ollama_address(settings.ollama_address), keep_alive_s=settings.model_idle_s)
        self.ollama.pin(frozenset(settings.vram_pinned))


def make_text_models(
    built_in: BuiltInModels,
    resources: Path,
    key_file: Path,
    now: Settings,
    settings: Callable[[], Settings],
    guard: NetworkGuard,
    on_state: StateCallback,
) -> TextModelParts:
    """Build all providers. Nothing is connected before it is asked.

    Args:
        now: The settings to begin with.
        settings: Returns those in force, later.
        key_file: Where keys are kept on a machine without a keyring.
    """
    ollama = Ollama(ollama_address(now.ollama_address), guard, keep_alive_s=now.model_idle_s, on_state=on_state)
    ollama.pin(frozenset(now.vram_pinned))
    secrets = Secrets(key_file)
    presets = read_provider_presets(resources / "providers")
    served = [
        OpenAICompatible(preset, partial(address_of, preset, settings), secrets, guard)
        for preset in presets
        if preset.has_text_models
    ]
    return TextModelParts(
        providers=(built_in, ollama, *served),
        ollama=ollama,
        library=OllamaLibrary(lambda: ollama.address, guard),
        services=tuple(_service(preset) for preset in presets),
        secrets=secrets,
    )


def address_of(preset: ProviderPreset, settings: Callable[[], Settings]) -> str:
    """Return where a service answers: the person's address, else the preset's own; "" while it is switched off."""
    chosen = settings().providers.get(preset.id)
    return "" if chosen is None else (chosen.strip() or preset.address).rstrip("/")


def read_model_presets(resources: Path) -> ModelPresets:
    """Return the shipped presets. Raises ValueError for a file that does not fit (a bug of ours)."""
    return ModelPresets.model_validate_json((resources / "models" / "presets.json").read_bytes())


def _service(preset: ProviderPreset) -> ModelService:
    return ModelService(
        id=preset.id,
        name=preset.name,
        address=preset.address,
        needs_key=preset.needs_key,
        key_variable=preset.key_variable,
        key_url=preset.key_url,
        data_protection=preset.data_protection,
        is_local=preset.is_local,
        has_text_models=preset.has_text_models,
        checked=preset.checked,
    )
