"""The command line as a process: pipes, signals, locales, and the whole job with the real model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from ai4artsed_desktop.adapters.storage.run_folders import find_run_folders, read_record
from tests.support.programs import COMMAND, ask, left_after, program

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and pipes")


def give_model(home: Path, model: Path) -> None:
    """Let a data folder use the try-out model, where it lies."""
    folder = home / "data" / "models"
    folder.mkdir(parents=True)
    (folder / model.name).symlink_to(model)


@posix_only
@pytest.mark.parametrize("arguments", ["list interception", "list chunks --json", "catalog check", "--self-check"])
async def test_a_reader_that_leaves_early_is_no_error(app_home: Path, arguments: str) -> None:
    """Like ``| head -1``, but surer: the reading end is closed before anything is written."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments.split(), stdout=write_end, stderr=asyncio.subprocess.PIPE
    )
    os.close(write_end)
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")


async def test_umlauts_come_in_and_out_whole_in_a_c_locale(app_home: Path) -> None:
    locale = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    async with program(
        app_home, "run", "--interception", "as_is", "-", stdin=asyncio.subprocess.PIPE, **locale
    ) as process:
        out, err = await process.communicate("Äpfel 🍎 für Zoë".encode())
    assert process.returncode == 0, err.decode()
    (folder,) = find_run_folders(app_home / "data" / "runs")
    assert read_record(folder).input_text == "Äpfel 🍎 für Zoë"
    assert out.decode().startswith("Run folder: ")


async def test_a_home_with_blanks_and_umlauts_works(tmp_path: Path) -> None:
    home = tmp_path / "Mein Ordner – größer 🍎"
    code, out, err = await ask(home, "run", "--interception", "procedure_snowball", "--json", "a red apple on a table")
    assert code == 0, err
    assert str(home) in json.loads(out)["run_folder"]


@posix_only
@pytest.mark.llm
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_in_the_middle_of_a_run_ends_it_tidily(
    app_home: Path, smollm2_path: Path, number: signal.Signals
) -> None:
    give_model(app_home, smollm2_path)
    async with program(app_home, "run", "--interception", "dada", "--json", "A red apple on a table") as process:
        assert process.stderr is not None
        while b"SmolLM2" not in await process.stderr.readline():
            assert process.returncode is None
        process.send_signal(number)
        out, _ = await process.communicate()
    assert process.returncode == 130
    assert json.loads(out)["cancelled"] is True
    assert await left_after(app_home) == []
    (folder,) = find_run_folders(app_home / "data" / "runs")
    assert read_record(folder).state == "cancelled"


@posix_only
async def test_ctrl_c_while_waiting_for_standard_input_ends_at_once(app_home: Path) -> None:
    async with program(app_home, "run", "--interception", "as_is", "-", stdin=asyncio.subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"half an idea")
        await process.stdin.drain()
        await until_it_reads(process.pid)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            assert await process.wait() == 130
        process.stdin.close()
    assert not (app_home / "data").exists()


async def until_it_reads(pid: int) -> None:
    """Wait until a process has its signal handling and its parser loaded: it sleeps, and has for a while."""
    calm = 0
    async with asyncio.timeout(30):
        while calm < 6:
            await asyncio.sleep(0.05)
            calm = calm + 1 if psutil.Process(pid).status() == psutil.STATUS_SLEEPING else 0


@pytest.mark.llm
@pytest.mark.webengine
@pytest.mark.timeout(240)
async def test_the_main_job_twice_gives_the_same_text_and_pixels_and_so_does_its_replay(
    app_home: Path, smollm2_path: Path, tmp_path: Path
) -> None:
    give_model(app_home, smollm2_path)
    runs: list[dict[str, Any]] = []
    job = ["run", "--interception", "dada", "--output", "sketchbook_p5js", "--seed", "7", "--json", "--out"]
    for arguments in ([*job, str(tmp_path / "out"), "A red apple"], [*job, str(tmp_path / "out"), "A red apple"]):
        code, out, err = await ask(app_home, *arguments)
        assert code == 0, err
        runs.append(json.loads(out))
    code, out, err = await ask(app_home, "runs", "replay", runs[0]["run_id"], "--json")
    assert code == 0, err
    runs.append(json.loads(out))
    texts = [[(stage["name"], stage["text"], stage["model"]) for stage in run["stages"]] for run in runs]
    media = [[(medium["mime"], medium["sha256"]) for medium in run["media"]] for run in runs]
    assert texts[0] == texts[1] == texts[2] and media[0] == media[1] == media[2]
    assert [mime for mime, _ in media[0]] == ["text/javascript", "image/png"]
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert await left_after(app_home) == []


@pytest.mark.llm
async def test_german_for_the_tiny_model_is_refused_with_a_next_step(app_home: Path, smollm2_path: Path) -> None:
    give_model(app_home, smollm2_path)
    code, out, _ = await ask(app_home, "run", "--interception", "dada", "--json", "Ein roter Apfel auf einem Tisch")
    error = json.loads(out)["error"]
    assert code == 1 and error["code"] == "error.input.language" and "procedure" in error["message"]
