"""The recorded streams of the real trainer tell the same wherever they are cut: every step, loss, save and sample."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.process.lines import LineSplitter
from ai4artsed_desktop.adapters.training.console import ConsoleReader
from ai4artsed_desktop.domain.training.facts import (
    CheckpointBegan,
    CheckpointRemoved,
    EpochBegan,
    ExceptionRaised,
    LogFact,
    LogLine,
    MemoryOut,
    ModelSaved,
    PhaseBegan,
    Resumed,
    SamplesBegan,
    StateSaved,
    StepsDrawn,
    Stream,
    TotalsTold,
)
from ai4artsed_desktop.domain.training.log_parser import TrainingLogParser
from tests.support.training_kit import RECORDINGS, recording

ALL = sorted(path.stem for path in RECORDINGS.glob("*.jsonl"))
#: A plain environment, where lines are wrapped at 80 columns; ours sets COLUMNS.
WRAPPED = "good_accelerate_default_env"


@cache
def streams(name: str) -> dict[Stream, bytes]:
    """Return what a recorded run wrote, per stream."""
    records = [json.loads(line) for line in recording(name).read_text("utf-8").splitlines()]
    return {
        stream: "".join(record["data"] for record in records if record["stream"] == stream).encode()
        for stream in ("stdout", "stderr")
    }


def facts_of(pieces: Iterator[tuple[Stream, bytes]]) -> list[LogFact]:
    splitters: dict[Stream, LineSplitter] = {"stdout": LineSplitter(), "stderr": LineSplitter()}
    parser = TrainingLogParser()
    facts: list[LogFact] = []
    for stream, data in pieces:
        for line in splitters[stream].feed(data):
            facts += parser.read(stream, line)
    for stream, splitter in splitters.items():
        for line in splitter.finish():
            facts += parser.read(stream, line)
    return facts


def whole(name: str) -> list[LogFact]:
    return facts_of(iter(streams(name).items()))


def chunks(name: str, seed: int, largest: int) -> Iterator[tuple[Stream, bytes]]:
    """Cut both streams anywhere, also inside a letter of several bytes. Each stream's own order stays."""
    chance = random.Random(seed)
    for stream, data in streams(name).items():
        start = 0
        while start < len(data):
            end = start + chance.randint(1, largest)
            yield stream, data[start:end]
            start = end


@pytest.mark.parametrize(
    "name", ["good_python", "good_nan_loss", "resume_skip", "bad_encoding_cp1252", "int_sigint_python"]
)
def test_cut_at_every_byte_the_facts_are_the_same(name: str) -> None:
    assert repr(facts_of(chunks(name, 0, 1))) == repr(whole(name))  # as text: a loss that is NaN equals nothing


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(ALL), seed=st.integers(), largest=st.integers(2, 5000))
def test_cut_anywhere_the_facts_are_the_same(name: str, seed: int, largest: int) -> None:
    assert repr(facts_of(chunks(name, seed, largest))) == repr(whole(name))


@pytest.mark.parametrize("name", [name for name in ALL if name != WRAPPED])
def test_every_step_loss_save_and_sample_of_the_raw_bytes_is_found(name: str) -> None:
    """Counted in the raw text by other means than the parser's."""
    err, out = (streams(name)[stream].decode() for stream in ("stderr", "stdout"))
    facts = whole(name)
    drawn = re.findall(r"(?:^|\r)steps: .{0,40}?(\d+)/\d+ \[[^\]]*?(?:avr_loss=([\w.]+))?\]", err)
    steps = [fact for fact in facts if isinstance(fact, StepsDrawn)]
    assert len(steps) == len(drawn)
    offset = next((fact.step for fact in facts if isinstance(fact, Resumed)), 0)
    assert [str(fact.step - offset) for fact in steps] == [step for step, _ in drawn]
    losses = [float(loss) for _, loss in drawn if loss and loss != "nan"]
    assert [fact.loss for fact in steps if fact.loss is not None and fact.loss == fact.loss] == losses
    assert len(of(facts, CheckpointBegan)) == out.count("saving checkpoint: ")
    assert len(of(facts, CheckpointRemoved)) == out.count("removing old checkpoint: ")
    assert len(of(facts, StateSaved)) == err.count("Random states saved in ")
    assert len(of(facts, SamplesBegan)) == err.count("generating sample images at step")
    assert len(of(facts, ModelSaved)) == err.count(" model saved. ")
    assert len(of(facts, EpochBegan)) == len(re.findall(r"(?m)^epoch \d+/\d+$", out))


