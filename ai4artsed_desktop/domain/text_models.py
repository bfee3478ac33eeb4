"""What a text model is asked for and what it answers, whatever API lies behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class ModelGrade(StrEnum):
    """How far a text model can be trusted with a task.

    ``TINY`` models (below about 1 billion parameters) only continue examples: raw completion, several seeds, filters,
    English, never safety or translation. ``INSTRUCT`` models follow a system message.
    """

    TINY = "tiny"
    INSTRUCT = "instruct"


@dataclass(frozen=True, slots=True)
class TextModelInfo:
    """One text model that can be chosen.

    Attributes:
        id: ``provider/name``, unique and stable; what settings and run records store.
        name: What the person reads.
        provider: Id of the provider that serves it, such as ``built_in``.
        grade: See ModelGrade.
        is_local: False when a request leaves the machine.
        size_bytes: Size of the weights on disk, or None.
        quantisation: Such as ``Q4_K_M``, or None.
        parameters: Number of weights, or None.
        context_tokens: Longest context the model was made for, or None.
        cache_bytes_per_token: Memory that each token of the context takes here, or None.
        languages: Languages it handles well; empty = unknown.
        problem: Why it cannot be used now, as a message code, or None.
        licence: SPDX id or name, or None.
        path: The file of a local model, or None.
        digest: SHA-256 of the weights, once it is known.
        can_see: It takes pictures beside the text.
        can_think: It can reason before it answers.
        is_loaded: Whether it is in memory now; None = the provider does not tell.
        loaded_bytes: Memory it takes while loaded.
        size_vram_bytes: The part of ``loaded_bytes`` on the graphics card; the rest runs on the processor, slowly.
    """

    id: str
    name: str
    provider: str
    grade: ModelGrade = ModelGrade.INSTRUCT
    is_local: bool = True
    size_bytes: int | None = None
    quantisation: str | None = None
    parameters: int | None = None
    context_tokens: int | None = None
    cache_bytes_per_token: int | None = None
    languages: tuple[str, ...] = ()
    problem: str | None = None
    licence: str | None = None
    path: str | None = None
    digest: str | None = None
    can_see: bool = False
    can_think: bool = False
    is_loaded: bool | None = None
    loaded_bytes: int | None = None
    size_vram_bytes: int | None = None

    @property
    def is_guard(self) -> bool:
        """Whether it only judges texts (Llama Guard, ShieldGemma …) and writes none; told by its name."""
        return any(word in self.name.lower() for word in ("guard", "shieldgemma"))

    @property
    def is_partly_on_processor(self) -> bool:
        """Whether it is loaded, but did not fit onto the graphics card as a whole."""
        return self.size_vram_bytes is not None and self.size_vram_bytes < (self.loaded_bytes or 0)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a conversation. ``images`` are whole files (PNG, JPEG or WebP) for a model that can see."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class TextRequest:
    """One generation.

    Exactly one of ``messages`` (chat, the model's own template) and ``prompt`` (raw completion) is set.

    Attributes:
        seed: Same seed, model and request give the same text on the same machine.
        stop: Generation ends before any of these.
        json_schema: Constrains decoding to this schema, where the provider can.
        think: Let a model that can reason do so first; its reasoning arrives apart from the answer.
    """

    messages: tuple[ChatMessage, ...] = ()
    prompt: str | None = None
    max_tokens: int = 512
    temperature: float = 0.7
    top_p: float = 0.95
    min_p: float | None = None
    repeat_penalty: float | None = None
    dry_multiplier: float | None = None
    dry_allowed_length: int | None = None
    seed: int = 0
    stop: tuple[str, ...] = ()
    json_schema: dict[str, object] | None = None
    think: bool = False

    def __post_init__(self) -> None:
        assert bool(self.messages) != (self.prompt is not None), "either messages or prompt"


@dataclass(frozen=True, slots=True)
class TextUsage:
    """Measured figures of one generation; None = the provider did not tell.

    ``load_ms`` (bringing the model into memory) is no part of ``generate_ms`` (reading the text, thinking, answering).
    ``cost_usd`` is what a service says it charged.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    load_ms: float | None = None
    generate_ms: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """One piece of a streamed answer. The last one has a ``finish_reason``.

    Attributes:
        text: New text since the last piece.
        thinking: New reasoning text, kept apart from the answer.
        finish_reason: ``stop``, ``length`` (cut), or None while going on.
    """

    text: str = ""
    thinking: str = ""
    finish_reason: str | None = None
    usage: TextUsage = field(default_factory=TextUsage)
