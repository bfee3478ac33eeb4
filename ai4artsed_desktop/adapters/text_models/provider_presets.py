"""The services behind the OpenAI-compatible adapter, as data: one file each in ``resources/providers``."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ai4artsed_desktop.adapters.local_only import is_on_this_machine


class ProviderPreset(BaseModel):
    """What one service needs and accepts.

    Attributes:
        address: Where it answers, with the version (``…/v1``); a person may set another one.
        has_text_models: False = it makes media only; its chunks say how (``api_output_chunk``).
        key_variable: The environment variable that people keep its key in.
        key_url: Where a person gets a key.
        accepts: Optional parameters it knows, beyond ``max_tokens`` and ``temperature``; others are left out.
        renames: Our name → its name of a parameter; a renamed one is accepted.
        extra: Sent with every request.
        without_thinking: Sent with requests that ask for no reasoning.
        reasoning_models: A pattern; models whose ids match always reason, and take no sampling parameters.
        excluded_models: A pattern; models whose ids contain it are no chat models.
        context_tokens: Context of its models where its list does not tell: that of the smallest one; None = unknown.
        has_completions: It completes raw text without a chat template.
        has_stream_options: It tells the usage of a stream when asked with ``stream_options``.
        data_protection: Where data go and how that stands with the GDPR, by language.
        source: Where these facts were found.
        checked: The day on which ``data_protection`` was last held against the source; None = never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str
    address: str = Field(pattern=r"^https?://\S+$")
    has_text_models: bool = True
    needs_key: bool = False
    key_variable: str = ""
    key_url: str = ""
    accepts: frozenset[str] = frozenset()
    renames: dict[str, str] = Field(default_factory=dict[str, str])
    extra: dict[str, object] = Field(default_factory=dict[str, object])
    without_thinking: dict[str, object] = Field(default_factory=dict[str, object])
    reasoning_models: str = ""
    excluded_models: str = ""
    context_tokens: int | None = None
    has_completions: bool = False
    has_stream_options: bool = True
    data_protection: dict[str, str]
    source: str
    checked: date | None = None

    @field_validator("excluded_models", "reasoning_models")
    @classmethod
    def _must_be_a_pattern(cls, value: str) -> str:
        re.compile(value)
        return value

    @property
    def is_local(self) -> bool:
        """Whether its own address leads to this machine."""
        return is_on_this_machine(self.address)


def read_provider_presets(folder: Path) -> tuple[ProviderPreset, ...]:
    """Return the shipped presets: those on this machine first, then by name.

    Raises:
        ValueError: A file does not fit (a bug of ours; a test reads them all).
    """
    presets = [ProviderPreset.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(presets, key=lambda preset: (not preset.is_local, preset.name.lower())))
