"""Where trainer, models and projects lie: environment variables of tradition > settings > the usual place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.families.base import ModelFile, TrainerFamily
from ai4artsed_desktop.domain.training.plan import TrainingPlaces

#: Environment variables that trainers' users know; each comes before the setting.
KOHYA_DIR, LORA_OUTPUT_DIR = "KOHYA_DIR", "LORA_OUTPUT_DIR"
TRAINING_DATASET_DIR, TRAINING_LOG_DIR = "TRAINING_DATASET_DIR", "TRAINING_LOG_DIR"

#: Below the person's home: as the projects name their checkouts, and where a popular installer puts one.
_USUAL_TRAINERS = (
    "sd-scripts",
    "kohya_ss",
    "kohya",
    "ai/sd-scripts",
    "ai/kohya_ss",
    "StabilityMatrix/Packages/kohya_ss",
    "StabilityMatrix/Data/Packages/kohya_ss",
)


def is_trainer_folder(folder: Path) -> bool:
    """Tell whether a folder is a checkout of sd-scripts, or holds one as ``sd-scripts/``."""
    return any((place / "train_network.py").is_file() for place in (folder, folder / "sd-scripts"))


@dataclass(frozen=True, slots=True)
class TrainingFolders:
    """One training's folders; nothing is made before it is needed."""

    root: Path
    logs: Path

    @property
    def output(self) -> Path:
        """Checkpoints, states, samples, and the LoRA until it moves into the LoRA folder."""
        return self.root / "output"

    @property
    def attempts(self) -> Path:
        """One folder per start of the trainer."""
        return self.root / "attempts"

    @property
    def prompts(self) -> Path:
        """The sample prompts."""
        return self.root / "sample_prompts.txt"


def lora_folders(paths: AppPaths, settings: Settings) -> tuple[Path, ...]:
    """Return the folders with LoRAs: those of the settings, and the one that trainings put theirs into."""
    return tuple(dict.fromkeys((*settings.lora_folders, TrainingLocations(paths, lambda: settings).loras)))


class TrainingLocations:
    """Knows every place. Asks settings and environment anew each time: both may change."""

    def __init__(
        self, paths: AppPaths, settings: Callable[[], Settings], environment: Mapping[str, str] | None = None
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._environment = os.environ if environment is None else environment

    @property
    def projects(self) -> Path:
        """The folder that holds all projects."""
        return self._place(TRAINING_DATASET_DIR, self._settings().training.dataset_dir, self._paths.data / "training")

    @property
    def loras(self) -> Path:
        """Where finished LoRAs go: the media server's LoRA folder if one is set, so that it finds them."""
        settings = self._settings()
        usual = settings.lora_folders[0] if settings.lora_folders else self._paths.data / "loras"
        return self._place(LORA_OUTPUT_DIR, settings.training.lora_dir, usual)

    @property
    def tokenizers(self) -> Path:
        """Where the trainer finds its tokenizers without asking the hub."""
        return self._settings().training.tokenizer_dir or self._paths.data / "tokenizers"

    @property
    def kohya(self) -> Path | None:
        """The trainer's folder as named, else where people usually put one; None if there is neither."""
        named = self._environment.get(KOHYA_DIR, "").strip()
        if named:
            return Path(named).expanduser().absolute()
        return self._settings().training.kohya_dir or self._usual_kohya()

    def _usual_kohya(self) -> Path | None:
        home = self._environment.get("HOME") or self._environment.get("USERPROFILE")
        if not home:
            return None
        return next((Path(home, place) for place in _USUAL_TRAINERS if is_trainer_folder(Path(home, place))), None)

    @property
    def kohya_python(self) -> Path | None:
        """The trainer's Python as named, None = to be looked for."""
        return self._settings().training.kohya_python

    @property
    def cache(self) -> Path:
        """For what can be made again."""
        return self._paths.cache / "training"

    def project(self, name: str) -> Path:
        """Return a project's folder; ``name`` has been checked."""
        return self.projects / name

    def training(self, name: str, number: int) -> TrainingFolders:
        """Return the folders of a project's training."""
        root = self.project(name) / "trainings" / f"{number:03d}"
        logs = self.logs_of(name)
        return TrainingFolders(root, logs / f"{number:03d}" if logs else root / "logs")

    def logs_of(self, name: str) -> Path | None:
        """Return where a project's logs go, None = into the project."""
        named = self._environment.get(TRAINING_LOG_DIR, "").strip() or self._settings().training.log_dir
        return Path(named).expanduser().absolute() / name if named else None

    def model_file(self, file: ModelFile) -> Path:
        """Return where one of the base model's files should be."""
        named: Path | None = getattr(self._settings().training, file.setting)
        return self._place(file.variable, named, self._paths.data / "training-models" / file.usual_name)

    def places_for(self, family: TrainerFamily, name: str, number: int) -> TrainingPlaces:
        """Return what goes into a training's file. Slashes lean forward everywhere: TOML and the trainer take both."""
        folders = self.training(name, number)
        return TrainingPlaces(
            data_dir=(self.project(name) / "dataset").as_posix(),
            output_dir=folders.output.as_posix(),
            logging_dir=folders.logs.as_posix(),
            sample_prompts=folders.prompts.as_posix(),
            tokenizer_dir=self.tokenizers.as_posix(),
            model_files={file.option: self.model_file(file).as_posix() for file in family.files},
        )

    def _place(self, variable: str, setting: Path | None, usual: Path) -> Path:
        named = self._environment.get(variable, "").strip() if variable else ""
        if named:
            return Path(named).expanduser().absolute()
        return setting.expanduser().absolute() if setting is not None else usual
