"""A person's own interceptions: made, copied, changed, shared as one file, and brought back when deleted by mistake.

They lie in the person's catalogue, over the shipped one. What ships, and what stands in a foreign catalogue, is never
written: a changed version of it is a new interception.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from ai4artsed_desktop.domain.configs import InterceptionConfig
from ai4artsed_desktop.domain.errors import InterceptionFileError, StorageError, UnknownEntryError
from ai4artsed_desktop.engine.catalog import Catalog, CatalogEntry, CatalogFile, CatalogProblem
from ai4artsed_desktop.engine.catalog_reader import read_interception
from ai4artsed_desktop.engine.catalog_rules import procedure_of

#: Rules of more characters make small models lose the thread (the shipped ones have 400 to 700).
LONG_RULES_CHARS = 1_200
_PREVIEW_ID = "draft"
#: What a new interception brings that nobody types.
_FRAME: Mapping[str, Any] = MappingProxyType(
    {
        "pipeline": "text_transformation",
        "instruction_type": "transformation",
        "parameters": {"temperature": 0.8, "top_p": 0.95, "max_tokens": 220},
        "display": {"icon": "pen", "color": "#57534E", "category": "own", "difficulty": 1, "order": 900},
        "properties": ["own"],
        "category": {"en": "Own", "de": "Eigene"},
    }
)
_ONLY_WORDS = ("only", "nur", "nothing but", "nichts als")


class InterceptionStore(Protocol):
    """The files of the person's catalogue. Every call blocks and raises StorageError."""

    def free_id(self, title: str, is_taken: Callable[[str], bool]) -> str:
        """Return an id made from a title, with a number if it is taken."""
        ...

    def path_of(self, config_id: str) -> Path:
        """Return where an interception of this id lies."""
        ...

    def write(self, path: Path, text: str) -> None:
        """Write a file whole or not at all."""
        ...

    def remove(self, path: Path) -> str:
        """Delete a file and return what stood in it."""
        ...

    def read_outside(self, path: Path) -> CatalogFile:
        """Read a file from anywhere; what keeps it from being read is in its ``error``."""
        ...


@dataclass(frozen=True, slots=True)
class InterceptionDraft:
    """An interception at work. ``id`` None: it is not saved yet. ``content`` is the file's, as plain JSON values."""

    content: Mapping[str, Any] = field(default_factory=lambda: dict(_FRAME))
    id: str | None = None

    def with_values(self, **values: Any) -> InterceptionDraft:
        """Return a draft with other values of the file's keys."""
        return replace(self, content={**self.content, **values})


@dataclass(frozen=True, slots=True)
class DeletedInterception:
    """What is needed to bring a deleted interception back."""

    id: str
    path: Path
    text: str


