"""Looks at the machine and the installation: what is here and what is missing. Changes nothing."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil

from ai4artsed_desktop import __version__
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.launch import child_cwd
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo
from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.engine.safety_self_test import run_self_test

_GB = 1e9
_ENOUGH_FREE_BYTES = 2e9
#: (finding, module, distribution) of each part that may be missing.
_PARTS = (
    ("qt", "PySide6.QtWidgets", "PySide6-Essentials"),
    ("web_engine", "PySide6.QtWebEngineWidgets", "PySide6-Addons"),
    ("multimedia", "PySide6.QtMultimedia", "PySide6-Addons"),
    ("llama_cpp", "xllamacpp", "xllamacpp"),
)
_IMPORT_SCRIPT = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        print(name, "", sep="\\t", flush=True)
    except Exception as exc:
        print(name, " ".join(str(exc).split()), sep="\\t", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        id: Its texts in the language files: ``doctor.<id>.name``, ``.disables``, ``.remedy``.
        value: What was found: plain text, or a language-file key.
        is_essential: Nothing works without it.
    """

    id: str
    state: Literal["ok", "missing", "note"]
    value: str
    params: dict[str, str] = field(default_factory=dict[str, str])
    is_essential: bool = False


async def inspect(engine: Engine, paths: AppPaths) -> list[Finding]:
    """Return every finding, the essential ones first. The catalogue must have been read."""
    models = await engine.models.list_models()
    basics = await asyncio.to_thread(lambda: [*_system(), *_folders(paths)])
    machine = await asyncio.to_thread(lambda: [_display(), _gpu()])
    safety = await _safety(engine)
    return [*basics, *await _modules(), *machine, *_models(models), *_catalog(engine), *safety, *await _servers(engine)]


def _system() -> list[Finding]:
    memory = psutil.virtual_memory()
    return [
        Finding("program", "ok", f"{__version__}, Python {sys.version.split()[0]}, {platform.platform(terse=True)}"),
        Finding(
            "machine",
            "ok",
            f"{psutil.cpu_count(logical=False) or os.cpu_count()} cores, {memory.total / _GB:.1f} GB RAM, "
            f"{memory.available / _GB:.1f} GB free",
        ),
    ]


def _folders(paths: AppPaths) -> list[Finding]:
    shipped = all((paths.shipped / name).is_dir() for name in ("configs", "chunks", "resources"))
    data = _existing_parent(paths.data)
    writable = data.is_dir() and os.access(data, os.W_OK)
    free = shutil.disk_usage(data).free
    return [
        Finding("shipped", "ok" if shipped else "missing", str(paths.shipped), is_essential=True),
        Finding("data_folder", "ok" if writable else "missing", str(paths.data), is_essential=True),
        Finding(
            "disk", "ok" if free > _ENOUGH_FREE_BYTES else "missing", f"{free / _GB:.1f} GB", {"path": str(paths.data)}
        ),
    ]


def _existing_parent(path: Path) -> Path:
    return next(p for p in (path, *path.parents) if p.exists())


async def _modules() -> list[Finding]:
    """Import each optional part in a child: only that tells whether its system libraries are here too.

    In a child, because a broken library can end the process, and this layer itself knows no Qt.
    """
    argv = [sys.executable, "-c", _IMPORT_SCRIPT, *(module for _, module, _ in _PARTS)]
    said: dict[str, str] = {}
    async with await ChildProcess.start(argv, name="inspection", cwd=child_cwd()) as child:
        async for line in child.lines("stdout"):
            module, _, problem = line.partition("\t")
            said[module] = problem
    return [_part(*part, said) for part in _PARTS]


def _part(finding_id: str, module: str, distribution: str, said: dict[str, str]) -> Finding:
    problem = said.get(module, "the import ended the process")
    if problem:
        return Finding(finding_id, "missing", problem, {"module": module})
    return Finding(finding_id, "ok", metadata.version(distribution), {"module": module})


def _display() -> Finding:
    has_display = sys.platform in ("win32", "darwin") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    shown = "doctor.display.here" if has_display else "doctor.display.none"
    return Finding("display", "ok" if has_display else "missing", shown)


def _gpu() -> Finding:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as exc:
        return Finding("gpu", "note", "doctor.gpu.none", {"reason": str(exc)})
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        return Finding("gpu", "ok", f"{pynvml.nvmlDeviceGetName(handle)}, {int(memory.total) / _GB:.1f} GB")
    except pynvml.NVMLError as exc:
        return Finding("gpu", "note", "doctor.gpu.none", {"reason": str(exc)})
    finally:
        pynvml.nvmlShutdown()


def _models(models: tuple[TextModelInfo, ...]) -> list[Finding]:
    usable = [m for m in models if m.problem is None]
    good = [m for m in usable if m.grade is ModelGrade.INSTRUCT]
    return [
        Finding("text_model", "ok" if usable else "missing", ", ".join(m.name for m in usable) or "–"),
        Finding("good_text_model", "ok" if good else "missing", ", ".join(m.name for m in good) or "–"),
    ]


def _catalog(engine: Engine) -> list[Finding]:
    catalog = engine.catalog
    shown = f"{len(catalog.interceptions)} + {len(catalog.outputs)}"
    return [Finding("catalog", "missing" if catalog.errors else "ok", shown, {"errors": str(len(catalog.errors))})]


async def _safety(engine: Engine) -> list[Finding]:
    """Whether texts can be checked (the self-test of the gate), and pictures."""
    test = await run_self_test(engine.safety)
    pictures = Finding("safety_pictures", "ok", "doctor.safety_pictures.here")
    if not test.can_see:
        pictures = Finding("safety_pictures", "note", "doctor.safety_pictures.none")
    if test.problem is not None:
        return [Finding("safety", "missing", test.problem.key, dict(test.problem.params)), pictures]
    params = {"examples": str(test.examples), "languages": ", ".join(test.languages)}
    return [Finding("safety", "ok", "safety.self_test.green", params), pictures]


async def _servers(engine: Engine) -> list[Finding]:
    """The servers that the program starts and uses: where they answer or lie. None is started."""
    found = await engine.services.find_services()
    findings: list[Finding] = []
    for view in engine.services.snapshot():
        places = [one.address or (one.install.folder if one.install else "") for one in found if one.name == view.name]
        shown = ", ".join(dict.fromkeys(filter(None, places)))
        findings.append(Finding(view.name, "ok" if shown else "note", shown or "doctor.server.none"))
    return findings
