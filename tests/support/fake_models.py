"""A text model provider without a model: says what it is told to say, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.text_models import ModelGrade, TextDelta, TextModelInfo, TextRequest

GOOD = TextModelInfo("fake/good", "Good", "fake", ModelGrade.INSTRUCT, parameters=4_000_000_000)
TINY = TextModelInfo("fake/tiny", "Tiny", "fake", ModelGrade.TINY, parameters=135_000_000)
CLOUD = TextModelInfo("fake/cloud", "Cloud", "fake", ModelGrade.INSTRUCT, is_local=False, parameters=70_000_000_000)


def said(request: TextRequest) -> str:
    """Return the person's part of a request."""
    return request.messages[-1].content if request.messages else request.prompt or ""


def in_brackets(request: TextRequest) -> str:
    """Answer with what was said, recognisably."""
    return f"<{said(request)}>"


class FakeModels:
    """Streams ``answer(request)`` word by word.

    Attributes:
        requests: What was asked for, with the model's id, in order.
        streaming: Set as soon as the first words of an answer are out.
        going_on: While cleared, an answer stops after its first word and waits.
        left_early: How many answers were closed before their end.
        error: Raised instead of an answer.
    """

    id = "fake"

    def __init__(
        self, models: Sequence[TextModelInfo] = (GOOD,), answer: Callable[[TextRequest], str] | None = None
    ) -> None:
        self.models = tuple(models)
        self.answer = answer or in_brackets
        self.requests: list[tuple[str, TextRequest]] = []
        self.streaming = asyncio.Event()
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.left_early = 0
        self.error: AppError | None = None
        self.is_closed = False
        self.said_problem: Reason | None = None

    @property
    def problem(self) -> Reason | None:
        return self.said_problem

    async def list_models(self) -> Sequence[TextModelInfo]:
        return self.models

    async def stream(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        self.requests.append((model_id, request))
        if self.error is not None:
            raise self.error
        is_complete = False
        try:
            for piece in self.answer(request).split(" "):
                yield TextDelta(text=piece if not self.streaming.is_set() else f" {piece}")
                self.streaming.set()
                await self.going_on.wait()
            yield TextDelta(finish_reason="stop")
            is_complete = True
        finally:
            self.left_early += not is_complete
            self.streaming.clear()

    async def release(self) -> None:
        """Nothing is loaded."""

    async def aclose(self) -> None:
        self.is_closed = True
