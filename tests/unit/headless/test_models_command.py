"""``ai4artsed models``: the shape of its list, what it says on standard error, and the actions on Ollama's models."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.headless.cli import build_parser
from tests.support.gguf_files import write_model
from tests.support.ollama_double import OllamaDouble, shaped

ROOT = Path(__file__).resolve().parents[3]

KEYS = {
    "id", "name", "provider", "kind", "grade", "size_bytes", "quantisation", "parameters", "context_tokens",
    "languages", "can_see", "can_think", "is_loaded", "loaded_bytes", "size_vram_bytes", "licence", "digest", "path",
    "runnable", "reason",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What the program said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out, self.err
        return json.loads(self.out)


class Program:
    """The command line as a process of its own, beside a double of Ollama."""

    def __init__(self, double: OllamaDouble, home: Path) -> None:
        self.double = double
        self.home = home

    async def models(self, *arguments: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ai4artsed_desktop", "models", *arguments,
            cwd=ROOT, env={
                **os.environ, "LANG": "en_US.UTF-8", "AI4ARTSED_HOME": str(self.home),
                "AI4ARTSED_LANGUAGE": "en", "OLLAMA_HOST": self.double.url, "OLLAMA_MODELS": str(self.home / "ollama"),
                "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            }, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def program(home: Path) -> AsyncGenerator[Program, None]:
    double = OllamaDouble("llama3.2:latest")
    async with double.serving():
        yield Program(double, home)


def put_model(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_model(folder / "mine.gguf")


async def test_the_list_is_one_array_with_the_same_keys_for_every_provider(app_home: Path) -> None:
    put_model(app_home / "data" / "models")
    async with program(app_home) as cli:
        cli.double.load("llama3.2:latest", size=4_000, size_vram=3_000)
        said = await cli.models("--json")
        plain = await cli.models()
    rows = {row["id"]: row for row in said.json}
    assert (said.code, set(rows)) == (0, {"ollama/llama3.2:latest", "built_in/mine"})
    assert all(row.keys() == KEYS for row in rows.values())
    llama = rows["ollama/llama3.2:latest"]
    assert (llama["kind"], llama["grade"], llama["quantisation"], llama["runnable"]) == (
        "local", "instruct", "Q4_K_M", True,
    )  # fmt: skip
    assert (llama["is_loaded"], llama["loaded_bytes"], llama["size_vram_bytes"]) == (True, 4_000, 3_000)
    assert llama["context_tokens"] == 131_072
    assert rows["built_in/mine"]["is_loaded"] is False
    assert "75 % on the graphics card" in plain.out


async def test_a_server_that_is_not_there_is_said_on_standard_error_and_fails_nothing(app_home: Path) -> None:
    async with program(app_home) as cli:
        cli.double.url = "http://127.0.0.1:9"
        said = await cli.models("--json")
    assert (said.code, said.json) == (0, [])
    assert "Ollama" in said.err and "127.0.0.1:9" in said.err


async def test_a_download_tells_its_progress_on_standard_error_and_its_end_as_json(app_home: Path) -> None:
    async with program(app_home) as cli:
        said = await cli.models("pull", "llama3.2", "--json")
        assert (said.code, said.json) == (0, {"model": "ollama/llama3.2", "done": True})
        assert "layer 1 (dde5aa3fc5ff) 100 % of 2.0 GB" in said.err and "layer 2 (34bb5ab01051) 100 %" in said.err
        cli.double.then("/api/pull", shaped("pull without network"))
        failed = await cli.models("--json", "pull", "llama3.2")
    assert (failed.code, failed.json["error"]["code"]) == (1, "error.provider.failed")
    assert "no such host" in failed.err


async def test_models_are_deleted_imported_copied_and_listed(app_home: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "mine.gguf")
    async with program(app_home) as cli:
        assert (await cli.models("delete", "llama3.2")).code == 0
        assert (await cli.models("delete", "nope")).code == 1
        assert (await cli.models("import", str(tmp_path / "mine.gguf"), "mine:1b", "--json")).json["done"] is True
        assert (await cli.models("stored", "--json")).json == []
        failed = await cli.models("copy-out", "nope:1b", str(tmp_path / "stick"), "--json")
    assert (failed.code, failed.json["error"]["code"]) == (1, "error.model.missing")


@pytest.mark.parametrize("arguments", [("pull",), ("nonsense",), ("copy-out", "x"), ("--nonsense",)])
def test_wrong_usage_ends_with_two(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["models", *arguments])
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_json_counts_before_and_after_the_action() -> None:
    for arguments in (["--json", "stored"], ["stored", "--json"], ["--json"]):
        assert build_parser().parse_args(["models", *arguments]).json is True
    assert build_parser().parse_args(["models", "stored"]).json is False
