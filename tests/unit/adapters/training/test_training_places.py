"""Where trainer, models and projects lie: variables of tradition, then settings, then the usual place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.adapters.training.places import TrainingLocations
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.domain.training.settings import TrainingSettings


def places(home: Path, settings: TrainingSettings | None = None, **environment: str) -> TrainingLocations:
    chosen = Settings(training=settings or TrainingSettings())
    return TrainingLocations(find_paths({HOME_VARIABLE: str(home)}), lambda: chosen, environment)


def file_of(locations: TrainingLocations, family: str, option: str) -> Path:
    return next(locations.model_file(file) for file in family_of(family).files if file.option == option)


@pytest.mark.parametrize(
    ("variable", "setting", "family", "option"),
    [
        ("SD35_LARGE_MODEL_PATH", "sd35_large_model", "sd35_large", "pretrained_model_name_or_path"),
        ("CLIP_L_PATH", "clip_l", "sd35_large", "clip_l"),
        ("CLIP_L_PATH", "clip_l", "flux", "clip_l"),
        ("CLIP_G_PATH", "clip_g", "sd35_medium", "clip_g"),
        ("T5XXL_PATH", "t5xxl", "flux", "t5xxl"),
    ],
)
def test_a_models_variable_comes_before_its_setting_and_that_before_the_usual_place(
    tmp_path: Path, variable: str, setting: str, family: str, option: str
) -> None:
    named, chosen = tmp_path / "Modelle ä" / "named.safetensors", tmp_path / "chosen.safetensors"
    with_setting = TrainingSettings.model_validate({setting: chosen})
    assert file_of(places(tmp_path, with_setting, **{variable: str(named)}), family, option) == named
    assert file_of(places(tmp_path, with_setting, **{variable: "  "}), family, option) == chosen
    assert file_of(places(tmp_path), family, option).parent.name == "training-models"


def test_folders_follow_their_variables_before_their_settings(tmp_path: Path) -> None:
    settings = TrainingSettings(
        kohya_dir=tmp_path / "k", lora_dir=tmp_path / "l", dataset_dir=tmp_path / "d", log_dir=tmp_path / "g"
    )
    chosen = places(tmp_path, settings)
    assert (chosen.kohya, chosen.loras, chosen.projects) == (tmp_path / "k", tmp_path / "l", tmp_path / "d")
    assert chosen.logs_of("p") == tmp_path / "g" / "p"
    named = places(
        tmp_path,
        settings,
        KOHYA_DIR=str(tmp_path / "K ü"),
        LORA_OUTPUT_DIR=str(tmp_path / "L ü"),
        TRAINING_DATASET_DIR=str(tmp_path / "D ü"),
        TRAINING_LOG_DIR=str(tmp_path / "G ü"),
    )
    assert (named.kohya, named.loras, named.projects) == (tmp_path / "K ü", tmp_path / "L ü", tmp_path / "D ü")
    assert named.logs_of("p") == tmp_path / "G ü" / "p"
    assert places(tmp_path, HOME=str(tmp_path), LORA_OUTPUT_DIR="~/loras").loras.is_absolute()


@pytest.mark.parametrize("place", ["sd-scripts", "kohya_ss/sd-scripts", "StabilityMatrix/Data/Packages/kohya_ss"])
def test_an_installed_trainer_is_found_where_people_put_it(tmp_path: Path, place: str) -> None:
    assert places(tmp_path, HOME=str(tmp_path)).kohya is None
    folder = tmp_path / place
    folder.mkdir(parents=True)
    assert places(tmp_path, HOME=str(tmp_path)).kohya is None, "an empty folder of that name is none"
    (folder / "train_network.py").touch()
    found = places(tmp_path, USERPROFILE=str(tmp_path)).kohya
    assert found is not None and folder.is_relative_to(found)
    named = places(tmp_path, HOME=str(tmp_path), KOHYA_DIR=str(tmp_path / "mine")).kohya
    assert named == tmp_path / "mine", "what was named is never replaced by what was found"
    assert places(tmp_path).kohya is None
