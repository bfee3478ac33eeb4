"""Names that could leave the folder are refused with words; buckets are those that the real trainer logged."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.training.buckets import BucketRule, bucket_sizes, fit_buckets, steps_per_epoch
from ai4artsed_desktop.domain.training.errors import FAILURE_CODES, ProjectNameError
from ai4artsed_desktop.domain.training.families import discover_families
from ai4artsed_desktop.domain.training.names import check_project_name
from tests.support.training_kit import recording

BAD = [
    ("", "empty"), ("   ", "empty"), (".", "dots"), ("..", "dots"), ("../x", "dots"), ("a..b", "dots"),
    ("/", "separators"), ("a/b", "separators"), ("a\\b", "separators"), ("C:", "separators"), ("a?", "separators"),
    ("a\0b", "control"), ("a\nb", "control"), ("a\u202eb", "control"), ("%PATH%", "signs"), ("$HOME", "signs"),
    (".hidden", "edges"), ("-rf", "edges"), ("end.", "edges"),
    ("CON", "device"), ("con", "device"), ("NUL.txt", "device"), ("Com1", "device"), ("LPT9", "device"),
    ("aux .x", "device"),
    ("x" * 65, "long"), ("ü" * 64 + "x", "long"), ("😀" * 64, "long"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "reason"), BAD)
def test_a_malicious_or_impossible_name_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(ProjectNameError) as caught:
        check_project_name(name)
    assert caught.value.params["reason"] == f"training.name.{reason}"


@pytest.mark.parametrize("name", ["Übung 1", "sks girl", "v1.2", "猫", "a-b_c", "CONTOUR"])
def test_a_name_that_people_choose_is_taken(name: str) -> None:
    assert check_project_name(f" {name} ") == name
    assert check_project_name(unicodedata.normalize("NFD", name)) == unicodedata.normalize("NFC", name)


@given(st.text(max_size=80))
def test_no_accepted_name_leaves_the_folder(name: str) -> None:
    try:
        clean = check_project_name(name)
    except ProjectNameError:
        return
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind("root") / clean
        assert path.parent == kind("root")
        assert path.name == clean
        assert not path.is_absolute()


def test_the_buckets_of_the_recorded_run_are_reproduced() -> None:
    """The recording logs "bucket i: resolution (w, h), count: n" for pictures it had loaded."""
    text = "".join(
        json.loads(line).get("data", "") for line in recording("good_recommended_env").read_text("utf-8").splitlines()
    )
    logged = [tuple(map(int, found)) for found in re.findall(r"bucket \d+: resolution \((\d+), (\d+)\)", text)]
    assert logged
    sizes = bucket_sizes(BucketRule((128, 128), 64, 256, 64))
    assert set(logged) <= set(sizes)


def test_sizes_keep_the_area_and_the_steps() -> None:
    sizes = bucket_sizes(BucketRule((1024, 1024), 256, 2048, 64))
    assert (1024, 1024) in sizes
    assert (1152, 896) in sizes
    assert (832, 1216) in sizes
    assert all(w * h <= 1024 * 1024 and w % 64 == h % 64 == 0 and min(w, h) >= 256 for w, h in sizes)
    assert {(h, w) for w, h in sizes} == set(sizes)


@given(st.lists(st.tuples(st.integers(64, 4000), st.integers(64, 4000)), min_size=1, max_size=30))
def test_every_picture_gets_the_nearest_shape(sizes_px: list[tuple[int, int]]) -> None:
    rule = BucketRule((512, 512))
    buckets = fit_buckets(sizes_px, rule)
    assert sum(bucket.count for bucket in buckets) == len(sizes_px)
    assert [b.count for b in buckets] == sorted((b.count for b in buckets), reverse=True)
    assert steps_per_epoch(buckets, 1, 1) == len(sizes_px)


def test_every_word_the_training_core_says_is_in_both_languages() -> None:
    from ai4artsed_desktop.adapters.paths import find_shipped
    from ai4artsed_desktop.domain.training import errors

    folder = find_shipped() / "resources" / "languages"
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AppError)]
    codes = {kind.code for kind in kinds}
    wanted = {f"{code}.{part}" for code in codes | set(FAILURE_CODES) for part in ("what", "why", "next")}
    wanted |= {f"training.name.{reason}" for _, reason in BAD}
    for family in discover_families().values():
        names = {*family.options, *(name for preset in family.presets for name in preset.options)}
        wanted |= {f"training.option.{name}" for name in names}
    for language in ("de", "en"):
        words = json.loads((folder / f"{language}.json").read_text("utf-8"))
        assert {key for key in wanted if not words.get(key)} == set(), language
