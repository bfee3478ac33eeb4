"""The video preview with a film that only remembers, and with a real one."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.film import Film, FilmUnavailableError
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.previews.image import ImagePreview
from ai4artsed_desktop.ui.previews.registry import discover, preview_for
from ai4artsed_desktop.ui.previews.video import VideoPreview
from tests.support.avi_files import avi_bytes
from tests.support.ui_kit import nameless
from tests.support.ui_media import medium, shown

Key = Qt.Key
#: What the player says of a machine without sound and graphics card is no fault of ours.
says_much = pytest.mark.qt_log_ignore(".*")


class StillFilm(QObject):
    """Stands for the player; remembers what it was told."""

    frame_changed = Signal(QImage)
    position_changed = Signal(int)
    duration_changed = Signal(int)
    playing_changed = Signal(bool)
    ended = Signal()
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
def films() -> list[StillFilm]:
    return []


@pytest.fixture
def video(kit: Kit, qtbot: QtBot, films: list[StillFilm]) -> VideoPreview:
    def make(data: bytes) -> StillFilm:
        films.append(StillFilm(data))
        return films[-1]

    preview = VideoPreview(kit, make)  # pyright: ignore[reportArgumentType] a double with the same face
    shown(preview, qtbot, medium(b"abc", "video/mp4", "/somewhere/a.mp4"))
    qtbot.waitUntil(preview.play_button.isEnabled)
    films[0].duration_changed.emit(10_000)
    return preview


def test_every_kind_of_video_and_moving_picture_has_its_preview() -> None:
    specs = discover()
    for mime in ("video/mp4", "video/webm", "video/x-matroska"):
        spec = preview_for(specs, mime)
        assert spec is not None and spec.make is VideoPreview
    for mime in ("image/webp", "image/apng", "image/gif"):
        spec = preview_for(specs, mime)
        assert spec is not None and spec.make is ImagePreview


def test_with_reduced_motion_nothing_plays_by_itself(video: VideoPreview, films: list[StillFilm]) -> None:
    assert films[0].told == [] and films[0].size == 3
    assert nameless(video) == []


def test_with_motion_it_plays_at_once_and_again_at_its_end(kit: Kit, qtbot: QtBot, films: list[StillFilm]) -> None:
    kit.theme.configure(reduced_motion=False)

    def make(data: bytes) -> StillFilm:
        films.append(StillFilm(data))
        return films[-1]

    preview = VideoPreview(kit, make)  # pyright: ignore[reportArgumentType] a double with the same face
    shown(preview, qtbot, medium(b"abc", "video/mp4"))
    qtbot.waitUntil(lambda: bool(films) and films[0].told == ["play"])
    films[0].ended.emit()
    assert films[0].told == ["play", "seek 0", "play"]
    preview.repeat_button.click()
    films[0].ended.emit()
    assert films[0].told == ["play", "seek 0", "play"]


def test_keys_and_buttons_play_pause_and_go_anywhere(video: VideoPreview, films: list[StillFilm]) -> None:
    film = films[0]
    video.play_button.click()
    QTest.keyClick(video, Key.Key_Space)
    QTest.keyClick(video, Key.Key_Right)
    QTest.keyClick(video, Key.Key_Right)
    QTest.keyClick(video, Key.Key_Left)
    QTest.keyClick(video, Key.Key_Home)
    QTest.keyClick(video, Key.Key_Left)
    assert film.told == ["play", "pause", "seek 1000", "seek 2000", "seek 1000", "seek 0", "seek 0"]
    assert video.caption.text() == "0:00 / 0:10"
    QTest.keyClick(video.slider, Key.Key_PageUp)
    assert film.told[-1] == "seek 1000" and video.slider.value() == 1000


def test_at_the_end_play_begins_anew(video: VideoPreview, films: list[StillFilm]) -> None:
    films[0].position_changed.emit(10_000)
    video.toggle()
    assert films[0].told == ["seek 0", "play"]


def test_frames_are_shown_and_zoomed(video: VideoPreview, films: list[StillFilm]) -> None:
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    films[0].frame_changed.emit(image)
    assert video.view.image().size() == image.size()
    before = video.view.zoom
    QTest.keyClicks(video.view, "+")
    assert video.view.zoom > before


def test_another_medium_and_the_end_close_the_film(video: VideoPreview, films: list[StillFilm], qtbot: QtBot) -> None:
    video.show_medium(medium(b"other", "video/webm"))
    qtbot.waitUntil(lambda: len(films) == 2)
    video.release()
    assert [film.told for film in films] == [["close"], ["close"]]
    video.toggle()
    video.seek(5)
    assert films[1].told == ["close"]


def test_what_cannot_be_played_says_so_and_can_still_be_saved(video: VideoPreview, films: list[StillFilm]) -> None:
    films[0].failed.emit("no codec")
    assert not video.error_card.isHidden() and video.stage.isHidden()
    assert video.save_button.isEnabled()


def test_without_the_library_it_says_what_is_missing(kit: Kit, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySide6.QtMultimedia", None)
    with pytest.raises(FilmUnavailableError):
        Film(b"")
    preview = VideoPreview(kit)
    shown(preview, qtbot, medium(b"abc", "video/mp4"))
    qtbot.waitUntil(lambda: not preview.error_card.isHidden())
    assert not preview.play_button.isEnabled()


@says_much
def test_a_real_video_shows_its_first_frame_and_plays_to_its_end(kit: Kit, qtbot: QtBot) -> None:
    pytest.importorskip("PySide6.QtMultimedia", exc_type=ImportError)
    preview = VideoPreview(kit)
    shown(preview, qtbot, medium(avi_bytes(frames=8, fps=8), "video/x-msvideo"))
    qtbot.waitUntil(lambda: not preview.view.image().isNull(), timeout=15_000)
    assert preview.view.image().size().width() == 64
    assert preview.view.image().pixelColor(30, 20).red() < 60
    qtbot.waitUntil(lambda: preview.slider.maximum() >= 900, timeout=15_000)
    preview.toggle()
    qtbot.waitUntil(lambda: preview.view.image().pixelColor(30, 20).red() > 200, timeout=15_000)
    preview.release()


@says_much
def test_damaged_bytes_are_said_to_be_so(kit: Kit, qtbot: QtBot) -> None:
    pytest.importorskip("PySide6.QtMultimedia", exc_type=ImportError)
    preview = VideoPreview(kit)
    shown(preview, qtbot, medium(b"\0\0\0\x18ftypmp42" + b"x" * 500, "video/mp4"))
    qtbot.waitUntil(lambda: not preview.error_card.isHidden(), timeout=15_000)
    preview.release()