def of(facts: list[LogFact], kind: type[LogFact]) -> list[LogFact]:
    return [fact for fact in facts if isinstance(fact, kind)]


def test_phases_follow_the_recorded_order() -> None:
    phases = [fact.phase for fact in whole("good_python") if isinstance(fact, PhaseBegan)]
    assert phases[:4] == ["loading_model", "caching_latents", "preparing", "training"]
    assert "sampling" in phases
    assert "saving" in phases
    assert phases[-1] == "done"


def test_figures_of_the_training_are_told() -> None:
    told = [fact for fact in whole("good_python") if isinstance(fact, TotalsTold)]
    assert {fact.steps for fact in told} == {None, 10}
    assert {fact.pictures for fact in told} == {None, 12}
    assert {fact.epoch_batches for fact in told} == {None, 6}


def test_a_resumed_run_counts_on_from_its_state() -> None:
    steps = [fact for fact in whole("resume_skip") if isinstance(fact, StepsDrawn)]
    assert (steps[0].step, steps[-1].step, steps[-1].total) == (4, 10, 10)


def test_the_last_exception_of_a_chain_explains_most() -> None:
    raised = [fact for fact in whole("bad_optimizer_8bit") if isinstance(fact, ExceptionRaised)]
    assert raised[-1].kind == "ImportError"
    assert raised[-1].text.startswith("No bitsandbytes")


@pytest.mark.parametrize(
    ("line", "is_vram"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 80.00 MiB.", True),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("RuntimeError: [enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: x", False),
        ("OSError: [WinError 1455] The paging file is too small for this operation to complete.", False),
    ],
)
def test_lack_of_memory_is_recognised(line: str, is_vram: bool) -> None:
    facts = [fact for fact in TrainingLogParser().read("stderr", line) if isinstance(fact, MemoryOut)]
    assert [fact.is_vram for fact in facts] == [is_vram]


def test_noise_is_only_lines() -> None:
    noise = "fatal: not a git repository (or any of the parent directories): .git"
    assert list(TrainingLogParser().read("stderr", noise)) == [LogLine("stderr", noise)]
    assert list(TrainingLogParser().read("stderr", "   ")) == []


@given(st.text(max_size=300))
def test_no_line_breaks_the_parser(line: str) -> None:
    parser = TrainingLogParser()
    for stream in ("stdout", "stderr"):
        list(parser.read(stream, line))


def test_a_console_is_read_on_while_it_grows_and_over_its_segments(tmp_path: Path) -> None:
    reader = ConsoleReader(tmp_path)
    assert reader.read() is None
    records = [
        json.dumps({"t": 1.0, "stream": record["stream"], "data": record["data"]}).encode() + b"\n"
        for record in map(json.loads, recording("good_python").read_text("utf-8").splitlines())
        if record["stream"] != "meta"
    ]
    found: list[LogFact] = []
    third = len(records) // 3
    parts = [b"".join(records[:third]), b"".join(records[third : 2 * third]), b"".join(records[2 * third :])]
    first, second = tmp_path / "console-0001.jsonl", tmp_path / "console-0002.jsonl"
    first.write_bytes(parts[0][:-7])  # a line is half there
    found += reader.read() or []
    first.write_bytes(parts[0] + parts[1])
    second.write_bytes(parts[2])
    while (facts := reader.read()) is not None:
        found += facts
    found += reader.finish()
    kinds = (StepsDrawn, StateSaved, CheckpointBegan, ModelSaved)
    assert [fact for fact in found if isinstance(fact, kinds)] != []
    for kind in kinds:
        assert of(found, kind) == of(whole("good_python"), kind)


def test_a_console_that_lost_segments_and_has_damaged_lines_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "console-0001.jsonl").write_bytes(
        b'{"t": 1, "stream": "stderr", "data": "one\\n"}\nnot json\n{"x": 1}\n'
    )
    (tmp_path / "console-0005.jsonl").write_bytes(b'{"t": 1, "stream": "stderr", "data": "two\\n"}\n')
    reader = ConsoleReader(tmp_path)
    found: list[LogFact] = []
    while (facts := reader.read()) is not None:
        found += facts
    assert found == [LogLine("stderr", "one"), LogLine("stderr", "two")]
    assert reader.lost_segments == 3
