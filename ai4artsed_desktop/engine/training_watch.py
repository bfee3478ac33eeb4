"""Follows one running attempt: sums up what is seen, tells the bus, and stops after a save if asked to."""

from __future__ import annotations

import asyncio
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
from ai4artsed_desktop.engine.training_log import TrainingLog
from ai4artsed_desktop.engine.training_ports import Sightings, TrainingWorkshop

#: How long a trainer may take to end before it is killed. Source: it ended within 3 s in every recorded case.
STOP_GRACE_S = 5.0


class AttemptWatch:
    """What is known of one attempt. ``progress`` and ``log`` may be read at any time."""

    def __init__(self, bus: EventBus, workshop: TrainingWorkshop, attempt: AttemptRecord) -> None:
        self._bus = bus
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

    async def follow(self, *, only_now: bool = False) -> None:
        """Watch until the process is gone; ``only_now``: take in what there is."""
        async with aclosing(self._workshop.watch(self.attempt, only_now=only_now)) as sightings:
            async for seen in sightings:
                has_state = self.take(seen)
                if has_state and self.is_stopping_after_save and not self.is_stopping:
                    await self.stop()
                await asyncio.sleep(0)  # a long log that is read again must not keep the loop for itself

    def take(self, seen: Sightings) -> bool:
        """Add what was seen and tell it; return whether a state was completed."""
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
