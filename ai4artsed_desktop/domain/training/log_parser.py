"""Reads the trainer's output line by line: phases, steps, saves, failures.

Patterns: recorded from the real trainer (sd-scripts 0.10.1) with ``COLUMNS=1000``, which keeps log lines in one piece.
Facts depend
only on the lines of their own stream, so that reading both from files later gives the same as watching.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from ai4artsed_desktop.domain.training.facts import (
    ArgumentsRefused,
    CheckpointBegan,
    CheckpointRemoved,
    EpochBegan,
    ErrorLogged,
    ExceptionRaised,
    LogFact,
    LogLine,
    LossLost,
    MemoryOut,
    ModelSaved,
    NothingFound,
    Phase,
    PhaseBegan,
    PhaseProgressed,
    PictureFailed,
    Resumed,
    SamplesBegan,
    StateBegan,
    StateSaved,
    StepsDrawn,
    Stream,
    TotalsTold,
)

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LOG = re.compile(
    r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\s{19}) (DEBUG|INFO|WARNING|ERROR|CRITICAL) +(.*?)\s+([\w.]+\.py:\d+)\s*$"
)
_CONTINUED = re.compile(r"\s{29}(\S.*?)\s*$")
_BAR = re.compile(
    r"(?P<desc>[A-Za-z][A-Za-z ]*)?(?:: )?\s*\d+%\|[^|]*\|\s*(?P<n>\d+)/(?P<total>\d+) "
    r"\[(?P<elapsed>[\d:]+)<(?P<eta>[\d:?]+),\s*(?P<rate>[\d.]+|\?)(?P<unit>it/s|s/it)(?:, (?P<post>[^\]]*))?\]"
)
_LOSS = re.compile(r"avr_loss=([-+\w.]+)")
_EPOCH = re.compile(r"epoch (\d+)/(\d+)$")
_FIGURES = {
    "steps": re.compile(r"\s*total optimization steps / .*?: (\d+)$"),
    "pictures": re.compile(r"\s*num train images \* repeats / .*?: (\d+)$"),
    "epoch_batches": re.compile(r"\s*num batches per epoch / .*?: (\d+)$"),
}
_STATE_SAVED = re.compile(r"Random states saved in (.+)[/\\]random_states_\d+\.pkl$")
_SAMPLES = re.compile(r"generating sample images at step .*?: (\d+)$")
_RESUMED = re.compile(r"load train state from .*current_step['\"]?: (\d+)")
_EXCEPTION = re.compile(r"((?:\w+\.)*\w*(?:Error|Exception|Invalid|Interrupt))(?:: ?(.*))?$")
_ARGUMENTS = re.compile(r"\w+\.py: error: (.*)$")
_VRAM = re.compile(r"CUDA out of memory|OutOfMemoryError|HIP out of memory")
_RAM = re.compile(r"DefaultCPUAllocator: can't allocate memory|MemoryError|WinError 1455")
_TRACEBACK = "Traceback (most recent call last):"

#: Beginnings of log messages and the phase that begins with them.
_PHASES: tuple[tuple[str, Phase], ...] = (
    ("Loading settings from", "preparing"),
    ("prepare images.", "preparing"),
    ("loading model for process", "loading_model"),
    ("load StableDiffusion checkpoint", "loading_model"),
    ("Building Flux model", "loading_model"),
    ("Building MMDit", "loading_model"),
    ("caching latents", "caching_latents"),
    ("caching Text Encoder outputs", "caching_texts"),
    ("create LoRA network", "preparing"),
    ("generating sample images at step", "sampling"),
    ("Saving current state to", "saving"),
)


class TrainingLogParser:
    """Turns complete lines into facts. One per attempt."""

    def __init__(self) -> None:
        self._phase: Phase = "preparing"
        self._offset = 0
        self._step = 0
        self._is_in_traceback = False
        self._is_loss_lost = False

    def read(self, stream: Stream, line: str) -> Iterator[LogFact]:
        """Yield what a line says, the line itself last unless it is a redrawn bar."""
        if "\x1b" in line:
            line = _ESCAPE.sub("", line)
        if stream == "stdout":
            yield from self._stdout(line)
        else:
            yield from self._stderr(line)

    def _stdout(self, line: str) -> Iterator[LogFact]:
        if line.startswith("saving checkpoint: "):
            yield CheckpointBegan(line.removeprefix("saving checkpoint: "))
        elif line.startswith("removing old checkpoint: "):
            yield CheckpointRemoved(line.removeprefix("removing old checkpoint: "))
        elif match := _EPOCH.match(line):
            yield EpochBegan(int(match[1]), int(match[2]))
        elif " / " in line:
            for name, pattern in _FIGURES.items():
                if match := pattern.match(line):
                    yield TotalsTold(**{name: int(match[1])})
        if line.strip():
            yield LogLine("stdout", line.rstrip())

    def _stderr(self, line: str) -> Iterator[LogFact]:
        if "%|" in line and (bar := _BAR.match(line)):
            yield from self._bar(bar)
            # A bar has no line end of its own: what is written next on this stream stands behind it.
            if not (line := line[bar.end() :]).strip():
                return
        if match := _LOG.match(line):
            self._is_in_traceback = False
            level, message, source = match.groups()
            yield from self._message(level, message)
            yield LogLine("stderr", message, level, source)
            return
        yield from self._plain(line)
        if line.strip():
            text = match[1] if (match := _CONTINUED.match(line)) else line.rstrip()
            yield LogLine("stderr", text, "ERROR" if self._is_in_traceback else "")

    def _plain(self, line: str) -> Iterator[LogFact]:
        """A line without a level: tracebacks, usage, what libraries print."""
        if _TRACEBACK in line:
            self._is_in_traceback = True
        elif match := _ARGUMENTS.match(line):
            yield ArgumentsRefused(match[1])
        elif self._is_in_traceback and (match := _EXCEPTION.match(line)):
            yield ExceptionRaised(match[1], (match[2] or "").strip())
        if "emory" in line or "1455" in line:
            if _VRAM.search(line):
                yield MemoryOut(True, line.strip())
            elif _RAM.search(line):
                yield MemoryOut(False, line.strip())

    def _message(self, level: str, message: str) -> Iterator[LogFact]:
        for start, phase in _PHASES:
            if message.startswith(start):
                yield from self._enter(phase)
        if message == "model saved.":
            yield ModelSaved()
            yield from self._enter("done")
        elif message.startswith("Saving current state to "):
            yield StateBegan(message.removeprefix("Saving current state to "))
        elif match := _STATE_SAVED.match(message):
            yield StateSaved(match[1])
        elif match := _SAMPLES.match(message):
            yield SamplesBegan(int(match[1]))
        elif match := _RESUMED.match(message):
            self._offset = self._step = int(match[1])
            yield Resumed(self._offset)
        elif message.startswith("No data found."):
            yield NothingFound()
        elif message.startswith("Error loading file: "):
            yield PictureFailed(message.removeprefix("Error loading file: "))
        elif level in ("ERROR", "CRITICAL"):
            yield ErrorLogged(message)

    def _enter(self, phase: Phase) -> Iterator[LogFact]:
        if phase != self._phase and self._phase != "done":  # the bar is drawn once more after the end
            self._phase = phase
            yield PhaseBegan(phase)

    def _bar(self, bar: re.Match[str]) -> Iterator[LogFact]:
        done, total = int(bar["n"]), int(bar["total"])
        if bar["desc"] == "steps":
            yield from self._steps(bar, done, total)
        elif bar["desc"] is None:
            yield PhaseProgressed(self._phase, done, total)

    def _steps(self, bar: re.Match[str], done: int, total: int) -> Iterator[LogFact]:
        self._step = self._offset + done
        # A bar that a save or a sample interrupts is redrawn at once: only a new step says that training goes on.
        yield from self._enter("training")
        loss = float(match[1]) if (match := _LOSS.search(bar["post"] or "")) else None
        if loss is not None and not math.isfinite(loss) and not self._is_loss_lost:
            self._is_loss_lost = True
            yield LossLost(self._step)
        yield StepsDrawn(
            step=self._step,
            total=self._offset + total,
            elapsed_s=_seconds(bar["elapsed"]) or 0,
            left_s=_seconds(bar["eta"]),
            seconds_per_step=_seconds_per_step(bar["rate"], bar["unit"]),
            loss=loss,
        )


def _seconds(clock: str) -> int | None:
    """``MM:SS`` or ``H:MM:SS`` in seconds; ``?`` is None."""
    if "?" in clock:
        return None
    total = 0
    for part in clock.split(":"):
        total = total * 60 + int(part)
    return total


def _seconds_per_step(rate: str, unit: str) -> float | None:
    if rate == "?" or float(rate) == 0:
        return None
    return float(rate) if unit == "s/it" else 1 / float(rate)
