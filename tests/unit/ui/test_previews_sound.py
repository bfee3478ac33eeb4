from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.previews.audio import AudioPreview
from ai4artsed_desktop.ui.sound import NoSoundDeviceError
from ai4artsed_desktop.ui.waveform import read_waveform
from tests.support.ui_media import medium, shown, wav_bytes

Key = Qt.Key


class SilentSound(QObject):
    """Stands for the sound output; remembers what it was told."""

    position_changed = Signal(int)
    playing_changed = Signal(bool)
    failed = Signal(str)

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.size = len(data)
        self.told: list[str] = []

    def play(self) -> None:
        self.told.append("play")
        self.playing_changed.emit(True)

    def pause(self) -> None:
        self.told.append("pause")
        self.playing_changed.emit(False)

    def seek(self, position_ms: int) -> None:
        self.told.append(f"seek {position_ms}")
        self.position_changed.emit(position_ms)

    def close(self) -> None:
        self.told.append("close")


@pytest.fixture
def sounds() -> list[SilentSound]:
    return []


@pytest.fixture
def audio(kit: Kit, qtbot: QtBot, sounds: list[SilentSound]) -> AudioPreview:
    def make(data: bytes) -> SilentSound:
        sounds.append(SilentSound(data))
        return sounds[-1]

    preview = AudioPreview(kit, make)  # pyright: ignore[reportArgumentType] a double with the same face
    shown(preview, qtbot, medium(wav_bytes(20.0), "audio/wav", "/somewhere/a.wav"))
    qtbot.waitUntil(preview.play_button.isEnabled)
    return preview


def test_space_plays_and_pauses(audio: AudioPreview, sounds: list[SilentSound]) -> None:
    assert sounds == [], "no output is opened before something shall be heard"
    QTest.keyClick(audio.view, Key.Key_Space)
    assert audio.play_button.text() == "Pause"
    QTest.keyClick(audio.view, Key.Key_Space)
    assert sounds[0].told == ["play", "pause"]
    assert audio.play_button.text() == "Play"


def test_clicks_and_arrows_go_to_a_place_within_the_recording(audio: AudioPreview, sounds: list[SilentSound]) -> None:
    QTest.mouseClick(audio.view, Qt.MouseButton.LeftButton, pos=QPoint(audio.view.width() // 2, 20))
    assert sounds[0].told == ["seek 10000"]
    for key in (Key.Key_Right, Key.Key_Right, Key.Key_Right, Key.Key_Left, Key.Key_Home, Key.Key_Left):
        QTest.keyClick(audio.view, key)
    places = [int(word.removeprefix("seek ")) for word in sounds[0].told]
    assert places == [10_000, 15_000, 20_000, 20_000, 15_000, 0, 0]
    assert audio.caption.text() == "0:00 / 0:20"


def test_another_medium_and_release_give_the_output_back(audio: AudioPreview, sounds: list[SilentSound]) -> None:
    audio.toggle()
    audio.show_medium(medium(wav_bytes(1.0), "audio/wav"))
    assert sounds[0].told[-1] == "close"
    assert audio.play_button.text() == "Play"


def test_without_a_loudspeaker_it_says_so_and_the_file_can_be_saved(kit: Kit, qtbot: QtBot) -> None:
    def refuse(data: bytes):
        raise NoSoundDeviceError

    preview = AudioPreview(kit, refuse)
    shown(preview, qtbot, medium(wav_bytes(), "audio/wav", "/somewhere/a.wav"))
    qtbot.waitUntil(preview.play_button.isEnabled)
    preview.play_button.click()
    assert "No loudspeaker" in preview.note.text()
    assert preview.note.isVisible()
    assert preview.save_button.isEnabled()
    with qtbot.waitSignal(preview.save_requested):
        preview.save_button.click()


def test_the_systems_own_words_about_a_failure_are_kept(audio: AudioPreview, sounds: list[SilentSound]) -> None:
    audio.toggle()
    sounds[0].failed.emit("device unplugged")
    assert audio.note.isVisible()
    assert audio.note.toolTip() == "device unplugged"


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_outline_is_right_for_every_sample_width(width: int, channels: int) -> None:
    outline = read_waveform(wav_bytes(0.5, width, channels, peak=0.5))
    assert (outline.duration_ms, outline.rate_hz, outline.channels) == (500, 8000, channels)
    assert max(outline.highs) == pytest.approx(0.5, abs=0.02)
    assert min(outline.lows) == pytest.approx(-0.5, abs=0.02)


def test_a_recording_of_no_length_and_one_that_was_cut_off_have_an_outline() -> None:
    assert read_waveform(wav_bytes(0.0)).duration_ms == 0
    cut = wav_bytes(1.0, 2, 2)[:-3]
    assert max(read_waveform(cut).highs) > 0.4


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"ID3" + b"\xff" * 99])
def test_a_damaged_recording_is_said_in_words(kit: Kit, qtbot: QtBot, data: bytes) -> None:
    preview = AudioPreview(kit)
    shown(preview, qtbot, medium(data, "audio/wav"))
    qtbot.waitUntil(preview.error_card.isVisible)
    assert not preview.play_button.isEnabled()


def test_the_outline_is_painted_and_what_was_heard_has_the_accent(audio: AudioPreview, kit: Kit) -> None:
    audio.view.set_position(10_000)
    image = audio.view.grab().toImage()
    accent = kit.theme.color("accent")
    row = image.height() // 2
    heard = [x for x in range(image.width()) if image.pixelColor(x, row) == accent]
    assert heard
    assert 0.45 * image.width() < max(heard) < 0.55 * image.width()


def test_without_qtmultimedia_it_names_what_is_missing(kit: Kit, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own way to say that a module cannot be imported.
    monkeypatch.setitem(sys.modules, "PySide6.QtMultimedia", None)
    preview = AudioPreview(kit)
    qtbot.addWidget(preview)
    shown(preview, qtbot, medium(wav_bytes(), "audio/wav"))
    qtbot.waitUntil(preview.play_button.isEnabled)
    preview.play_button.click()
    assert "PySide6.QtMultimedia" in preview.note.text()
    assert preview.save_button.isEnabled()
