"""Everything a person can set. Order of precedence: environment (``AI4ARTSED_<NAME>``) > file > default."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ai4artsed_desktop.domain.runs import SafetyLevel

#: ``AI4ARTSED_LANGUAGE=de`` sets ``language``; nested: ``AI4ARTSED_STAGE_MODELS__CODING``.
ENVIRONMENT_PREFIX = "AI4ARTSED_"

#: A stage model of this name lets the program choose: the largest local model that follows instructions, else the tiny
#: one where a tiny one will do. What was chosen is always shown.
AUTO_MODEL = "auto"

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
    ``comfyui_address`` is where a running ComfyUI answers (its own default port), used from the next start on.
    ``llm_threads`` 0 = physical cores − 1. ``foreign_python_chunks`` lets ``.py`` chunks from the person's folder run:
    they are programs with all rights of the person.
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
    comfyui_address: str = Field(default="http://127.0.0.1:8188", pattern=r"^https?://[^\s/]+(/\S*)?$")
    foreign_catalogs: tuple[Path, ...] = ()
    foreign_python_chunks: bool = False
