"""The window with a training studio: a fake trainer installed, pictures to train on, nothing left running."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel

from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.storage.settings_file import SettingsFile
from ai4artsed_desktop.adapters.training.places import TrainingLocations
from ai4artsed_desktop.adapters.training.workshop import make_workshop
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.domain.training.records import TrainingProject
from ai4artsed_desktop.engine.training import TrainingService
from ai4artsed_desktop.ui.train.page import TrainPage
from ai4artsed_desktop.ui.widgets.fields import ChoiceField
from tests.support.training_kit import (
    draw_pictures,
    end_processes_of,
    install_fake_trainer,
    make_model_files,
    recording,
)
from tests.support.ui_window import WindowWorld, open_window


@dataclass
class TrainWindow:
    """A window that shows the Train page; ``leave_running``: its trainers live on when it closes."""

    opened: WindowWorld
    folder: Path
    locations: TrainingLocations
    pictures: Path
    leave_running: bool = False

    @property
    def page(self) -> TrainPage:
        return cast("TrainPage", self.opened.window.pages["train"])

    @property
    def service(self) -> TrainingService:
        return self.opened.world.engine.training

    def play(self, name: str, **order: Any) -> None:
        """Choose what the fake trainer does next."""
        os.environ["FAKE_TRAINER"] = json.dumps({"recording": str(recording(name)), **order})

    async def project(self, name: str = "Übung 1", *, pictures: Path | None = None, **changes: Any) -> None:
        """Make a project and go to it."""
        facts: dict[str, Any] = {"family": "sd15", "trigger": "sks form", "vram_gb": 16.0, "steps": 10, **changes}
        await self.service.create(TrainingProject(name=name, **facts), pictures or self.pictures)
        self.page.link.list_projects()
        await self.opened.until(lambda: self.page.list.projects.row_of(name) is not None)
        self.page.list.show_project(name)
        await self.opened.until(lambda: self.page.link.name == name and bool(self.page.pictures.book.pictures))

    def words(self) -> str:
        """Everything the page says now."""
        return "\n".join(label.text() for label in self.page.findChildren(QLabel) if label.isVisible())

    async def shows(self, text: str, limit_s: float = 30.0) -> None:
        """Wait until the page says something."""
        try:
            await self.opened.until(lambda: text in self.words(), limit_s)
        except AssertionError as exc:
            raise AssertionError(f"{text!r} is not among:\n{self.words()}") from exc

    def buttons(self, words: str) -> list[QAbstractButton]:
        """Return what can be pressed and says so."""
        every = self.page.findChildren(QAbstractButton)
        return [b for b in every if words in (b.text(), b.accessibleName()) and b.isVisible() and b.isEnabled()]

    async def press(self, words: str) -> None:
        """Press a button, once it can be pressed."""
        await self.opened.until(lambda: bool(self.buttons(words)), 30)
        self.buttons(words)[0].click()

    def state(self) -> str:
        """Return the state of the project in sight."""
        snapshot = self.page.link.snapshot
        return "" if snapshot is None else snapshot.state


def choose(field: ChoiceField, value: object) -> None:
    """Choose an option as a person does."""
    field.setCurrentIndex(next(i for i in range(field.count()) if field.itemData(i) == value))
    field.activated.emit(field.currentIndex())


def digests(folder: Path) -> dict[str, str]:
    """Return the files of a folder, by name, with what identifies their contents."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@asynccontextmanager
async def train_window(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, has_trainer: bool = True, page: str = "train", **more: Any
) -> AsyncGenerator[TrainWindow, None]:
    """Open the window on a page; at the end no trainer of this test runs any more."""
    home = folder / "Ordner mit Umlaut ä"
    paths = find_paths({HOME_VARIABLE: str(home)})
    kohya = folder / "kohya ü"
    if has_trainer:
        monkeypatch.setenv("KOHYA_DIR", str(kohya if kohya.exists() else install_fake_trainer(kohya)))
    else:
        monkeypatch.delenv("KOHYA_DIR", raising=False)
    monkeypatch.setenv("LORA_OUTPUT_DIR", str(home / "loras"))
    monkeypatch.setenv("TRAINING_DATASET_DIR", str(home / "Projekte"))
    monkeypatch.setenv("FAKE_TRAINER", "{}")
    settings, ledger = SettingsFile(paths.settings_file), Ledger(paths.process_ledger)
    locations = TrainingLocations(paths, settings.load)
    make_model_files(locations, family_of("sd15"))
    pictures = folder / "Bilder"
    if not pictures.exists():
        draw_pictures(pictures)
    train: TrainWindow | None = None
    try:
        workshop = make_workshop(locations, paths.resources, Guards(None, ledger), ledger)
        async with open_window(home, make_workshop=lambda: workshop, **more) as opened:
            opened.window.show_page(page)
            train = TrainWindow(opened, folder, locations, pictures)
            yield train
    finally:
        if train is None or not train.leave_running:
            end_processes_of(folder)
