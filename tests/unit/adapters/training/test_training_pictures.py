"""The dataset check sees what is wrong, and our copies are without it; originals keep every byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from ai4artsed_desktop.adapters.training.pictures import copy_picture, read_caption, scan_folder
from ai4artsed_desktop.adapters.training.project_store import caption_for, folder_words
from ai4artsed_desktop.domain.training.dataset import DatasetReport
from ai4artsed_desktop.domain.training.errors import DatasetError
from tests.support.training_kit import draw_pictures


def drawing(seed: int = 0, size: tuple[int, int] = (800, 600)) -> Image.Image:
    picture = Image.effect_noise(size, 120).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for number in range(6):
        x, y = (seed * 211 + number * 137) % size[0], (seed * 97 + number * 71) % size[1]
        draw.rectangle((x, y, x + 150, y + 90), fill=((seed * 50 + number * 40) % 256, 128, 30 * number))
    return picture


def kinds(report: DatasetReport, name: str) -> set[str]:
    return {finding.kind for finding in report.findings if finding.name == name}


def test_a_good_folder_has_nothing_to_say(tmp_path: Path) -> None:
    draw_pictures(tmp_path, 4, (700, 600))
    report = scan_folder(tmp_path)
    assert (len(report.usable), report.captioned) == (4, 4)
    assert report.findings == ()


def test_duplicates_are_found_also_scaled_and_saved_again(tmp_path: Path) -> None:
    picture = drawing(1, (900, 700))
    picture.save(tmp_path / "a.png")
    picture.resize((630, 490)).save(tmp_path / "b.jpg", quality=70)
    drawing(5, (900, 700)).save(tmp_path / "c.png")
    report = scan_folder(tmp_path, 64)
    assert [(f.name, f.other) for f in report.findings if f.kind == "duplicate"] == [("b.jpg", "a.png")]


def test_plain_pictures_without_shape_are_no_duplicates_of_each_other(tmp_path: Path) -> None:
    Image.new("RGB", (600, 600), "red").save(tmp_path / "a.png")
    Image.new("RGB", (600, 600), "blue").save(tmp_path / "b.png")
    assert scan_folder(tmp_path).count("duplicate") == 0


def test_a_blurred_picture_is_told_from_a_sharp_one(tmp_path: Path) -> None:
    drawing(1).save(tmp_path / "sharp.png")
    drawing(2).filter(ImageFilter.GaussianBlur(8)).save(tmp_path / "blurred.png")
    report = scan_folder(tmp_path)
    assert "blurred" in kinds(report, "blurred.png")
    assert "blurred" not in kinds(report, "sharp.png")


def cut(path: Path) -> None:
    drawing().save(path)
    path.write_bytes(path.read_bytes()[:-2000])


def bad_number(path: Path) -> None:
    drawing().save(path)
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(bytes(data))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "bad_number": bad_number,
    "no_picture": lambda path: path.write_text("not a picture"),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_a_damaged_picture_is_a_finding_and_no_copy_is_made_of_it(tmp_path: Path, damage: str) -> None:
    source = tmp_path / "in"
    source.mkdir()
    DAMAGE[damage](source / "x.png")
    drawing().save(source / "good.png")
    report = scan_folder(source)
    assert kinds(report, "x.png") == {"corrupt"}
    assert [picture.name for picture in report.usable] == ["good.png"]
    with pytest.raises(DatasetError):
        copy_picture(source / "x.png", tmp_path / "0001")
    assert not list(tmp_path.glob("0001*"))


def test_our_copy_is_upright_and_the_original_untouched(tmp_path: Path) -> None:
    picture = drawing(3, (600, 400))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    original = tmp_path / "turned.jpg"
    picture.save(original, exif=exif)
    before = original.read_bytes()
    report = scan_folder(tmp_path, 64)
    assert "rotated" in kinds(report, "turned.jpg")
    assert (report.pictures[0].width_px, report.pictures[0].height_px) == (400, 600)
    copy = copy_picture(original, tmp_path / "0001")
    with Image.open(copy) as seen:
        assert seen.size == (400, 600)
        assert seen.getexif().get(0x0112) is None
    assert original.read_bytes() == before


def test_our_copy_has_white_where_the_original_is_transparent(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((0, 0, 49, 99), fill=(0, 0, 255, 255))
    picture.save(tmp_path / "clear.png")
    assert "alpha" in kinds(scan_folder(tmp_path, 32), "clear.png")
    with Image.open(copy_picture(tmp_path / "clear.png", tmp_path / "0001")) as seen:
        assert seen.mode == "RGB"
        assert seen.getpixel((10, 50)) == (0, 0, 255)
        assert seen.getpixel((90, 50)) == (255, 255, 255)


def test_an_alpha_channel_without_holes_is_no_finding(tmp_path: Path) -> None:
    drawing().convert("RGBA").save(tmp_path / "full.png")
    assert "alpha" not in kinds(scan_folder(tmp_path), "full.png")


def test_a_format_that_the_trainer_does_not_read_becomes_png(tmp_path: Path) -> None:
    drawing().save(tmp_path / "old.tiff")
    drawing(2).convert("P").save(tmp_path / "web.gif")
    report = scan_folder(tmp_path)
    assert "converted" in kinds(report, "old.tiff")
    for name in ("old.tiff", "web.gif"):
        copy = copy_picture(tmp_path / name, tmp_path / name[:3])
        assert copy.suffix == ".png"
        with Image.open(copy) as seen:
            assert seen.format == "PNG"


def test_a_picture_that_needs_nothing_is_copied_byte_by_byte(tmp_path: Path) -> None:
    drawing().save(tmp_path / "a.jpg")
    assert copy_picture(tmp_path / "a.jpg", tmp_path / "0001").read_bytes() == (tmp_path / "a.jpg").read_bytes()


def test_a_decompression_bomb_is_a_damaged_picture(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    data = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    report = scan_folder(tmp_path)
    assert kinds(report, "bomb.png") == {"corrupt"}


@pytest.mark.parametrize(
    ("caption", "trigger", "copy"),
    [
        (None, "sks form", "sks form"),
        ("", "sks form", "sks form"),
        ("a circle", "sks form", "sks form, a circle"),
        ("a SKS Form in blue", "sks form", "a SKS Form in blue"),
        ("a circle", "", "a circle"),
        (None, "", "subject"),
    ],
)
def test_a_caption_of_a_copy_is_never_empty_and_holds_the_trigger(caption: str | None, trigger: str, copy: str) -> None:
    assert caption_for(caption, trigger) == copy


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ("sks form", "sks form"),
        ("Übung, 猫", "Übung 猫"),
        ("../../x", "x"),
        ("a/b\\c:d", "a b c d"),
        ("", "subject"),
        ("...", "subject"),
        ("w" * 200, "w" * 60),
    ],
)
def test_trigger_words_become_a_folder_name_that_cannot_leave_its_place(trigger: str, words: str) -> None:
    assert folder_words(trigger) == words


def test_captions_in_any_state_are_read(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    assert read_caption(picture) is None
    picture.with_suffix(".caption").write_text("second choice")
    assert read_caption(picture) == "second choice"
    picture.with_suffix(".txt").write_bytes("\ufeffzwei\nZeilen\0 ü".encode())
    assert read_caption(picture) == "zwei Zeilen ü"
    picture.with_suffix(".txt").write_bytes(b"\xff\xfe broken")
    assert "broken" in (read_caption(picture) or "")


def test_hidden_files_other_files_and_missing_folders(tmp_path: Path) -> None:
    drawing().save(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("x")
    assert scan_folder(tmp_path).pictures == ()
    (tmp_path / "10_sks").mkdir()
    drawing().save(tmp_path / "10_sks" / "a.png")
    assert [picture.name for picture in scan_folder(tmp_path).pictures] == ["10_sks/a.png"]
    with pytest.raises(DatasetError):
        scan_folder(tmp_path / "nowhere")
    with pytest.raises(DatasetError):
        scan_folder(tmp_path / "notes.txt")
