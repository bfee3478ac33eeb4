"""What can keep a LoRA training from starting, and how one can fail."""

from __future__ import annotations

from ai4artsed_desktop.domain.errors import AppError, InputError


class TrainingError(AppError):
    """Base of all errors around trainings. Params: ``project``."""

    code = "error.training.failed"


class ProjectNameError(TrainingError, InputError):
    """The name cannot be the name of a folder everywhere. Params: ``name``, ``reason`` (a language-file key)."""

    code = "error.training.project_name"


class ProjectExistsError(TrainingError):
    """Params: ``project``."""

    code = "error.training.project_exists"


class ProjectMissingError(TrainingError):
    """Params: ``project``, ``folder`` (where it was looked for)."""

    code = "error.training.project_missing"


class ProjectDamagedError(TrainingError):
    """The project's file cannot be read. Params: ``project``, ``path``."""

    code = "error.training.project_damaged"


class VramTooSmallError(TrainingError):
    """Params: ``family``, ``vram_gb``, ``needed_gb``."""

    code = "error.training.vram"


class DatasetError(TrainingError):
    """The pictures cannot be trained on. Params: ``folder``, ``reason`` (a language-file key)."""

    code = "error.training.dataset"


class OptionError(TrainingError, InputError):
    """The trainer has no such option, or not this value. Params: ``name``, ``value``, ``expected``."""

    code = "error.training.option"


class OptionRuleError(TrainingError, InputError):
    """Two options exclude or need each other. Params: ``name``, ``rule`` (a language-file key)."""

    code = "error.training.rule"


class TrainerMissingError(TrainingError):
    """No usable trainer here. Params: ``reason`` (a language-file key), ``path``."""

    code = "error.training.trainer_missing"


class ModelFileMissingError(TrainingError):
    """Params: ``name`` (of the file's role), ``path``, ``variable`` (the environment variable or setting)."""

    code = "error.training.file_missing"


class PackageMissingError(TrainingError):
    """The trainer's environment lacks a package that an option needs. Params: ``package``, ``option``."""

    code = "error.training.package_missing"


class NoSpaceError(TrainingError):
    """Params: ``needed_gb``, ``free_gb``, ``path``."""

    code = "error.training.no_space"


class TrainerBusyError(TrainingError):
    """Another training runs, or this one does. Params: ``project`` (the running one)."""

    code = "error.training.busy"


class NotRunningError(TrainingError):
    """Params: ``project``."""

    code = "error.training.not_running"


class NothingToResumeError(TrainingError):
    """There is no complete state to go on from. Params: ``project``, ``reason`` (a language-file key)."""

    code = "error.training.no_state"


class LaunchError(TrainingError):
    """The trainer's process could not be started. Params: ``project``."""

    code = "error.training.launch"


#: How an attempt can fail; see ``verdict.py``. Each has its three texts like any error.
FAILURE_CODES = (
    "error.training.oom",
    "error.training.ram",
    "error.training.no_data",
    "error.training.nan",
    "error.training.cut_file",
    "error.training.disk_full",
    "error.training.image",
    "error.training.arguments",
    "error.training.exception",
    "error.training.killed",
    "error.training.not_saved",
    "error.training.lost",
)
