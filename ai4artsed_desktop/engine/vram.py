"""Who may have a card's memory: leases, plans, making room, and waiting until it is really free.

The driver's figures are the truth, also after a program said that it gave memory back. What works is never unloaded,
nor what is pinned. Without figures nothing is planned and nothing is claimed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import RunProgressed
from ai4artsed_desktop.domain.gpu import VRAM_GB, Gpu, GpuSnapshot, ProcessKind
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.domain.vram import (
    VramAnswer,
    VramClearing,
    VramFreed,
    VramHolding,
    VramNeed,
    VramNotEnoughError,
    VramNotFreedError,
    VramPlan,
    VramPlanned,
    VramQuestionClosed,
    VramRefusedError,
    choose_to_unload,
)
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.gpu_ports import VramSource
from ai4artsed_desktop.engine.gpu_watch import GpuWatch
from ai4artsed_desktop.engine.tasks import TaskScope
from ai4artsed_desktop.engine.vram_sight import Sight, context_bytes, held_bytes, look, used_bytes_of

logger = logging.getLogger(__name__)

#: A program that holds less has nothing loaded.
_EMPTY_BYTES = VRAM_GB


@dataclass(frozen=True, slots=True)
class VramLimits:
    """How long to wait, in seconds.

    Attributes:
        free_s: After something was unloaded, until its memory is free.
        busy_s: Until something that works has finished, when its memory would be enough.
        settle_s: "Clear VRAM" is done when no more became free for so long, and less than expected.
        look_s: Between two looks at what is loaded.
    """

    free_s: float = 30.0
    busy_s: float = 120.0
    settle_s: float = 3.0
    look_s: float = 1.0


@dataclass(slots=True, eq=False)
class VramLease:
    """Memory that somebody works with.

    Attributes:
        plan: What was done before it began.
        run_id: The run it is for, "" = none.
        peak_bytes: The most its program was seen to hold meanwhile; None = the driver did not tell.
        is_alone: Nothing else ran in that program, nor was anything loaded there before: the peak is this work's own.
            A program that keeps older models as long as there is room would make the need look larger than it is.
    """

    plan: VramPlan
    run_id: str = ""
    peak_bytes: int | None = None
    is_alone: bool = True

    def see(self, snapshot: GpuSnapshot) -> None:
        """Take one look at the cards."""
        held = held_bytes(snapshot.card(self.plan.card), self.plan.need.process)
        if held:
            self.peak_bytes = max(held, self.peak_bytes or 0)


class VramArbiter:
    """Shares the cards between text models, generation and training.

    Attributes:
        can_ask: Somebody can answer questions (a window); without one, the policy "ask" frees what is idle.
    """

    def __init__(
        self, bus: EventBus, watch: GpuWatch, settings: Callable[[], Settings], limits: VramLimits | None = None
    ) -> None:
        self._bus = bus
        self._watch = watch
        self._settings = settings
        self._limits = limits or VramLimits()
        self._sources: list[VramSource] = []
        self._leases: list[VramLease] = []
        self._granting = asyncio.Lock()
        self._questions: dict[str, asyncio.Future[VramAnswer]] = {}
        self._numbers = count(1)
        self._used_at_s: dict[ProcessKind, float] = {}
        self._scope = TaskScope("vram")
        self.can_ask = False

    def register(self, source: VramSource) -> None:
        """Let a program take part: what it has loaded can be seen and freed from now on."""
        self._sources.append(source)

    def start(self) -> None:
        """Begin to unload what was idle for long, and load what is pinned in a workshop."""
        self._scope.spawn(self._unload_idle(), name="idle")
        if self._settings().vram_policy == "workshop":
            self._scope.spawn(self.pre_warm(), name="pre-warm")

    async def holdings(self) -> tuple[VramHolding, ...]:
        """Return what is loaded now, the largest first."""
        snapshot = await self._watch.fresh()
        return (await self._look(snapshot)).holdings

    async def plan(self, need: VramNeed, run_id: str = "") -> VramPlan:
        """Return what would have to happen before something starts. Changes nothing.

        Args:
            run_id: The run it is for; what that run itself has done before is no work of somebody else.
        """
        need = await self.estimated(need)
        snapshot = await self._watch.recent()
        card = snapshot.card_of(need.process)
        if card is None or card.free_bytes is None:
            return VramPlan(need, reason=snapshot.reason or Reason("gpu.reason.lost"))
        sight = await self._look(snapshot, run_id)
        own = held_bytes(card, need.process) or sum(
            h.used_bytes or 0 for h in sight.holdings if h.process == need.process
        )
        available = max(0, card.free_bytes + own - self._promised(card, need.process, run_id))
        others = [
            holding
            for holding in sight.holdings
            if holding.process != need.process and holding.used_bytes and snapshot.card_of(holding.process) is card
        ]
        plan = VramPlan(need, card.uuid, card.total_bytes, card.free_bytes, available, own, possible_bytes=available)
        if need.needed_bytes is None:
            return replace(plan, reason=Reason("vram.reason.need_unknown"))
        giving = [replace(h, used_bytes=max(0, (h.used_bytes or 0) - context_bytes(h.process))) for h in others]
        chosen = {h.id: h.used_bytes or 0 for h in choose_to_unload(giving, need.needed_bytes - available)}
        return replace(
            plan,
            unload=tuple(h for h in others if h.id in chosen),
            kept=tuple(h for h in others if not h.may_go),
            possible_bytes=available + sum(chosen.values()),
        )

    async def estimated(self, need: VramNeed) -> VramNeed:
        """Return the need with what was measured here before, which is worth more than what is documented."""
        peak = (await self._watch.records()).peaks.get(need.key)
        return (
            need
            if peak is None or need.needed_bytes == 0
            else replace(need, needed_bytes=peak.peak_bytes, basis="measured")
        )

    async def need_of_model(self, info: TextModelInfo) -> VramNeed | None:
        """Return what a text model needs of a card; None if it takes nothing (a service, the processor, no card)."""
        if not info.is_local or not await self._has_cards():
            return None
        for source in self._sources:
            if (need := await source.need_of(info)) is not None:
                return need
        return None

    @asynccontextmanager
    async def lease(self, need: VramNeed, run_id: str = "") -> AsyncGenerator[VramLease]:
        """Make room, then hold it while inside; the most that was used is remembered afterwards.

        Raises:
            VramNotEnoughError: It must fit, or a training works beside it, and it cannot.
            VramNotFreedError: Something was unloaded and its memory did not become free.
            VramRefusedError: The person did not want to make room.
            AppError: A program did not take the order to unload.
        """
        lease = await self._grant(need, run_id)
        async with self._held(lease):
            yield lease

    @asynccontextmanager
    async def lease_of_running(self, need: VramNeed) -> AsyncGenerator[VramLease]:
        """As ``lease`` for what works already (a training that was found again): nothing is unloaded for it."""
        async with self._granting:
            lease = self._begin(await self.plan(need), "")
        async with self._held(lease):
            yield lease

    def answer(self, question: str, answer: VramAnswer) -> None:
        """Answer the question of a ``VramPlanned``; one that is closed already is left alone."""
        waiting = self._questions.get(question)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def clear(self, only: str | None = None) -> VramClearing:
        """Free everything that neither works nor is pinned (or ``only`` the holder of this id); say what came of it."""
        async with self._granting:
            before = await self._watch.fresh()
            sight = await self._look(before)
            asked = [h for h in sight.holdings if only is None or h.id == only]
            freed: list[VramHolding] = []
            failed: list[tuple[str, str]] = []
            for holding in (h for h in asked if h.may_go and h.used_bytes != 0):
                try:
                    await sight.holders[holding.id].free()
                    freed.append(holding)
                except AppError as exc:
                    failed.append((holding.name, exc.detail or exc.code))
            expected = sum(max(0, (h.used_bytes or 0) - context_bytes(h.process)) for h in freed)
            after, is_settled = await self._settled(before, expected) if freed else (before, True)
        kept = tuple(h for h in asked if not h.may_go)
        used = used_bytes_of(before), used_bytes_of(after)
        if freed:
            self._bus.publish(VramFreed(tuple(h.name for h in freed), *used))
        return VramClearing(*used, tuple(freed), kept, tuple(failed), is_settled, before.reason)

    async def pre_warm(self) -> None:
        """Load what is pinned, so that a workshop's first round does not wait."""
        for holder_id in self._settings().vram_pinned:
            for source in self._sources:
                try:
                    if await source.warm(holder_id):
                        break
                except AppError as exc:
                    logger.warning("%s is pinned and could not be loaded: %s", holder_id, exc)

    async def aclose(self) -> None:
        """Wait for nobody any more; questions are closed."""
        await self._scope.aclose()
        for waiting in tuple(self._questions.values()):
            waiting.cancel()

    async def _grant(self, need: VramNeed, run_id: str) -> VramLease:
        """Make room and begin a lease. Nobody else is held up while something is waited for or asked."""
        give_up_s = time.monotonic() + self._limits.busy_s
        agreed: VramPlan | None = None
        is_told = False
        while True:
            async with self._granting:
                plan = await self.plan(need, run_id)
                must_wait = self._must_wait(plan, agreed) and time.monotonic() < give_up_s
                if not must_wait and (agreed := self._settled_by(plan, agreed, run_id)) is not None:
                    if agreed.unload:
                        await self._unload(agreed, run_id)
                    return self._begin(plan, run_id)
            if not must_wait:
                agreed = await self._ask(plan, run_id)
            else:
                if not is_told:
                    is_told = True
                    self._tell(run_id, "progress.vram.waiting")
                await asyncio.sleep(self._limits.look_s)

    def _must_wait(self, plan: VramPlan, agreed: VramPlan | None) -> bool:
        """Tell whether what works now holds the memory that is missing; a training would be waited for in vain."""
        busy = [h for h in plan.kept if h.is_busy and not h.is_pinned]
        starts_anyway = agreed is not None and not agreed.unload
        return plan.will_fit is False and bool(busy) and not starts_anyway and not self._trainings_on(plan.card)

    def _settled_by(self, plan: VramPlan, agreed: VramPlan | None, run_id: str) -> VramPlan | None:
        """Return the plan with what may be unloaded now, or None if the person has to be asked first.

        Args:
            agreed: What the person agreed to, with nothing to unload for "start anyway"; None = nobody was asked.

        Raises:
            VramNotEnoughError.
        """
        if plan.need.needed_bytes is None or plan.reason is not None or plan.fits_now:
            return replace(plan, unload=())
        if plan.will_fit is False:
            self._check_may_start(plan)
        if agreed is not None and (not agreed.unload or _ids(plan) <= _ids(agreed)):
            return replace(plan, unload=plan.unload if agreed.unload else ())
        if plan.unload and self.can_ask and self._settings().vram_policy == "ask":
            return None
        self._bus.publish(VramPlanned(plan, run_id))
        return plan

    def _check_may_start(self, plan: VramPlan) -> None:
        """Raise VramNotEnoughError where starting with too little would fail, or would break a training."""
        trainings = [] if plan.need.kind == "training" else self._trainings_on(plan.card)
        if plan.need.must_fit or trainings:
            kept = ", ".join((*trainings, *(h.name for h in plan.kept))) or "–"
            raise VramNotEnoughError(**_words(plan), possible_gb=_gb(plan.possible_bytes), kept=kept)

    def _begin(self, plan: VramPlan, run_id: str) -> VramLease:
        lease = VramLease(plan, run_id, is_alone=plan.own_bytes < _EMPTY_BYTES)
        for other in self._leases:
            if other.plan.need.process == plan.need.process:
                other.is_alone = lease.is_alone = False
        self._leases.append(lease)
        return lease

    @asynccontextmanager
    async def _held(self, lease: VramLease) -> AsyncGenerator[None]:
        try:
            async with self._watch.listening(lease.see):
                yield
        finally:
            self._leases.remove(lease)
            self._used_at_s[lease.plan.need.process] = time.monotonic()
        # What had to work with less than it needs says nothing about its need.
        if lease.plan.card and lease.is_alone and lease.plan.will_fit is not False:
            await self._remember(lease)

    async def _ask(self, plan: VramPlan, run_id: str) -> VramPlan:
        """Ask, and return what the person agreed to. Raises VramRefusedError."""
        question = f"vram-{next(self._numbers)}"
        waiting: asyncio.Future[VramAnswer] = asyncio.get_running_loop().create_future()
        self._questions[question] = waiting
        self._bus.publish(VramPlanned(plan, run_id, question))
        self._tell(run_id, "progress.vram.asking")
        try:
            answer = await waiting
        finally:
            del self._questions[question]
            self._bus.publish(VramQuestionClosed(question))
        if answer == "cancel":
            raise VramRefusedError(**_words(plan))
        return plan if answer == "free" else replace(plan, unload=())

    def _tell(self, run_id: str, message: str) -> None:
        if run_id:
            self._bus.publish(RunProgressed(run_id, None, message))

    async def _unload(self, plan: VramPlan, run_id: str) -> None:
        self._tell(run_id, "progress.vram.freeing")
        before = await self._watch.fresh()
        sight = await self._look(before, run_id)
        now = {h.id: h for h in sight.holdings}
        for holding in plan.unload:
            # It may have begun to work, or be gone, since it was planned.
            if holding.id in now and now[holding.id].may_go:
                await sight.holders[holding.id].free()
        after = await self._wait_until_free(plan, run_id)
        names = tuple(h.name for h in plan.unload)
        self._bus.publish(VramFreed(names, used_bytes_of(before, plan.card), used_bytes_of(after, plan.card)))

    async def _wait_until_free(self, plan: VramPlan, run_id: str) -> GpuSnapshot:
        """Look until the memory is there. Raises VramNotFreedError."""
        assert plan.possible_bytes is not None and plan.need.needed_bytes is not None
        wanted = min(plan.need.needed_bytes, plan.possible_bytes)
        give_up_s = time.monotonic() + self._limits.free_s
        with self._watch.fast():
            while True:
                snapshot = await self._watch.fresh()
                card = snapshot.card(plan.card)
                if card is None or card.free_bytes is None:
                    raise VramNotFreedError(**_words(plan), free_gb="?")
                own = held_bytes(card, plan.need.process) or 0
                if card.free_bytes + own - self._promised(card, plan.need.process, run_id) >= wanted:
                    return snapshot
                if time.monotonic() > give_up_s:
                    raise VramNotFreedError(**_words(plan), free_gb=_gb(card.free_bytes))
                await asyncio.sleep(0.1)

    async def _settled(self, before: GpuSnapshot, expected_bytes: int) -> tuple[GpuSnapshot, bool]:
        """Look until what was expected is free, or no more becomes free; return the last look, and whether it rests."""
        snapshot, best = before, used_bytes_of(before)
        goal = (best or 0) - expected_bytes if expected_bytes else -1
        started_s = changed_s = time.monotonic()
        with self._watch.fast():
            while best is not None:
                snapshot = await self._watch.fresh()
                used, now_s = used_bytes_of(snapshot), time.monotonic()
                if used is not None and used < best:
                    best, changed_s = used, now_s
                if best <= goal or now_s - changed_s > self._limits.settle_s:
                    return snapshot, True
                if now_s - started_s > self._limits.free_s:
                    return snapshot, False
                await asyncio.sleep(0.1)
        return snapshot, True

    async def _has_cards(self) -> bool:
        return bool((self._watch.latest if self._watch.latest.gpus else await self._watch.recent()).gpus)

    async def _look(self, snapshot: GpuSnapshot, run_id: str = "") -> Sight:
        working: set[ProcessKind] = {lease.plan.need.process for lease in self._leases_beside(run_id)}
        return await look(self._sources, snapshot, self._settings().vram_pinned, working)

    def _leases_beside(self, run_id: str) -> list[VramLease]:
        """Return the leases of others: a run that has its picture looked at by a model does not wait for itself."""
        return [lease for lease in self._leases if not run_id or lease.run_id != run_id]

    def _promised(self, card: Gpu, process: ProcessKind, run_id: str = "") -> int:
        """Return what running leases of other programs were granted and have not yet taken."""
        open_bytes: dict[ProcessKind, int] = {}
        for lease in self._leases_beside(run_id):
            need = lease.plan.need
            if lease.plan.card == card.uuid and need.process != process and need.needed_bytes is not None:
                open_bytes[need.process] = max(open_bytes.get(need.process, 0), need.needed_bytes)
        return sum(max(0, size - (held_bytes(card, kind) or 0)) for kind, size in open_bytes.items())

    def _trainings_on(self, card: str) -> list[str]:
        needs = [lease.plan.need for lease in self._leases if lease.plan.card == card]
        return [need.name for need in needs if need.kind == "training"]

    async def _remember(self, lease: VramLease) -> None:
        """Keep the peak: the driver's figure, else what the program itself still holds."""
        need = lease.plan.need
        if lease.peak_bytes is None:
            sight = await self._look(self._watch.latest)
            said = [h.used_bytes for h in sight.holders.values() if h.process == need.process and h.used_bytes]
            lease.peak_bytes = sum(said) + context_bytes(need.process) if said else None
        if lease.peak_bytes is not None:
            await self._watch.remember_peak(need.key, lease.peak_bytes, datetime.now(UTC).isoformat(timespec="seconds"))

    async def _unload_idle(self) -> None:
        """Free what we used and left idle for as long as the settings say; what others use is theirs."""
        while True:
            await asyncio.sleep(self._limits.look_s)
            idle_s = self._settings().vram_idle_s
            for process, used_s in tuple(self._used_at_s.items()):
                if idle_s and time.monotonic() - used_s > idle_s and not self._granting.locked():
                    del self._used_at_s[process]
                    for holding in await self.holdings():
                        if holding.process == process and holding.may_go and holding.used_bytes:
                            await self.clear(holding.id)


def _gb(size_bytes: int | None) -> str:
    return "?" if size_bytes is None else f"{size_bytes / VRAM_GB:.1f}"


def _ids(plan: VramPlan) -> set[str]:
    return {holding.id for holding in plan.unload}


def _words(plan: VramPlan) -> dict[str, str]:
    return {"name": plan.need.name, "needed_gb": _gb(plan.need.needed_bytes)}
