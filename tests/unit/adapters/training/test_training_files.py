"""Curves, states, finished files, locks, the installed trainer, and verdicts over them."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
import timeit
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.lasting_child import Console, segment_path
from ai4artsed_desktop.adapters.training.locks import owner_lock
from ai4artsed_desktop.adapters.training.outputs import (
    SampleFolder,
    complete_states,
    move_without_overwriting,
    state_of_file,
)
from ai4artsed_desktop.adapters.training.schemas import RecordedSchemas
from ai4artsed_desktop.adapters.training.tensorboard import EventFileReader, EventFolderReader, masked_crc
from ai4artsed_desktop.adapters.training.trainer_files import (
    InstalledParser,
    command_line,
    find_trainer,
    trainer_environment,
)
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.training.errors import TrainerMissingError
from ai4artsed_desktop.domain.training.facts import LogLine
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.domain.training.progress import CurvePoint, TrainingProgress
from ai4artsed_desktop.domain.training.records import AttemptRecord
from ai4artsed_desktop.domain.training.verdict import AttemptEnd, FileState, judge_attempt
from ai4artsed_desktop.engine.training_log import TrainingLog
from tests.support.fake_trainer import event_record, png_bytes, safetensors_bytes
from tests.support.training_kit import RECORDINGS, SCHEMAS, install_fake_trainer

REAL_EVENTS = RECORDINGS / "real_training.tfevents"


# ---- curves ----


def test_checksums_are_those_of_crc32c() -> None:
    """Known value of CRC-32C ("123456789" → 0xE3069283, RFC 3720), then TFRecord's mask."""
    crc = 0xE3069283
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_the_file_of_a_real_training_is_read_as_tensorboard_reads_it() -> None:
    """Values beside it: what TensorBoard's own EventAccumulator found in the same file."""
    expected = json.loads(REAL_EVENTS.with_suffix(".json").read_text("utf-8"))
    found: dict[str, list[list[float]]] = {}
    for point in EventFileReader(REAL_EVENTS).read():
        found.setdefault(point.tag, []).append([point.step, point.value])
    assert found.keys() == expected.keys()
    for tag, points in expected.items():
        assert found[tag] == [[step, pytest.approx(value, rel=1e-6)] for step, value in points], tag


@given(cuts=st.lists(st.integers(1, 3000), max_size=12))
def test_a_growing_file_gives_the_same_points_at_any_cut(cuts: list[int]) -> None:
    import tempfile

    data = REAL_EVENTS.read_bytes()
    whole = EventFileReader(REAL_EVENTS).read()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.out.tfevents.1"
        reader, points = EventFileReader(path), list[CurvePoint]()
        for end in [*sorted(cut for cut in cuts if cut < len(data)), len(data)]:
            path.write_bytes(data[:end])
            points += reader.read()
    assert points == whole
    assert not reader.is_damaged


def test_a_cut_tail_waits_and_damage_stops(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    record = event_record("loss/current", 1, 0.5)
    path.write_bytes(record + record[:-3])
    reader = EventFileReader(path)
    assert [point.value for point in reader.read()] == [0.5]
    assert reader.read() == []
    damaged = bytearray(record)
    damaged[20] ^= 0xFF
    path.write_bytes(record + bytes(damaged) + record)
    other = EventFileReader(path)
    assert len(other.read()) == 1
    assert other.is_damaged
    assert other.read() == []


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.out.tfevents.x"
        path.write_bytes(data)
        EventFileReader(path).read()
        length = struct.pack("<Q", len(data))
        path.write_bytes(length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data)))
        EventFolderReader(Path(folder)).read()


def test_a_resumed_training_replaces_the_steps_it_does_again() -> None:
    progress = TrainingProgress()
    for step, loss in ((1, 1.0), (2, 0.9), (3, 0.8), (2, 0.7), (3, 0.6), (4, float("nan"))):
        progress.add_point(CurvePoint("loss/current", step, loss))
    assert [(point.step, point.loss) for point in progress.curve] == [(1, 1.0), (2, 0.7), (3, 0.6)]
    assert progress.is_loss_lost


# ---- files ----


def make_state(output: Path, name: str, step: int, *, is_complete: bool = True) -> None:
    folder = output / f"{name}-state"
    folder.mkdir(parents=True)
    (folder / "train_state.json").write_text(json.dumps({"current_epoch": 1, "current_step": step}))
    if is_complete:
        (folder / "random_states_0.pkl").write_bytes(b"x")


def test_only_complete_states_count_and_the_newest_is_last(tmp_path: Path) -> None:
    make_state(tmp_path, "p-step00000008", 8)
    make_state(tmp_path, "p-step00000004", 4)
    make_state(tmp_path, "p-step00000012", 12, is_complete=False)
    make_state(tmp_path, "p-step00000010", 10)
    (tmp_path / "p-step00000010-state" / "train_state.json").write_text("{")
    assert [state.step for state in complete_states(tmp_path)] == [4, 8]
    assert complete_states(tmp_path / "nowhere") == []


