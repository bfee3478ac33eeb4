"""The error tree. An error carries a code and parameters, never prose: the language files hold the words.

Every code ``error.x`` has three texts in every language: ``error.x.what`` (what did not happen),
``error.x.why`` and ``error.x.next`` (what can be done now).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as data: what an event carries and a run folder records.

    Attributes:
        code: Key of the message in the language files, such as ``error.model.missing``.
        params: Values for the placeholders of that message.
        detail: Technical text for the "Details" door; may be empty, never shown on its own.
    """

    code: str
    params: dict[str, str] = field(default_factory=dict[str, str])
    detail: str = ""


class AppError(Exception):
    """Base of every error that a person may see.

    Args:
        detail: Technical text (the foreign exception's words, a log's tail).
        params: Values for the message's placeholders.
    """

    code: ClassVar[str] = "error.unexpected"

    def __init__(self, detail: str = "", **params: str) -> None:
        super().__init__(detail or f"{self.code} {params}")
        self.detail = detail
        self.params = params

    def info(self) -> ErrorInfo:
        """Return the error as plain data."""
        return ErrorInfo(self.code, dict(self.params), self.detail)


class InputError(AppError):
    """What the person gave cannot be used as it is."""

    code = "error.input.invalid"


class EmptyTextError(InputError):
    """The idea is empty or holds only white space."""

    code = "error.input.empty"


class TextTooLongError(InputError):
    """Params: ``length`` and ``limit``, both in characters."""

    code = "error.input.too_long"


class NoTextError(InputError):
    """A file that shall be read as text is none. Params: ``file``."""

    code = "error.input.no_text"


class NoRulesError(InputError):
    """The interception has no rules of its own, and the person gave none."""

    code = "error.input.no_rules"


class TooManyLensesError(InputError):
    """More interceptions at once than can be compared, or none. Params: ``count``, ``limit``."""

    code = "error.input.too_many_lenses"


class WrongLanguageError(InputError):
    """The chosen model does not handle the text's language. Params: ``model``, ``language``."""

    code = "error.input.language"


class CatalogError(AppError):
    """A catalogue entry is missing or broken. Params: ``id``."""

    code = "error.catalog.invalid"


class UnknownEntryError(CatalogError):
    """Params: ``kind`` (interception, output, pipeline, chunk, model, run) and ``id``."""

    code = "error.catalog.unknown"


class NotRunnableError(CatalogError):
    """The entry exists, but cannot run here. Params: ``id`` and ``reason``."""

    code = "error.catalog.not_runnable"


class InterceptionFileError(CatalogError):
    """An interception cannot be saved or taken in. Params: ``file``, ``cause`` (a language-file key) and its params."""

    code = "error.catalog.interception_file"


class PlaceholderError(CatalogError):
    """A placeholder was left unfilled. Params: ``name`` and ``where``."""

    code = "error.catalog.placeholder"


class ParameterError(InputError):
    """A parameter has a wrong type or is out of range. Params: ``name``, ``value``, ``expected``."""

    code = "error.input.parameter"


class AddressError(InputError):
    """A server's address cannot be read. Params: ``value``."""

    code = "error.input.address"


class UnknownParameterError(ParameterError):
    """There is no such parameter. Params: ``name``, ``value``, ``expected`` (the names there are)."""

    code = "error.input.unknown_parameter"


class ModelError(AppError):
    """A text model failed. Params: ``model``."""

    code = "error.model.failed"


class ModelMissingError(ModelError):
    """The model's file or name is not there. Params: ``model``."""

    code = "error.model.missing"


class ModelLoadError(ModelError):
    """The model's file is damaged or does not fit into memory. Params: ``model``."""

    code = "error.model.load"


class ModelStoppedError(ModelError):
    """The model's process ended in the middle of its work. Params: ``model``."""

    code = "error.model.stopped"


class ContextTooLongError(ModelError):
    """Text and answer do not fit into the model's context.

    Params: ``model``, ``tokens`` (the text's and those kept free for the answer), ``limit`` (the context).
    """

    code = "error.model.context"


class ContextEstimateError(ContextTooLongError):
    """The same by a careful estimate: the model's own way to count is not at hand. Same params."""

    code = "error.model.context_estimated"


class NoUsableAnswerError(ModelError):
    """The model answered, but nothing usable came. Params: ``model``."""

    code = "error.model.no_usable_answer"


