"""The gate of one run. Nothing of the run reaches a model, a media server or the renderer around it.

Texts are admitted where they come into being (the idea, rules, parameters, every stage's result, every edit).
Behind that stand guards around the services themselves: whatever a step, a chain, a repair round or a malicious config
sends, the request is looked through once more on its way out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import chain
from typing import cast

from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.code_art import RenderJob, RenderVerdict
from ai4artsed_desktop.domain.errors import PersonNamedError
from ai4artsed_desktop.domain.events import Event, RunProgressed, StageRoundFinished, StageTextStreamed
from ai4artsed_desktop.domain.graph_links import Graph
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.safety.check import check_lists, decide
from ai4artsed_desktop.domain.safety.code_texts import looks_like_code, split_code, words_of_code
from ai4artsed_desktop.domain.safety.verdicts import CHECKED_LEVELS, Verdict
from ai4artsed_desktop.domain.server_media import media_in_body, media_in_graph
from ai4artsed_desktop.domain.text import strings_in
from ai4artsed_desktop.domain.text_models import TextDelta, TextModelInfo, TextRequest
from ai4artsed_desktop.engine.ports import CodeRenderer, MediaBackend, MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.safety import INLINE_CHARS, SafetyGate, check_lengths, demand, record_of
from ai4artsed_desktop.engine.safety_lists import SafetyLists
from ai4artsed_desktop.engine.steps.base import Services, TextOutcome
from ai4artsed_desktop.engine.text_models import TextModels

Keep = Callable[[str, object], Awaitable[object]]


class RunGate:
    """One run's way through the gate.

    Args:
        lists: The gate's lists, or why there are none (see ``open_gate``).
        keep: Writes a record into the run's folder, by name.
        has_code: A text of this run may be a program, so that its words are looked at, not its language.
        may_name_persons: The person agreed that names leave the machine.
    """

    def __init__(
        self,
        gate: SafetyGate,
        lists: SafetyLists | Reason,
        level: SafetyLevel,
        keep: Keep,
        *,
        has_code: bool = False,
        may_name_persons: bool = False,
    ) -> None:
        self._gate = gate
        self._lists = lists
        self.level: SafetyLevel = level
        self.keep = keep
        self._has_code = has_code
        self._may_name_persons = may_name_persons
        self._cleared: set[str] = set()
        self._names: dict[str, None] = {}

    @property
    def hides_work(self) -> bool:
        """Whether nothing is shown before it was checked: no streamed text, no preview."""
        return self.level in CHECKED_LEVELS

    async def admit(self, texts: Iterable[str], *, is_code: bool = False, record: str = "") -> Verdict:
        """Let texts pass that a person or a model wrote.

        Args:
            is_code: A coding model wrote them, so that they may be programs.
            record: Name of the record of a plain pass; one that found or cleared something is always kept.

        Raises:
            SafetyBlockedError, SafetyUnavailableError, TextTooLongError.
        """
        given = [text for text in texts if text.strip()]
        words, programs = self._told_apart(given, is_code)
        verdict = await self._gate.check(words, self.level)
        if verdict.lets_pass and programs:
            of_code = await self._gate.check(programs, self.level, is_code=True)
            verdict = of_code if not of_code.lets_pass or not words else verdict
        self._cleared.update(finding.term for finding in verdict.cleared)
        if record or verdict.found or verdict.cleared or not verdict.lets_pass:
            name = record or ("safety" if verdict.lets_pass else "safety_refusal")
            await self.keep(name, record_of(verdict, () if verdict.lets_pass else given))
        demand(verdict)
        return verdict

    async def admit_outcome(self, outcome: TextOutcome, *, is_code: bool = False) -> TextOutcome:
        """Let what a model or procedure wrote pass, all proposals and rounds of it.

        Returns:
            The outcome, without the model's reasoning where nothing is shown that was not checked.

        Raises:
            SafetyBlockedError, SafetyUnavailableError, TextTooLongError.
        """
        rounds = (text for _, text in outcome.rounds)
        await self.admit((outcome.text, *outcome.candidates, *rounds), is_code=is_code)
        return replace(outcome, thinking="") if self.hides_work else outcome

    async def notice_names(self, texts: Iterable[str]) -> None:
        """Remember persons' names in what the person wrote: they do not leave the machine unnoticed."""
        self._names.update(dict.fromkeys(name.text for name in await self._gate.names(texts)))

    def check_now(self, texts: Iterable[str], *, is_code: bool = False) -> None:
        """Let texts pass that are about to leave for a model: the lists alone, minus what was cleared in this run.

        Raises:
            SafetyBlockedError, SafetyUnavailableError, TextTooLongError.
        """
        given = [text for text in texts if text.strip()]
        check_lengths(given)
        if isinstance(self._lists, Reason):
            demand(Verdict("unavailable", self.level, (self._lists,)))
            return
        for text in given:
            check = check_lists(text, self.level, self._lists.matcher, is_code=is_code)
            # The language was asked where the text came into being; rules of ours and names of files have none.
            demand(decide(replace(check, uncovered=""), self._cleared))

    async def check_out(self, texts: Iterable[str], *, is_code: bool = False) -> None:
        """As ``check_now``; long texts are looked through in a thread."""
        given = tuple(texts)
        if sum(map(len, given)) > INLINE_CHARS:
            await asyncio.to_thread(self.check_now, given, is_code=is_code)
        else:
            self.check_now(given, is_code=is_code)

    def check_code(self, code: str) -> None:
        """Let code pass before it is rendered. Raises as ``check_now``."""
        check_lengths((code,))
        self.check_now((words_of_code(code),), is_code=True)

    def check_media(self, request: MediaRequest) -> None:
        """Let a request pass that loads the run's own files only, where pictures are checked: others nobody has seen.

        Raises:
            SafetyUnavailableError: It names a file on the server or an address, or has a camera look.
        """
        own = {file.name for file in request.files}
        graph = media_in_graph(cast("Graph", request.graph or {}), own)
        demand_own(self.level, chain(graph, media_in_body(request.body, own)))

    def check_destination(self, is_local: bool, where: str) -> None:
        """Let a request go to where it goes.

        Raises:
            PersonNamedError: It leaves the machine, names a person, and nobody agreed to that.
        """
        if not is_local and not self.may_leave:
            raise PersonNamedError(names=", ".join(self._names), where=where)

    @property
    def may_leave(self) -> bool:
        """Whether what is made from the person's words may leave the machine: it names nobody, or they agreed."""
        return not self._names or self._may_name_persons

    def guard(self, services: Services) -> Services:
        """Return the services with this gate before every way out."""
        return replace(
            services,
            text_models=_GuardedTextModels(services.text_models, self),
            backends=_GuardedBackends(services.backends, self),
            renderer=_GuardedRenderer(services.renderer, self),
        )

    def filtered(self, publish: Callable[[Event], None]) -> Callable[[Event], None]:
        """Return ``publish`` without what nobody has checked yet: streamed text, previews, rounds with listed terms."""
        if not self.hides_work:
            return publish

        def show(event: Event) -> None:
            if isinstance(event, StageTextStreamed):
                return
            if isinstance(event, RunProgressed) and event.preview is not None:
                event = replace(event, preview=None, preview_mime="")
            if isinstance(event, StageRoundFinished) and not self._may_show(event.text):
                return
            publish(event)

        return show

    def _may_show(self, text: str) -> bool:
        if isinstance(self._lists, Reason):
            return False
        return decide(check_lists(text, self.level, self._lists.matcher), self._cleared).lets_pass

    def _told_apart(self, texts: list[str], is_code: bool) -> tuple[list[str], list[str]]:
        """Return the texts in a language, and the words of those that are programs."""
        words: list[str] = []
        programs: list[str] = []
        for text in texts:
            if (is_code or self._has_code) and looks_like_code(text):
                prose, code = split_code(text)
                words.append(prose)
                programs.append(words_of_code(code))
            else:
                words.append(text)
        return [word for word in words if word], [program for program in programs if program]


