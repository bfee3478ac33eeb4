"""Finds the installed trainer: its scripts, its Python, its version, and what its parser takes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.storage.atomic import write_atomically
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.training.errors import TrainerMissingError
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.options import OptionSchema
from ai4artsed_desktop.engine.training_ports import TrainerInfo

_VENVS = ("venv", ".venv")
_PYTHON = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")
#: "- **Version 0.10.1 (2026-02-13):**" in the trainer's README, newest first.
_VERSION = re.compile(r"\*\*Version (\d[\w.]*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")

#: Prints a script's options as JSON behind a mark; run by the trainer's own Python.
_ASK_PARSER = """
import importlib, json, pathlib, sys
sys.path.insert(0, sys.argv[1])
parser = importlib.import_module(sys.argv[2]).setup_parser()
names = {int: "int", float: "float", str: "str", None: "str", pathlib.Path: "path"}
found = {}
for action in parser._actions:
    if action.dest == "help":
        continue
    kind = "bool" if action.nargs == 0 else names.get(action.type, "str")
    if getattr(action.type, "__name__", "") == "int_or_float":
        kind = "int_or_float"
    entry = {"type": kind, "list": action.nargs in ("*", "+")}
    if action.choices:
        entry["choices"] = [choice for choice in action.choices if choice is not None]
    found[action.dest] = entry
print("OPTIONS" + json.dumps(found))
"""
_ASK_LIMIT_S = 180.0


def find_trainer(named: Path | None, python: Path | None) -> TrainerInfo:
    """Return the trainer in the folder ``named`` or in its ``sd-scripts``.

    Raises:
        TrainerMissingError: Nobody named a folder, it holds no trainer, or the trainer has no Python.
    """
    if named is None:
        raise TrainerMissingError(reason="training.trainer.unnamed", path="")
    folder = next((place for place in (named, named / "sd-scripts") if (place / "train_network.py").is_file()), None)
    if folder is None:
        raise TrainerMissingError(reason="training.trainer.no_scripts", path=str(named))
    found = python or _python_of(named) or _python_of(folder)
    if found is None or not found.is_file():
        raise TrainerMissingError(reason="training.trainer.no_python", path=str(found or folder))
    return TrainerInfo(folder, found, _version_of(folder), _packages_of(found))


def _python_of(folder: Path) -> Path | None:
    return next((folder / venv / _PYTHON for venv in _VENVS if (folder / venv / _PYTHON).is_file()), None)


def _version_of(folder: Path) -> str:
    readme = folder / "README.md"
    match = _VERSION.search(readme.read_text("utf-8", errors="replace")) if readme.is_file() else None
    return " ".join(part for part in (match[1] if match else "", _commit_of(folder)[:8]) if part)


def _commit_of(folder: Path) -> str:
    git = folder / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head if _COMMIT.fullmatch(head) else ""
        reference = git / head.removeprefix("ref: ")
        if reference.is_file():
            return reference.read_text().strip()
        packed = (git / "packed-refs").read_text()
        return next((line.split()[0] for line in packed.splitlines() if line.endswith(head.removeprefix("ref: "))), "")
    except (OSError, UnicodeDecodeError):
        return ""


def _packages_of(python: Path) -> frozenset[str]:
    """Names of the packages in a virtual environment, without starting it."""
    base = python.parent.parent
    found: set[str] = set()
    for place in (*base.glob("lib/python3*/site-packages"), base / "Lib" / "site-packages"):
        found |= {path.name.lower() for path in place.iterdir()} if place.is_dir() else set()
    return frozenset(found)


def trainer_environment(environment: Mapping[str, str], family: TrainerFamily, tokenizers: Path) -> dict[str, str]:
    """Return the environment the trainer needs; see each line for what happens otherwise.

    Source: recorded runs. The hub is left alone when every tokenizer is there; else its first use fetches them.
    """
    env = {name: value for name, value in environment.items() if name not in ("LINES", "PYTHONHOME", "PYTHONPATH")}
    env |= {
        "PYTHONUNBUFFERED": "1",  # else "saving checkpoint" comes after the save
        "PYTHONUTF8": "1",  # else Japanese words in its log end it on a Windows pipe
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "1000",  # else log lines are wrapped at 80 columns and paths are torn apart
    }
    if has_tokenizers(family, tokenizers):
        env["HF_HUB_OFFLINE"] = "1"
    return env


def has_tokenizers(family: TrainerFamily, folder: Path) -> bool:
    """Tell whether every tokenizer of a family is there."""
    return all((folder / name).is_dir() for name in family.tokenizers)


def command_line(trainer: TrainerInfo, script: str, config: Path, precision: str, gpus: int = 1) -> list[str]:
    """Return how the trainer is started: plainly for one GPU; only several need the launcher.

    The launcher passes no signals on and turns every exit code into 1.
    """
    program = [str(trainer.folder / script), "--config_file", str(config)]
    if gpus <= 1:
        return [str(trainer.python), "-u", *program]
    flags = ["--num_processes", str(gpus), "--num_machines", "1", "--mixed_precision", precision]
    launch = ["-u", "-m", "accelerate.commands.launch", "--multi_gpu", "--dynamo_backend", "no"]
    return [str(trainer.python), *launch, *flags, "--num_cpu_threads_per_process", "1", *program]


class InstalledParser:
    """Asks the installed trainer's own parser, once per version of its scripts."""

    def __init__(self, cache: Path, guards: Guards) -> None:
        self._cache = cache
        self._guards = guards

    async def schema_of(self, trainer: TrainerInfo, script: str) -> OptionSchema | None:
        """Return the options a script takes; None if it cannot be asked (the recorded list counts then)."""
        path = self._cache / f"{Path(script).stem}-{_fingerprint(trainer, script)}.json"
        try:
            return OptionSchema.from_json(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError):
            pass
        entries = await self._ask(trainer, script)
        if entries is None:
            return None
        try:
            write_atomically(path, json.dumps(entries).encode())
        except StorageError:
            pass  # it is asked again next time
        return OptionSchema.from_json(entries)

    async def _ask(self, trainer: TrainerInfo, script: str) -> dict[str, Any] | None:
        import asyncio

        argv = [str(trainer.python), "-c", _ASK_PARSER, str(trainer.folder), Path(script).stem]
        env = {**os.environ, "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1"}
        answer = ""
        try:
            async with asyncio.timeout(_ASK_LIMIT_S):
                child = await ChildProcess.start(
                    argv,
                    name="trainer-options",
                    cwd=trainer.folder,
                    env=env,
                    watchdog=self._guards.watchdog,
                    ledger=self._guards.ledger,
                )
                async with child:
                    async for line in child.lines():
                        answer = line.removeprefix("OPTIONS") if line.startswith("OPTIONS") else answer
                    if await child.wait() != 0:
                        return None
        except (OSError, TimeoutError):
            return None
        return json.loads(answer) if answer else None


def _fingerprint(trainer: TrainerInfo, script: str) -> str:
    facts = [str(trainer.folder), str(trainer.python), trainer.version]
    for path in (trainer.folder / script, trainer.folder / "library" / "train_util.py"):
        if path.is_file():
            status = path.stat()
            facts.append(f"{status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]
