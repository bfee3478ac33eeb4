"""Follows one running attempt: sums up what is seen, tells the bus, and stops after a save if asked to."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from ai4artsed_desktop.domain.training.events import (
    CheckpointWritten,
    LossMeasured,
    SampleMade,
    TrainingLogGrown,
    TrainingPhaseChanged,
    TrainingProgressed,
    TrainingWarned,
)
from ai4artsed_desktop.domain.training.facts import LogLine
from ai4artsed_desktop.domain.training.progress import TrainingProgress
from ai4artsed_desktop.domain.training.records import AttemptRecord
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.tasks import TaskScope
from ai4artsed_desktop.engine.training_log import TrainingLog
from ai4artsed_desktop.engine.training_ports import Sightings, TrainingWorkshop

#: How long a trainer may take to end before it is killed. Source: it ended within 3 s in every recorded case.
STOP_GRACE_S = 5.0
#: A trainer that shows nothing for so long may hang. Models of 30 GB from a slow disk take 5 min without a word.
SILENCE_S = 600.0
#: Or for so many steps' time, where one step takes longer.
_SILENT_STEPS = 20


class AttemptWatch:
    """What is known of one attempt. ``progress`` and ``log`` may be read at any time."""

    def __init__(
        self, bus: EventBus, workshop: TrainingWorkshop, attempt: AttemptRecord, silence_s: float = SILENCE_S
    ) -> None:
        self._bus = bus
        self._silence_s = silence_s
        self._heard_s = time.monotonic()
        self._workshop = workshop
        self.attempt = attempt
        self.progress = TrainingProgress(
            step=attempt.base_step, total_steps=attempt.total_steps, last_state_step=attempt.base_step
        )
        self.log = TrainingLog()
        self.is_stopping = False
        self.is_stopping_after_save = False
        self._phase = ""
        self._told: set[str] = set()

    def stop_after_save(self) -> None:
        """End the trainer as soon as the next state is complete."""
        self.is_stopping_after_save = True

    async def stop(self) -> None:
        """End the trainer now and wait until it is gone."""
        self.is_stopping = True
        await self._workshop.ask_to_stop(self.attempt, STOP_GRACE_S)

    async def follow(self) -> None:
        """Watch until the process is gone. Raises what the workshop raises."""
        beside = TaskScope("silence")
        beside.spawn(self._say_when_silent(), name=self.attempt.project)
        try:
            await self.look(only_now=False)
        finally:
            await beside.aclose()

    async def look(self, *, only_now: bool = True) -> None:
        """Take in what there is; with ``only_now`` off, also what comes until the process is gone."""
        async with aclosing(self._workshop.watch(self.attempt, only_now=only_now)) as sightings:
            async for seen in sightings:
                has_state = self.take(seen)
                if has_state and self.is_stopping_after_save and not self.is_stopping:
                    await self.stop()
                await asyncio.sleep(0)  # a long log that is read again must not keep the loop for itself

    def take(self, seen: Sightings) -> bool:
        """Add what was seen and tell it; return whether a state was completed."""
        self._heard_s, self.progress.is_silent = time.monotonic(), False
        progress, project = self.progress, self.attempt.project
        curve_before = progress.curve[-1].step if progress.curve else -1
        states_before = progress.states_saved
        lines = [fact for fact in seen.facts if isinstance(fact, LogLine)]
        for fact in seen.facts:
            if not isinstance(fact, LogLine):
                progress.add(fact)
        for point in seen.points:
            progress.add_point(point)
        for sample in seen.samples:
            progress.add_sample(sample)
            self._bus.publish(SampleMade(project, sample))
        self.log.add(lines)
        self._tell(bool(lines), curve_before)
        if progress.states_saved > states_before:
            self._bus.publish(CheckpointWritten(project, progress.last_state_step))
            return True
        return False

    async def _say_when_silent(self) -> None:
        """Say it when the trainer lives and gives no sign of it: it may hang, which only a person can judge."""
        while True:
            limit_s = max(self._silence_s, _SILENT_STEPS * (self.progress.seconds_per_step or 0.0))
            left_s = self._heard_s + limit_s - time.monotonic()
            if left_s > 0 or self.progress.is_silent:
                await asyncio.sleep(left_s if left_s > 0 else limit_s)
            else:
                self.progress.is_silent = True
                self._tell(False, self.progress.curve[-1].step if self.progress.curve else -1)

    def _tell(self, has_lines: bool, curve_before: int) -> None:
        progress, project, bus = self.progress, self.attempt.project, self._bus
        if progress.phase != self._phase:
            self._phase = progress.phase
            bus.publish(TrainingPhaseChanged(project, progress.phase))
        bus.publish(
            TrainingProgressed(
                project,
                phase=progress.phase,
                step=progress.step,
                total_steps=progress.total_steps,
                epoch=progress.epoch,
                epochs=progress.epochs,
                phase_done=progress.phase_done,
                phase_total=progress.phase_total,
                seconds_per_step=progress.seconds_per_step,
                left_s=progress.left_s,
                loss=progress.loss,
                learning_rate=progress.learning_rate,
            )
        )
        if new := tuple(point for point in progress.curve if point.step > curve_before):
            bus.publish(LossMeasured(project, new))
        if has_lines:
            bus.publish(TrainingLogGrown(project, self.log.last))
        for key in progress.warnings:
            if key not in self._told:
                self._told.add(key)
                bus.publish(TrainingWarned(project, key))
