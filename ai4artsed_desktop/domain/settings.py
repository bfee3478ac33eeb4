"""Everything a person can set. Order of precedence: environment (``AI4ARTSED_<NAME>``) > file > default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ai4artsed_desktop.domain.errors import AddressError
from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.training.settings import TrainingSettings

#: ``AI4ARTSED_LANGUAGE=de`` sets ``language``; nested: ``AI4ARTSED_STAGE_MODELS__CODING``.
ENVIRONMENT_PREFIX = "AI4ARTSED_"

#: A stage model of this name lets the program choose: the largest local model that follows instructions, else the tiny
#: one where a tiny one will do. What was chosen is always shown.
AUTO_MODEL = "auto"

_ADDRESS = r"^https?://[^\s/]+(/\S*)?$"
#: ``http://host:port``, perhaps with a path.
Address = Annotated[str, Field(pattern=_ADDRESS)]

#: Ollama's own default address (its documentation, variable ``OLLAMA_HOST``).
OLLAMA_ADDRESS = "http://127.0.0.1:11434"

#: Variables of the AI4ArtsEd web server that count here too, with and without our prefix: name → setting.
KNOWN_VARIABLES = {
    "SWARMUI_AUTO_START": "services_auto_start",
    "SWARMUI_STARTUP_TIMEOUT": "services_startup_timeout_s",
    "SWARMUI_HEALTH_CHECK_INTERVAL": "services_health_interval_s",
}

StageRole = Literal["translation", "interception", "optimisation", "safety", "vision", "coding"]


class StageModels(BaseModel):
    """Which text model serves which stage: the one place where this is set. Values are model ids or ``auto``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    translation: str = AUTO_MODEL
    interception: str = AUTO_MODEL
    optimisation: str = AUTO_MODEL
    safety: str = AUTO_MODEL
    vision: str = AUTO_MODEL
    coding: str = AUTO_MODEL


class Settings(BaseModel):
    """All settings. Frozen: a change makes a new one.

    ``model_folders`` and ``foreign_catalogs`` are read in addition to the program's own folders.
    ``comfyui_address`` is where a running ComfyUI answers (its own default port), used from the next start on;
    ``comfyui_more_addresses`` are further ones, here or on other machines, among which the jobs are spread. A SwarmUI's
    ComfyUI may stand among them (``http://host:7801/ComfyBackendDirect``). ``comfyui_through_swarmui`` sends what is
    made for ComfyUI to the ComfyUIs of the SwarmUI at ``swarmui_address`` instead.
    ``parallel_runs`` is how many runs work at a time; 0 = as many as there are addresses for ComfyUI.
    ``ollama_address`` is where Ollama answers; while it is the default, the variable ``OLLAMA_HOST`` counts instead.
    ``providers`` holds the model services that are switched on: preset id → address, ``""`` = the preset's own.
    ``media_model_folders`` hold a media server's ``checkpoints``, ``loras`` …; ``lora_folders`` hold LoRAs only. A
    server that runs here, or lies in a usual place, is found without them.
    ``vram_policy``: before something is unloaded from the graphics card it is asked for, or only told; "workshop" also
    loads what is pinned at the start. ``vram_pinned`` holds ids of what is never unloaded (model ids, ``comfyui``).
    ``vram_idle_s``: what a run used and nobody needed for so long is unloaded; 0 = never.
    ``services_auto_start``: ComfyUI, SwarmUI and Ollama are started when they are first needed; else only by hand. A
    start may take ``services_startup_timeout_s``; a service that runs is asked every ``services_health_interval_s``.
    ``comfyui_folder``, ``swarmui_folder`` and ``ollama_program`` are looked at before the usual places;
    ``comfyui_python`` runs ComfyUI instead of its own environment's, ``comfyui_arguments`` are added to its start.
    ``llm_threads`` 0 = physical cores − 1. ``llm_context_tokens`` bounds the context of the built-in models; 0 = as far
    as model and memory allow. ``foreign_python_chunks`` lets ``.py`` chunks from the person's folder run:
    they are programs with all rights of the person.
    ``training`` says where the LoRA trainer and its files lie; it is set on the Train page, not on the Settings page.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    language: Literal["system", "de", "en"] = "system"
    theme: Literal["system", "light", "dark", "high_contrast"] = "system"
    reduced_motion: bool = False
    workshop_mode: bool = False
    safety_level: SafetyLevel = "adult"
    local_only: bool = False
    participant: str = Field(default="", max_length=80)
    pause_after_interception: bool = False
    translate_to_english: bool = False
    stage_models: StageModels = StageModels()
    model_folders: tuple[Path, ...] = ()
    model_idle_s: float = Field(default=300.0, ge=5, le=86_400)
    llm_threads: int = Field(default=0, ge=0, le=256)
    llm_context_tokens: int = Field(default=0, ge=0, le=1_048_576)
    comfyui_address: Address = "http://127.0.0.1:8188"
    comfyui_more_addresses: tuple[Address, ...] = Field(default=(), max_length=64)
    swarmui_address: Address = "http://127.0.0.1:7801"
    comfyui_through_swarmui: bool = False
    parallel_runs: int = Field(default=0, ge=0, le=64)
    ollama_address: Address = OLLAMA_ADDRESS
    providers: dict[str, str] = Field(default_factory=dict[str, str])
    services_auto_start: bool = True
    services_startup_timeout_s: float = Field(default=180.0, ge=1, le=3_600)
    services_health_interval_s: float = Field(default=2.0, ge=0.1, le=300)
    comfyui_folder: Path | None = None
    comfyui_python: Path | None = None
    comfyui_arguments: tuple[str, ...] = ()
    swarmui_folder: Path | None = None
    ollama_program: Path | None = None
    foreign_catalogs: tuple[Path, ...] = ()
    media_model_folders: tuple[Path, ...] = ()
    lora_folders: tuple[Path, ...] = ()
    foreign_python_chunks: bool = False
    vram_policy: Literal["ask", "automatic", "workshop"] = "ask"
    vram_pinned: tuple[str, ...] = ()
    vram_idle_s: float = Field(default=0.0, ge=0, le=86_400)
    training: TrainingSettings = TrainingSettings()

    @property
    def run_lanes(self) -> int:
        """How many runs work at a time."""
        return self.parallel_runs or 1 + len(self.comfyui_more_addresses)


def read_addresses(text: str) -> tuple[str, ...]:
    """Return the addresses in a text, each once, with commas or white space between; ``http://`` may be left out.

    Raises:
        AddressError: A part is no address.
    """
    found: dict[str, None] = {}
    for part in re.split(r"[,;\s]+", text.strip()):
        if not part:
            continue
        address = (part if "://" in part else f"http://{part}").rstrip("/")
        if not re.fullmatch(_ADDRESS, address):
            raise AddressError(value=part)
        found[address] = None
    return tuple(found)
