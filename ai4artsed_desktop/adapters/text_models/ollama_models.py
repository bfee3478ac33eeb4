"""What an Ollama server has, as the model picker shows it."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ai4artsed_desktop.adapters.text_models.foreign_json import items, table, whole, words
from ai4artsed_desktop.adapters.text_models.llama_files import NOT_TEXT, TINY_BELOW_PARAMETERS
from ai4artsed_desktop.adapters.text_models.ollama_store import list_store
from ai4artsed_desktop.adapters.text_models.ollama_wire import full_name, is_remote_name
from ai4artsed_desktop.domain.errors import ProviderError, StorageError
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.text_models.ollama_http import OllamaHttp

_log = logging.getLogger(__name__)

#: First part of these models' ids.
PROVIDER = "ollama"

_SIZE = re.compile(r"([\d.]+)\s*([KMBT])", re.IGNORECASE)
_UNITS = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """One model in the server's memory.

    Attributes:
        size_bytes: All of it.
        size_vram_bytes: The part on the graphics card; the rest runs on the processor.
        context_tokens: What it was loaded with; None = an older server that does not tell.
    """

    name: str
    size_bytes: int
    size_vram_bytes: int
    context_tokens: int | None


@dataclass(frozen=True, slots=True)
class _Details:
    """What ``/api/show`` adds to an older server's list."""

    capabilities: frozenset[str] | None
    context_tokens: int | None
    parameters: int | None


class OllamaModels:
    """Reads the lists; what a model's digest stands for is asked only once."""

    def __init__(self) -> None:
        self._details: dict[str, _Details] = {}

    async def read(self, http: OllamaHttp, *, is_local: bool) -> list[TextModelInfo]:
        """Return the models that can write text.

        Args:
            is_local: Whether the server itself is this machine.

        Raises:
            ProviderError: It does not answer as it should.
        """
        tags, loaded = await asyncio.gather(http.ask("GET", "/api/tags"), read_loaded(http))
        entries = [entry for entry in _tables(tags.get("models")) if isinstance(entry.get("name"), str)]
        details = await asyncio.gather(*(self._details_of(http, entry) for entry in entries))
        by_name = {model.name: model for model in loaded}
        return [
            _with_memory(_info(entry, known, is_local), by_name.get(full_name(entry["name"])))
            for entry, known in zip(entries, details, strict=True)
            if known.capabilities is None or "completion" in known.capabilities
        ]

    async def _details_of(self, http: OllamaHttp, entry: dict[str, Any]) -> _Details:
        digest = str(entry.get("digest") or entry["name"])
        if digest not in self._details:
            listed = _listed_details(entry)
            if listed.capabilities is None or listed.context_tokens is None:
                try:
                    listed = _shown_details(await http.ask("POST", "/api/show", {"model": entry["name"]}))
                except ProviderError as exc:  # one damaged model must not hide the others
                    _log.info("Ollama shows nothing about %s: %s", entry["name"], exc.detail)
                    return listed
            self._details[digest] = listed
        return self._details[digest]


def stored_models(store: Path) -> list[TextModelInfo]:
    """Return what a store on disk holds, while no server runs that could tell more. Blocks; never raises."""
    try:
        stored = list_store(store)
    except StorageError as exc:
        _log.info("Ollama's store: %s", exc.detail)
        return []
    shown = [model for model in stored if model.config.get("model_family") not in NOT_TEXT]
    return [
        TextModelInfo(
            id=f"{PROVIDER}/{model.name}",
            name=model.name,
            provider=PROVIDER,
            grade=_grade(parameters := _parameters(words(model.config.get("model_type")))),
            is_local=not is_remote_name(model.name),
            size_bytes=model.size_bytes,
            quantisation=words(model.config.get("file_type")) or None,
            parameters=parameters,
            problem=model.problem or None,
            is_loaded=False,
        )
        for model in shown
    ]


async def read_loaded(http: OllamaHttp) -> list[LoadedModel]:
    """Return what is in the server's memory now. Raises ProviderError."""
    answer = await http.ask("GET", "/api/ps")
    return [
        LoadedModel(
            name=full_name(str(entry.get("name") or entry.get("model") or "")),
            size_bytes=whole(entry.get("size")) or 0,
            size_vram_bytes=whole(entry.get("size_vram")) or 0,
            context_tokens=whole(entry.get("context_length")),
        )
        for entry in _tables(answer.get("models"))
    ]


def _listed_details(entry: dict[str, Any]) -> _Details:
    shape = table(entry.get("details"))
    return _Details(_names(entry.get("capabilities")), whole(shape.get("context_length")), None)


def _shown_details(answer: dict[str, Any]) -> _Details:
    facts = table(answer.get("model_info"))
    context = facts.get(f"{facts.get('general.architecture')}.context_length")
    return _Details(_names(answer.get("capabilities")), whole(context), whole(facts.get("general.parameter_count")))


def _info(entry: dict[str, Any], known: _Details, is_local: bool) -> TextModelInfo:
    name = full_name(entry["name"])
    shape = table(entry.get("details"))
    parameters = known.parameters or _parameters(str(shape.get("parameter_size") or ""))
    capabilities = known.capabilities or frozenset[str]()
    is_remote = bool(entry.get("remote_host")) or is_remote_name(name)
    return TextModelInfo(
        id=f"{PROVIDER}/{name}",
        name=name,
        provider=PROVIDER,
        grade=_grade(parameters),
        is_local=is_local and not is_remote,
        size_bytes=whole(entry.get("size")),
        quantisation=str(shape.get("quantization_level") or "") or None,
        parameters=parameters,
        context_tokens=known.context_tokens,
        digest=str(entry.get("digest") or "").removeprefix("sha256:") or None,
        can_see="vision" in capabilities,
        can_think="thinking" in capabilities,
        is_loaded=False,
    )


def _with_memory(info: TextModelInfo, loaded: LoadedModel | None) -> TextModelInfo:
    if loaded is None:
        return info
    return replace(info, is_loaded=True, loaded_bytes=loaded.size_bytes, size_vram_bytes=loaded.size_vram_bytes)


def _grade(parameters: int | None) -> ModelGrade:
    is_tiny = parameters is not None and parameters < TINY_BELOW_PARAMETERS
    return ModelGrade.TINY if is_tiny else ModelGrade.INSTRUCT


def _parameters(words: str) -> int | None:
    """``3.2B`` → 3,200,000,000."""
    match = _SIZE.fullmatch(words.strip())
    try:
        return int(float(match[1]) * _UNITS[match[2].upper()]) if match else None
    except ValueError:
        return None


def _tables(value: object) -> list[dict[str, Any]]:
    return [entry for item in items(value) if (entry := table(item))]


def _names(value: object) -> frozenset[str] | None:
    names = frozenset(map(str, items(value)))
    return names if isinstance(value, list) else None