def demand_own(level: SafetyLevel, names: Iterable[str]) -> None:
    """Let no medium pass that nobody here has seen, where a check is due. Raises SafetyUnavailableError."""
    if level in CHECKED_LEVELS and (name := next(iter(names), None)) is not None:
        demand(Verdict("unavailable", level, (Reason("safety.reason.server_picture", {"file": name}),)))


async def open_gate(gate: SafetyGate, level: SafetyLevel, keep: Keep, **options: bool) -> RunGate:
    """Return the gate of a run with the lists at hand."""
    return RunGate(gate, await gate.lists(), level, keep, **options)


class _GuardedTextModels(TextModels):
    """The same models; what is sent to them is looked through first."""

    def __init__(self, models: TextModels, gate: RunGate) -> None:
        # The very same providers and settings: this is a view of the models, not another set of them.
        vars(self).update(vars(models))
        self._gate = gate

    def stream(
        self, info: TextModelInfo, request: TextRequest, local_only: bool = False
    ) -> AsyncGenerator[TextDelta, None]:
        """Generate, after the gate let the request pass; see TextModels."""
        return self._checked(super().stream(info, request, local_only), info, request)

    async def _checked(
        self, deltas: AsyncGenerator[TextDelta, None], info: TextModelInfo, request: TextRequest
    ) -> AsyncGenerator[TextDelta, None]:
        async with aclosing(deltas):
            self._gate.check_destination(info.is_local, info.name)
            await self._gate.check_out((request.prompt or "", *(message.content for message in request.messages)))
            async for delta in deltas:
                yield delta


@dataclass(frozen=True, slots=True)
class _GuardedBackends(Mapping[str, MediaBackend]):
    backends: Mapping[str, MediaBackend]
    gate: RunGate

    def __getitem__(self, key: str) -> MediaBackend:
        return _GuardedBackend(self.backends[key], self.gate)

    def __iter__(self) -> Iterator[str]:
        return iter(self.backends)

    def __len__(self) -> int:
        return len(self.backends)


@dataclass(frozen=True, slots=True)
class _GuardedBackend:
    """A media backend; graphs and requests are looked through first: prompts, negative prompts, lyrics, LoRA names."""

    backend: MediaBackend
    gate: RunGate

    @property
    def id(self) -> str:
        return self.backend.id

    @property
    def is_local(self) -> bool:
        return self.backend.is_local

    async def problem(self, chunk: Chunk) -> Reason | None:
        return await self.backend.problem(chunk)

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium, None]:
        self.gate.check_destination(self.is_local, self.id)
        if not self.gate.may_leave:  # of several servers, some may be elsewhere
            request = replace(request, local_only=True)
        self.gate.check_media(request)
        await self.gate.check_out(dict.fromkeys(strings_in((request.graph, request.body, request.parameters))))
        async with aclosing(self.backend.generate(request)) as updates:
            async for update in updates:
                yield update

    async def aclose(self) -> None:
        await self.backend.aclose()


@dataclass(frozen=True, slots=True)
class _GuardedRenderer:
    """The renderer; the words of the code are looked at first."""

    renderer: CodeRenderer
    gate: RunGate

    async def render(self, job: RenderJob) -> RenderVerdict:
        check_lengths((job.code,))
        await self.gate.check_out((words_of_code(job.code),), is_code=True)
        return await self.renderer.render(job)

    async def problem(self) -> str | None:
        return await self.renderer.problem()