class InterceptionFiles:
    """Commands on the person's own interceptions; the catalogue is read again after each change.

    Args:
        store: The files; None where there is no place to write.
        catalog: Returns the catalogue in force.
        reload: Reads it again.
        procedures: Ids of the text procedures there are.
    """

    def __init__(
        self,
        store: InterceptionStore | None,
        catalog: Callable[[], Catalog],
        reload: Callable[[], Awaitable[object]],
        procedures: Iterable[str] = (),
    ) -> None:
        self._wanted_store = store
        self._catalog = catalog
        self._reload = reload
        self._procedures = frozenset(procedures)

    def is_own(self, config_id: str) -> bool:
        """Tell whether an interception is the person's, so that it may be changed and deleted."""
        entry = self._catalog().interceptions.get(config_id)
        return entry is not None and entry.origin == "user"

    def draft_of(self, config_id: str) -> InterceptionDraft:
        """Return an own interception, to be changed. Raises UnknownEntryError."""
        return InterceptionDraft(_content(self._catalog().interception(config_id).value), config_id)

    def copy_of(self, config_id: str, name_suffix: Mapping[str, str]) -> InterceptionDraft:
        """Return a copy of any interception, not saved yet.

        Args:
            name_suffix: Added to its name, by language, such as ``" (copy)"``.

        Raises:
            UnknownEntryError: There is none with this id.
        """
        content = _content(self._catalog().interception(config_id).value)
        fallback = next(iter(name_suffix.values()))
        content["name"] = {lang: f"{name}{name_suffix.get(lang, fallback)}" for lang, name in content["name"].items()}
        display = {**content.get("display", {}), "order": _FRAME["display"]["order"]}
        return InterceptionDraft({**content, "display": display})

    def problems(self, draft: InterceptionDraft) -> tuple[CatalogProblem, ...]:
        """Return everything wrong with a draft (errors) or worth a thought (notes), in the order of the form."""
        config, found = self._checked(draft)
        own = [*_missing(draft.content)]
        if config is not None and not own:
            own += _notes(config)
        return (*own, *found) if own or config is None else tuple(found)

    def preview_catalog(self, draft: InterceptionDraft) -> tuple[Catalog, str]:
        """Return a catalogue in which the draft stands as it would be saved, and its id there.

        Raises:
            InterceptionFileError: The draft has errors.
        """
        config_id = draft.id or _PREVIEW_ID
        config, found = self._checked(replace(draft, id=config_id))
        if config is None:
            raise _refused(config_id, found)
        catalog = self._catalog()
        entry = CatalogEntry(config, config_id, "user", "")
        return replace(catalog, interceptions={**catalog.interceptions, config_id: entry}), config_id

    async def save(self, draft: InterceptionDraft) -> str:
        """Save a draft as a new interception or over the own one it was made from, and return its id.

        Raises:
            InterceptionFileError: It has errors, or it is not the person's to change.
            StorageError: It could not be written.
        """
        config, found = self._checked(draft)
        if config is None:
            raise _refused(draft.id or "", found)
        title = next(iter(config.name.values()))
        if draft.id is not None:
            await self._write(draft.id, self._own_path(draft.id), draft.content)
            return draft.id
        config_id = await self._free_id(title)
        await self._write(config_id, self._store.path_of(config_id), draft.content)
        return config_id

    async def delete(self, config_id: str) -> DeletedInterception:
        """Delete an own interception; what comes back brings it back.

        Raises:
            InterceptionFileError: It is not the person's.
            StorageError: It could not be deleted.
        """
        path = self._own_path(config_id)
        text = await asyncio.to_thread(self._store.remove, path)
        await self._reload()
        return DeletedInterception(config_id, path, text)

    async def restore(self, deleted: DeletedInterception) -> str:
        """Bring a deleted interception back and return its id: another one, if the old one is taken by now."""
        config_id, path = deleted.id, deleted.path
        if self.is_own(config_id):
            config_id = await self._free_id(config_id)
            path = self._store.path_of(config_id)
        await self._write(config_id, path, json.loads(deleted.text))
        return config_id

    async def import_file(self, path: Path) -> str:
        """Take in a shared interception as one more of the person's own, and return its id.

        Raises:
            InterceptionFileError: The file is no interception, or has errors.
            StorageError: It could not be written.
        """
        file = await asyncio.to_thread(self._store.read_outside, path)
        if file.kind not in (None, "interception"):
            raise InterceptionFileError(file=path.name, cause="catalog.problem.not_an_interception")
        config, found = read_interception(file, self._catalog(), self._procedures)
        if config is None:
            raise _refused(path.name, found)
        config_id = await self._free_id(config.id)
        await self._write(config_id, self._store.path_of(config_id), _content(config))
        return config_id

    async def export(self, config_id: str, target: Path) -> None:
        """Write any interception as one file to be shared.

        Raises:
            UnknownEntryError: There is none with this id.
            StorageError: It could not be written.
        """
        content = _content(self._catalog().interception(config_id).value)
        await asyncio.to_thread(self._store.write, target, _text_of(content))

    @property
    def _store(self) -> InterceptionStore:
        if self._wanted_store is None:
            raise StorageError("no catalogue of the person's own", path="catalog")
        return self._wanted_store

    def _checked(self, draft: InterceptionDraft) -> tuple[InterceptionConfig | None, tuple[CatalogProblem, ...]]:
        name = draft.id or _PREVIEW_ID
        file = CatalogFile("interception", name, name, "user", _text_of(draft.content))
        return read_interception(file, self._catalog(), self._procedures)

    async def _free_id(self, title: str) -> str:
        catalog = self._catalog()
        return await asyncio.to_thread(self._store.free_id, title, lambda name: name in catalog.interceptions)

    def _own_path(self, config_id: str) -> Path:
        """Return where an own interception lies. Raises InterceptionFileError: it is not the person's."""
        if not self.is_own(config_id):
            raise InterceptionFileError(file=config_id, cause="catalog.problem.not_own")
        return Path(self._catalog().interception(config_id).path)

    async def _write(self, config_id: str, path: Path, content: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self._store.write, path, _text_of(content))
        await self._reload()
        if config_id not in self._catalog().interceptions:
            raise UnknownEntryError(kind="interception", id=config_id)


def can_edit(config: InterceptionConfig) -> bool:
    """Tell whether a form can hold an interception's rules: procedures, chains and passing on have none, or several."""
    return procedure_of(config) is None and not config.meta.skip_interception and not config.steps


def _content(config: InterceptionConfig) -> dict[str, Any]:
    """Return what stands in an interception's file, without its id: that is the file's name."""
    return config.model_dump(mode="json", exclude_unset=True, exclude={"id"})


def _text_of(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _refused(name: str, found: Iterable[CatalogProblem]) -> InterceptionFileError:
    first = next(iter(found))
    return InterceptionFileError(**{**first.params, "file": name, "cause": first.code})


def _missing(content: Mapping[str, Any]) -> Iterable[CatalogProblem]:
    """Yield what a person forgot to type."""
    for key in ("name", "description", "context"):
        texts = content.get(key)
        if not isinstance(texts, dict) or not any(str(text).strip() for text in texts.values()):  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - plain JSON
            yield CatalogProblem("", f"editor.problem.no_{key}")


def _notes(config: InterceptionConfig) -> Iterable[CatalogProblem]:
    """Yield what experience says about rules, sources and examples."""
    rules = list(config.context.values()) if config.context else []
    longest = max(map(len, rules), default=0)
    if longest > LONG_RULES_CHARS:
        yield _note("editor.problem.long_rules", count=longest, limit=LONG_RULES_CHARS)
    if not any(word in text.lower() for text in rules for word in _ONLY_WORDS):
        yield _note("editor.problem.no_only")
    if config.examples is None:
        yield _note("editor.problem.no_examples")
    if not config.meta.sources:
        yield _note("editor.problem.no_sources")
    if not config.meta.stance:
        yield _note("editor.problem.no_stance")


def _note(code: str, **params: object) -> CatalogProblem:
    return CatalogProblem("", code, MappingProxyType({k: str(v) for k, v in params.items()}), "note")
