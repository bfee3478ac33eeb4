from __future__ import annotations

import base64
import io
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ai4artsed_desktop.code_art.capture import (
    PEAK_TARGET,
    SAMPLE_RATE_HZ,
    CaptureError,
    EmptyPictureError,
    InvalidSoundError,
    Samples,
    SilenceError,
    assemble_apng,
    decode_png,
    decode_samples,
    encode_wav,
    picture_medium,
    require_something_drawn,
    write_medium,
)


def png(color: tuple[int, ...], size: tuple[int, int] = (8, 4), mode: str = "RGBA") -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, color).save(target, "PNG")
    return target.getvalue()


def data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def tone(peak: float, samples: int = 1000) -> Samples:
    return (peak * np.sin(np.arange(samples) / 10)).astype(np.float32)


def test_a_picture_of_the_size_asked_for_comes_back_as_it_is():
    assert decode_png(data_url(png((1, 2, 3, 255))), 8, 4) == png((1, 2, 3, 255))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data:,",
        "data:image/png;base64,%%%",
        data_url(b""),
        data_url(b"GIF89a" + bytes(40)),
        data_url(png((1, 2, 3, 255), (9, 4))),
        data_url(png((1, 2, 3, 255))[:-30]),
        "data:image/jpeg;base64," + base64.b64encode(png((1, 2, 3, 255))).decode(),
    ],
)
def test_what_is_no_whole_picture_of_that_size_is_refused(text: str):
    with pytest.raises(CaptureError):
        decode_png(text, 8, 4)


def test_a_header_that_promises_a_giant_is_refused_before_it_is_unpacked():
    giant = bytearray(png((1, 2, 3, 255)))
    giant[16:24] = (200_000).to_bytes(4, "big") * 2
    with pytest.raises(CaptureError, match="another size"):
        decode_png(data_url(bytes(giant)), 8, 4)


def test_only_a_fully_transparent_picture_counts_as_empty():
    require_something_drawn(png((0, 0, 0, 1)))
    require_something_drawn(png((0, 0, 0), mode="RGB"))
    with pytest.raises(EmptyPictureError):
        require_something_drawn(png((0, 0, 0, 0)))


def test_an_animation_has_every_frame_at_its_time_even_equal_ones():
    colors = [(255, 0, 0, 255), (255, 0, 0, 255), (0, 255, 0, 128)]
    with Image.open(io.BytesIO(assemble_apng([png(color) for color in colors], 25))) as image:
        assert getattr(image, "n_frames", 1) == 3
        seen: list[object] = []
        for index in range(3):
            image.seek(index)
            assert image.info["duration"] == 40
            seen.append(image.convert("RGBA").getpixel((3, 2)))
    assert seen == colors


def test_frames_of_different_shape_are_refused():
    with pytest.raises(CaptureError):
        assemble_apng([png((1, 1, 1, 255)), png((1, 1, 1, 255), (4, 4))], 25)


def read_wav(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as reader:
        assert (reader.getframerate(), reader.getsampwidth(), reader.getnchannels()) == (SAMPLE_RATE_HZ, 2, 2)
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2)


@pytest.mark.parametrize(("peak", "expected"), [(3.0, PEAK_TARGET), (0.01, PEAK_TARGET), (0.5, 0.5)])
def test_too_loud_is_lowered_very_quiet_is_raised_and_the_rest_stays(peak: float, expected: float):
    samples = read_wav(encode_wav([tone(peak), tone(peak / 2)]))
    assert abs(int(np.abs(samples[:, 0]).max()) / 32767 - expected) < 0.001
    assert abs(int(np.abs(samples[:, 1]).max()) / 32767 - expected / 2) < 0.001


def test_silence_is_not_written_as_if_it_were_music():
    with pytest.raises(SilenceError):
        encode_wav([tone(0.0), tone(1e-6)])
    with pytest.raises(SilenceError):
        encode_wav([tone(0.0, 0), tone(0.0, 0)])


def test_samples_are_counted_and_must_be_numbers():
    good = base64.b64encode(tone(1.0, 10).tobytes()).decode()
    assert len(decode_samples(good, 10)) == 10
    for text, expected in ((good, 11), ("??", 10), ("", 1)):
        with pytest.raises(CaptureError):
            decode_samples(text, expected)
    for value in (np.nan, np.inf):
        broken = base64.b64encode(np.array([0, value], dtype="<f4").tobytes()).decode()
        with pytest.raises(InvalidSoundError):
            decode_samples(broken, 2)


def test_a_file_appears_whole_with_its_hash_and_without_a_trace(tmp_path: Path):
    medium = write_medium(picture_medium(tmp_path, 8, 4), b"abc")
    assert medium.path.read_bytes() == b"abc"
    assert medium.bytes == 3
    assert medium.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