class ProviderError(ModelError):
    """A service or server for models did not do what was asked. Params: ``provider`` (what people call it)."""

    code = "error.provider.failed"


class ProviderUnavailableError(ProviderError):
    """Nothing answers there, or it is busy or broken after all tries. Params: ``provider``, ``address``."""

    code = "error.provider.unavailable"


class ProviderKeyError(ProviderError):
    """No key is known, or the service does not accept it. Params: ``provider``."""

    code = "error.provider.key"


class ProviderSignInError(ProviderError):
    """A server here passes a model on to its service, and nobody is signed in. Params: ``provider``, ``model``."""

    code = "error.provider.sign_in"


class ProviderCreditError(ProviderError):
    """The account has no credit left. Params: ``provider``."""

    code = "error.provider.credit"


class ProviderLimitError(ProviderError):
    """Too many requests. Params: ``provider``; ``wait_s`` (how long it asks to wait, in seconds) if that is known.

    Args:
        detail: Its own words.
        provider: Its name.
        wait_s: None = it does not say.
    """

    code = "error.provider.limit"

    def __init__(self, detail: str = "", *, provider: str, wait_s: float | None = None) -> None:
        if wait_s is None:
            super().__init__(detail, provider=provider, why="error.provider.limit.why_no_time")
        else:
            super().__init__(detail, provider=provider, wait_s=f"{wait_s:.0f}")


class ProviderRefusedError(ProviderError):
    """The service's own moderation refused the request. Params: ``provider``."""

    code = "error.provider.refused"


class BackendError(AppError):
    """A media backend failed. Params: ``backend``."""

    code = "error.backend.failed"


class BackendUnavailableError(BackendError):
    """A media backend cannot be reached. Params: ``backend``."""

    code = "error.backend.unavailable"


class MediumMismatchError(BackendError):
    """A backend made another medium than its chunk declares. Params: ``declared`` and ``found``."""

    code = "error.backend.mismatch"


class CodeArtError(AppError):
    """A sketch could not be rendered. Params: ``reason``, ``line``."""

    code = "error.code_art.failed"


class RendererMissingError(CodeArtError):
    """QtWebEngine cannot be loaded here. Params: ``library``."""

    code = "error.code_art.renderer_missing"


class StorageError(AppError):
    """A file could not be written or read. Params: ``path``."""

    code = "error.storage.failed"


class DiskFullError(StorageError):
    """No space left. Params: ``path``."""

    code = "error.storage.full"


class ReadOnlyError(StorageError):
    """The folder cannot be written to. Params: ``path``."""

    code = "error.storage.read_only"


class ObjectInfoError(StorageError):
    """A file is no description of a ComfyUI server's nodes. Params: ``path``."""

    code = "error.storage.object_info"


class WorkflowNeedsServerError(InputError):
    """A workflow in the editor's own format can only be converted with a server's description. Params: ``name``."""

    code = "error.workflow.needs_server"


class RunDamagedError(StorageError):
    """A run folder cannot be read. Params: ``path``."""

    code = "error.storage.run_damaged"


class DownloadError(AppError):
    """A download failed. Params: ``name``."""

    code = "error.download.failed"


class ChecksumError(DownloadError):
    """The file is not the one that was promised. Params: ``name``."""

    code = "error.download.checksum"


class UnverifiedDownloadError(DownloadError):
    """Nobody vouches for the file: neither we nor the server name its checksum. Params: ``name``."""

    code = "error.download.unverified"


class NoSpaceForDownloadError(DownloadError):
    """Params: ``name``, ``needed_gb``, ``free_gb``."""

    code = "error.download.no_space"


class LocalOnlyError(AppError):
    """A request would leave the machine while "local only" is on. Params: ``host``."""

    code = "error.local_only"


class SafetyBlockedError(AppError):
    """The safety gate did not let a text or medium pass.

    Params: ``level``, ``reason`` and ``suggestion`` (language-file keys), ``found`` (the words) and the same
    ``in_brackets`` if there are any, ``category``.
    """

    code = "error.safety.blocked"


class SafetyUnavailableError(AppError):
    """Nothing can check the text or medium, and the level demands a check.

    Params: ``level`` and ``reason`` (language-file keys), and what the reason needs.
    """

    code = "error.safety.unavailable"


class PersonNamedError(AppError):
    """A text names a person and would leave the machine; nobody agreed to that yet. Params: ``names``, ``where``."""

    code = "error.safety.person_named"
