"""Good small models to download: what ``resources/models/catalogue.json`` offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from ai4artsed_desktop.domain.text import LocalizedText

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.downloads import DownloadSpec

#: Where the repositories of the catalogue lie.
HUB = "https://huggingface.co"


class OfferedModel(BaseModel):
    """One model for download.

    Attributes:
        repository, file: Its place on the hub.
        sha256: Of the file; None = whatever the hub promises for it.
        memory_gb: Memory it needs while loaded, context included, in 10^9 bytes.
        languages: Languages it handles well, as a selection.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    file: str = Field(pattern=r"^[\w.-]+\.gguf$")
    size_bytes: int = Field(gt=0)
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    licence: str
    memory_gb: float = Field(gt=0)
    languages: tuple[str, ...]
    context_tokens: int = Field(gt=0)
    parameters: int = Field(gt=0)
    quantisation: str
    note: LocalizedText

    def download_spec(self, hub: str = HUB) -> DownloadSpec:
        """Return what ``Downloader`` needs."""
        from ai4artsed_desktop.adapters.downloads import DownloadSpec

        return DownloadSpec(
            name=self.name,
            url=f"{hub}/{self.repository}/resolve/main/{self.file}",
            file_name=self.file,
            size_bytes=self.size_bytes,
            sha256=self.sha256,
        )


class _Catalogue(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[OfferedModel, ...]


def read_model_catalogue(path: Path) -> tuple[OfferedModel, ...]:
    """Read the shipped catalogue, smallest model first. Blocks.

    Raises:
        OSError, pydantic.ValidationError: A shipped file is damaged.
    """
    return _Catalogue.model_validate_json(path.read_bytes()).models