def test_a_cut_lora_is_told_from_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    assert state_of_file(path) == "absent"
    data = safetensors_bytes()
    path.write_bytes(data)
    assert state_of_file(path) == "complete"
    for cut in (0, 5, 50, len(data) - 1):
        path.write_bytes(data[:cut])
        assert state_of_file(path) == "cut"


def test_a_finished_lora_never_takes_anothers_place(tmp_path: Path) -> None:
    folder, source = tmp_path / "loras", tmp_path / "sd15_p.safetensors"
    for number, name in ((1, "sd15_p"), (2, "sd15_p_2"), (3, "sd15_p_3")):
        source.write_bytes(bytes([number]))
        assert move_without_overwriting(source, folder) == folder / f"{name}.safetensors"
        assert not source.exists()
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == [b"\x01", b"\x02", b"\x03"]


def test_a_lora_that_cannot_be_moved_stays_where_it_is(tmp_path: Path) -> None:
    source = tmp_path / "x.safetensors"
    source.write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        move_without_overwriting(source, tmp_path / "file" / "loras")
    assert source.exists()


def test_samples_appear_when_they_are_whole(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path)
    assert folder.read() == []
    (tmp_path / "sample").mkdir()
    path = tmp_path / "sample" / "sd15_Übung_000005_01_20261120131718_42.png"
    path.write_bytes(png_bytes()[:-4])
    (tmp_path / "sample" / "notes.png").write_bytes(png_bytes())
    assert folder.read() == []
    path.write_bytes(png_bytes())
    (tmp_path / "sample" / "p_e000002_00_20261120131719.png").write_bytes(png_bytes())
    assert {(s.number, s.is_epoch, s.prompt) for s in folder.read()} == {(5, False, 1), (2, True, 0)}
    assert folder.read() == []


def test_a_console_that_grows_wild_keeps_its_beginning_and_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ai4artsed_desktop.adapters.process import lasting_child

    monkeypatch.setattr(lasting_child, "SEGMENT_BYTES", 1_000)
    console = Console(tmp_path)
    for number in range(2_000):
        console.write("stderr", f"line {number}\n")
    kept = sorted(tmp_path.glob("console-*.jsonl"))
    assert kept[0] == segment_path(tmp_path, 1)
    assert len(kept) == lasting_child.SEGMENTS_KEPT + 1
    assert "line 0\\n" in kept[0].read_text()
    assert "line 1999\\n" in kept[-1].read_text()


# ---- locks ----


def test_a_lock_keeps_others_out_and_a_dead_owners_lock_falls(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    order: list[str] = []
    with owner_lock(path):
        thread = threading.Thread(target=lambda: take(path, order))
        thread.start()
        with pytest.raises(StorageError), owner_lock(path, limit_s=0.2):
            pytest.fail("two owners")
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not path.exists()
    path.write_text(json.dumps({"pid": ended_pid(), "started": "boot:1"}))
    with owner_lock(path, limit_s=5):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def take(path: Path, order: list[str]) -> None:
    with owner_lock(path):
        order.append("second")


def ended_pid() -> int:
    return int(
        subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True).stdout
    )


# ---- the installed trainer ----


def test_the_trainer_is_found_in_its_folder_or_in_one_that_holds_it(tmp_path: Path) -> None:
    found = find_trainer(install_fake_trainer(tmp_path / "kohya_ss" / "sd-scripts"), None)
    assert found.version == "0.10.1"
    assert "bitsandbytes" in found.packages
    assert find_trainer(tmp_path / "kohya_ss", None).folder == tmp_path / "kohya_ss" / "sd-scripts"


def test_a_missing_trainer_is_told_by_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TrainerMissingError) as unnamed:
        find_trainer(None, None)
    assert unnamed.value.params["reason"] == "training.trainer.unnamed"
    with pytest.raises(TrainerMissingError) as empty:
        find_trainer(tmp_path, None)
    assert empty.value.params["reason"] == "training.trainer.no_scripts"
    folder = install_fake_trainer(tmp_path / "k")
    (folder / "venv" / "bin" / "python").unlink()
    with pytest.raises(TrainerMissingError) as without:
        find_trainer(folder, None)
    assert without.value.params["reason"] == "training.trainer.no_python"


