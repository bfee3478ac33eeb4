"""A whole training studio for tests: pictures, model files, an installed fake trainer, and the service over them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, ImageDraw

from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths, find_shipped
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.training.places import TrainingLocations
from ai4artsed_desktop.adapters.training.workshop import make_workshop
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.records import TrainingProject
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.training import TrainingService
from tests.support.probe import EventProbe

HERE = Path(__file__).parent
RECORDINGS = HERE / "kohya_recordings"
SCHEMAS = find_shipped() / "resources" / "training"
SCRIPTS = ("train_network.py", "sdxl_train_network.py", "sd3_train_network.py", "flux_train_network.py")


def recording(name: str) -> Path:
    """Return a recorded stream of the real trainer."""
    return RECORDINGS / f"{name}.jsonl"


def draw_pictures(folder: Path, count: int = 6, size: tuple[int, int] = (96, 64), captions: bool = True) -> Path:
    """Draw pictures that look different from each other, with captions."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = Image.effect_noise(size, 90).convert("RGB")
        draw = ImageDraw.Draw(picture)
        left = number * size[0] // (count + 1)
        draw.ellipse((left, number * 3, left + size[0] // 3, size[1] - number * 2), fill=(40 * number % 256, 90, 200))
        picture.save(folder / f"Bild {number}.png")
        if captions:
            (folder / f"Bild {number}.txt").write_text(f"an ellipse, number {number}", encoding="utf-8")
    return folder


def install_fake_trainer(folder: Path) -> Path:
    """Make a folder that looks like an installed sd-scripts; its Python is the bare one below ours."""
    (folder / "library").mkdir(parents=True)
    (folder / "schema").mkdir()
    for script in SCRIPTS:
        shutil.copyfile(HERE / "fake_trainer.py", folder / script)
        shutil.copyfile(SCHEMAS / f"{Path(script).stem}.json", folder / "schema" / f"{Path(script).stem}.json")
    (folder / "library" / "train_util.py").write_text("")
    (folder / "README.md").write_text("- **Version 0.10.1 (2026-02-13):**\n", encoding="utf-8")
    python = folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    packages = folder / "venv" / "lib" / "python3.11" / "site-packages" / "bitsandbytes"
    packages.mkdir(parents=True)
    return folder


@dataclass
class Studio:
    """The service at work and what lies around it.

    Attributes:
        environment: What the service and the trainer see beside the process's own.
    """

    home: Path
    service: TrainingService
    probe: EventProbe
    locations: TrainingLocations
    pictures: Path
    ledger: Ledger
    environment: dict[str, str] = field(default_factory=dict[str, str])

    async def project(self, name: str = "Übung 1", **changes: Any) -> TrainingProject:
        """Make a project of SD 1.5 with few steps."""
        facts: dict[str, Any] = {"family": "sd15", "trigger": "sks form", "vram_gb": 16.0, "steps": 10, **changes}
        return await self.service.create(TrainingProject(name=name, **facts), self.pictures)

    def play(self, name: str, **order: Any) -> None:
        """Choose what the fake trainer does next."""
        os.environ["FAKE_TRAINER"] = json.dumps({"recording": str(recording(name)), **order})


@asynccontextmanager
async def open_studio(
    folder: Path, monkeypatch: Any, *, settings: Mapping[str, Any] | None = None
) -> AsyncGenerator[Studio, None]:
    """Open a studio below ``folder``; at the end nothing of it runs any more."""
    home = folder / "Ordner mit Umlaut ä"
    paths = find_paths({HOME_VARIABLE: str(home)})
    kohya = install_fake_trainer(folder / "kohya ü") if not (folder / "kohya ü").exists() else folder / "kohya ü"
    environment = {
        "KOHYA_DIR": str(kohya),
        "LORA_OUTPUT_DIR": str(home / "loras"),
        "TRAINING_DATASET_DIR": str(home / "Projekte"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FAKE_TRAINER", "{}")
    bus = EventBus()
    chosen = Settings(**(settings or {}))
    ledger = Ledger(paths.process_ledger)
    locations = TrainingLocations(paths, lambda: chosen)
    make_model_files(locations, family_of("sd15"))
    pictures = folder / "Bilder"
    if not pictures.exists():
        draw_pictures(pictures)
    service = TrainingService(
        bus, lambda: make_workshop(locations, paths.resources, Guards(None, ledger), ledger), lambda: chosen
    )
    studio = Studio(home, service, EventProbe(bus), locations, pictures, ledger, environment)
    try:
        yield studio
    finally:
        await service.aclose()
        end_processes_of(folder)


def make_model_files(locations: TrainingLocations, family: TrainerFamily) -> None:
    """Put files where a family's models should be."""
    for file in family.files:
        path = locations.model_file(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"model")


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return living processes whose command line or working folder names ``folder``."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            is_of = process.pid != os.getpid() and (
                any(str(folder) in part for part in process.cmdline()) or str(folder) in process.cwd()
            )
            if is_of and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end_processes_of(folder: Path) -> None:
    """Kill what a test left."""
    left = processes_of(folder)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            pass
    psutil.wait_procs(left, timeout=5)
