"""Which models are worth having for how much graphics memory: shipped proposals for the stages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from ai4artsed_desktop.domain.settings import StageModels
from ai4artsed_desktop.domain.text_models import TextModelInfo


class PresetModel(BaseModel):
    """A model that presets name.

    Attributes:
        size_bytes: Of its weights, as the server's library shows it (rounded there).
        licence: SPDX id or name.
        source: Where size and licence were found.
        checked: The day on which they were.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_bytes: int = Field(gt=0)
    licence: str
    source: str
    checked: date


class ModelPreset(BaseModel):
    """What to use with so much graphics memory.

    Attributes:
        vram_gb: Graphics memory of the card, in GB as it is sold.
        note: What to expect, by language.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    vram_gb: int = Field(gt=0)
    stage_models: StageModels
    note: dict[str, str]

    @property
    def model_ids(self) -> frozenset[str]:
        """Every model it names."""
        return frozenset(self.stage_models.model_dump().values())

    def missing(self, models: Collection[TextModelInfo]) -> tuple[str, ...]:
        """Return the models it names that are not among ``models``, in order of their names."""
        here = {model.id for model in models if model.problem is None}
        return tuple(sorted(self.model_ids - here))


class ModelPresets(BaseModel):
    """All presets, smallest card first, and the models they name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: dict[str, PresetModel] = Field(default_factory=dict[str, PresetModel])
    presets: tuple[ModelPreset, ...] = ()

    def size_bytes(self, model_ids: Collection[str]) -> int:
        """Return what models weigh together on the disk."""
        return sum(self.models[model_id].size_bytes for model_id in model_ids if model_id in self.models)

    def for_memory(self, vram_bytes: int | None) -> ModelPreset | None:
        """Return the largest preset for a card, None for a smaller card than the smallest or an unknown one."""
        # A card sold with 8 GB tells of 7.6 to 8.6 · 10⁹ bytes.
        fitting = [preset for preset in self.presets if vram_bytes and preset.vram_gb * 0.94e9 <= vram_bytes]
        return max(fitting, key=lambda preset: preset.vram_gb, default=None)
