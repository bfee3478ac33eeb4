"""Pictures taken apart for a model that sees, and the lists on disk."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from ai4artsed_desktop.adapters.safety_frames import MAX_EDGE_PX, MAX_FRAMES, PictureFrames
from ai4artsed_desktop.adapters.safety_list_files import SafetyListFiles
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

RED, GREEN = (200, 0, 0), (0, 200, 0)


def medium(data: bytes, extension: str = "png") -> ProducedMedium:
    return ProducedMedium("image", f"image/{extension}", extension, data=data)


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8), **more: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, RED).save(buffer, kind, **more)
    return buffer.getvalue()


def moving(kind: str, frames: int) -> bytes:
    buffer = io.BytesIO()
    pictures = [Image.new("RGB", (8, 8), (n * 20, 0, 255 - n * 20)) for n in range(frames)]
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=50)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_picture_is_one_small_jpeg(kind: str) -> None:
    data = picture(kind, (3000, 1500))
    frames = PictureFrames().read(medium(data))
    assert frames.sha256 == hashlib.sha256(data).hexdigest()
    (only,) = frames.pictures
    seen = Image.open(io.BytesIO(only))
    assert seen.format == "JPEG" and seen.size == (MAX_EDGE_PX, MAX_EDGE_PX // 2)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_of_what_moves_the_whole_length_is_looked_at(kind: str) -> None:
    frames = PictureFrames().read(medium(moving(kind, 12)))
    assert len(frames.pictures) == MAX_FRAMES
    colours = [Image.open(io.BytesIO(data)).getpixel((4, 4)) for data in frames.pictures]
    reds = [colour[0] for colour in colours if isinstance(colour, tuple)]
    assert reds[0] < 30 and reds[-1] > 190 and reds == sorted(reds)


def test_what_is_transparent_hides_nothing() -> None:
    buffer = io.BytesIO()
    hidden = Image.new("RGBA", (8, 8), (*GREEN, 0))
    hidden.save(buffer, "PNG")
    (seen,) = PictureFrames().read(medium(buffer.getvalue())).pictures
    assert Image.open(io.BytesIO(seen)).getpixel((4, 4)) == (127, 127, 127)


def test_what_goes_into_a_model_is_seen_without_its_alpha_channel_too() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (*GREEN, 0)).save(buffer, "PNG")
    given = ProducedMedium("input", "image/png", "png", data=buffer.getvalue())
    as_seen, as_loaded = (
        Image.open(io.BytesIO(frame)).getpixel((4, 4)) for frame in PictureFrames().read(given).pictures
    )
    assert as_seen == (127, 127, 127) and isinstance(as_loaded, tuple)
    assert as_loaded[1] > 190 and as_loaded[0] < 10
    assert len(PictureFrames().read(ProducedMedium("input", "image/png", "png", data=picture())).pictures) == 1


def test_a_picture_whose_grey_values_would_not_show_has_no_frames() -> None:
    buffer = io.BytesIO()
    Image.new("I;16", (8, 8), 4000).save(buffer, "PNG")
    assert PictureFrames().read(medium(buffer.getvalue())).pictures == ()


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\x00\x00\x00 ftypisom", picture()[:40], b"RIFF\x00\x00\x00\x00WAVE"]
)
def test_what_cannot_be_taken_apart_has_no_frames(data: bytes) -> None:
    frames = PictureFrames().read(medium(data))
    assert frames.pictures == () and len(frames.sha256) == 64


def test_a_decompression_bomb_has_no_frames() -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    assert PictureFrames().read(medium(buffer.getvalue())).pictures == ()


def test_a_file_is_read_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "bild ä.png"
    path.write_bytes(picture())
    made = ProducedMedium("image", "image/png", "png", path=path)
    assert len(PictureFrames().read(made).pictures) == 1
    path.unlink()
    with pytest.raises(StorageError):
        PictureFrames().read(made)


def test_lists_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "de.json").write_bytes(b"{}")
    (tmp_path / "en.json").mkdir()
    (tmp_path / "readme.txt").write_bytes(b"x")
    assert SafetyListFiles(tmp_path).read() == {"de.json": b"{}"}
    assert SafetyListFiles(tmp_path / "nowhere").read() == {}