async def test_the_installed_parser_is_asked_once_and_agrees_with_the_recorded_list(tmp_path: Path) -> None:
    trainer = find_trainer(install_fake_trainer(tmp_path / "k"), None)
    parser = InstalledParser(tmp_path / "cache", Guards())
    recorded = RecordedSchemas(SCHEMAS)
    for script in ("train_network.py", "flux_train_network.py"):
        asked = await parser.schema_of(trainer, script)
        assert asked is not None
        facts = {name: (spec.type, spec.is_list, spec.choices) for name, spec in asked.items()}
        assert facts == {n: (s.type, s.is_list, s.choices) for n, s in recorded.schema_of(script).items()}
    (trainer.folder / "venv" / "bin" / "python").unlink()
    assert await parser.schema_of(trainer, "train_network.py") is not None, "from the cache"
    assert await parser.schema_of(trainer, "sdxl_train_network.py") is None, "cannot be asked"


def test_one_gpu_is_plain_python_and_only_several_need_the_launcher(tmp_path: Path) -> None:
    trainer = find_trainer(install_fake_trainer(tmp_path / "k"), None)
    config = tmp_path / "job.toml"
    one = command_line(trainer, "train_network.py", config, "bf16")
    assert one == [str(trainer.python), "-u", str(trainer.folder / "train_network.py"), "--config_file", str(config)]
    two = command_line(trainer, "train_network.py", config, "bf16", gpus=2)
    assert two[2:4] == ["-m", "accelerate.commands.launch"]
    assert two[two.index("--num_processes") + 1] == "2"
    assert two[-2:] == ["--config_file", str(config)]


def test_the_environment_is_the_recorded_one(tmp_path: Path) -> None:
    family = family_of("sd15")
    env = trainer_environment({"PATH": "x", "LINES": "5", "COLUMNS": "80", "PYTHONPATH": "y"}, family, tmp_path)
    assert env["PATH"] == "x"
    assert (env["COLUMNS"], env["PYTHONUTF8"], env["PYTHONUNBUFFERED"]) == ("1000", "1", "1")
    assert env["PYTHONIOENCODING"] == "utf-8"
    assert "LINES" not in env
    assert "PYTHONPATH" not in env
    assert "HF_HUB_OFFLINE" not in env, "its tokenizer is not there yet"
    (tmp_path / family.tokenizers[0]).mkdir()
    assert trainer_environment({}, family, tmp_path)["HF_HUB_OFFLINE"] == "1"


# ---- verdicts and the log ----

RECORD = AttemptRecord(
    project="p", family="sd15", training=1, attempt=1, started_s=0, total_steps=10, save_every=4, preset_gb=16,
    output_name="sd15_p", argv=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("exit_code", "is_said", "file", "was_stopped", "state", "code"),
    [
        (0, True, "complete", False, "finished", ""),
        (0, True, "complete", True, "finished", ""),
        (0, False, "complete", False, "failed", "not_saved"),
        (0, True, "absent", False, "failed", "not_saved"),
        (0, True, "cut", False, "failed", "cut_file"),
        (1, True, "complete", False, "failed", "not_saved"),
        (-15, False, "absent", True, "stopped", ""),
        (-9, False, "absent", False, "failed", "killed"),
        (137, False, "absent", False, "failed", "killed"),
        (None, False, "absent", False, "interrupted", "lost"),
        (None, True, "complete", False, "interrupted", "lost"),
    ],
)
def test_success_needs_the_code_the_word_and_the_file(
    exit_code: int | None, is_said: bool, file: FileState, was_stopped: bool, state: str, code: str
) -> None:
    end = AttemptEnd(exit_code, was_stopped, file)
    verdict = judge_attempt(RECORD, family_of("sd15"), TrainingProgress(is_model_saved=is_said), end)
    assert (verdict.state, verdict.code.removeprefix("error.training.")) == (state, code)


def test_the_log_is_numbered_bounded_and_searched() -> None:
    log = TrainingLog(limit=5)
    assert (log.last, log.tail(), log.since(0)) == (0, [], [])
    log.add([LogLine("stderr", f"Line {n}", "ERROR" if n % 2 else "") for n in range(1, 9)])
    assert (log.first, log.last) == (4, 8)
    assert [line.number for line in log.since(0)] == [4, 5, 6, 7, 8]
    assert [line.number for line in log.since(6, 1)] == [7]
    assert [line.number for line in log.tail(2)] == [7, 8]
    assert [hit.number for hit in log.search("line 5")] == [5]
    assert [hit.number for hit in log.search("", level="ERROR", limit=2)] == [5, 7]
    assert log.search("line 1") == [], "it was dropped"


def test_the_newest_lines_of_a_long_log_are_reached_as_quickly_as_the_oldest() -> None:
    log = TrainingLog()
    log.add([LogLine("stderr", f"Line {n}") for n in range(200_000)])

    def quickest_s(number: int) -> float:
        return min(timeit.repeat(lambda: log.since(number, 250), number=1, repeat=30))

    assert quickest_s(199_000) < 5 * quickest_s(0)
