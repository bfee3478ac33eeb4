"""Parts of the Train page by themselves: the order of thumbnails, the night."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QThreadPool
from PySide6.QtGui import QImage

from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.ui.pictures import png_bytes
from ai4artsed_desktop.ui.train.plan_tab import next_night
from ai4artsed_desktop.ui.train.thumbnails import IMAGE_ROLE, PictureItem, PictureModel

HERE = timezone(timedelta(hours=2))


def test_thumbnails_are_brought_once_last_asked_first_and_a_damaged_file_is_no_error(qtbot: Any, qapp: Any) -> None:
    picture = QImage(640, 320, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.blue)
    data, reads = png_bytes(picture), list[Path]()

    def read(path: Path) -> bytes:
        reads.append(path)
        if path.name == "gone":
            raise StorageError("gone", path=str(path))
        return b"no picture" if path.name == "cut" else data

    owner = QObject()
    model = PictureModel(read, owner)
    names = [f"p{n}" for n in range(300)] + ["gone", "cut"]
    model.set_items(PictureItem(name, f"words of {name}", Path(name)) for name in names)
    for row in range(len(names)):
        assert model.data(model.index(row), IMAGE_ROLE) is None
    qtbot.waitUntil(lambda: model.loader.is_idle)
    assert len(reads) < 130, "what has gone by is not brought any more"
    assert reads.index(Path("cut")) < 4
    image = model.data(model.index(names.index("p299")), IMAGE_ROLE)
    assert isinstance(image, QImage) and (image.width(), image.height()) == (200, 100)
    for name in ("gone", "cut"):
        broken = model.data(model.index(names.index(name)), IMAGE_ROLE)
        assert isinstance(broken, QImage) and broken.isNull()
    before = len(reads)
    model.data(model.index(names.index("p299")), IMAGE_ROLE)
    assert model.loader.is_idle and len(reads) == before
    QThreadPool.globalInstance().waitForDone()


def test_rows_with_the_same_ids_are_updated_in_place(qapp: Any) -> None:
    owner = QObject()
    model = PictureModel(lambda _: b"", owner, is_editable=True)
    resets, edited = list[bool](), list[tuple[str, str]]()
    model.modelReset.connect(lambda: resets.append(True))
    model.edited.connect(lambda name, text: edited.append((name, text)))  # pyright: ignore[reportUnknownLambdaType,reportUnknownArgumentType] - Qt's signal has no types
    model.set_items([PictureItem("a", "x"), PictureItem("b", "y")])
    model.set_items([PictureItem("a", "x"), PictureItem("b", "z")])
    assert resets == [True] and model.data(model.index(1)) == "z"
    assert model.setData(model.index(0), "x") and model.setData(model.index(1), "new")
    assert edited == [("b", "new")] and model.data(model.index(1)) == "z", "whoever owns the rows sets them"


def test_the_night_begins_in_the_evening_or_is_now() -> None:
    noon = datetime(2026, 3, 28, 12, 30, tzinfo=HERE)
    assert datetime.fromtimestamp(next_night(noon), HERE) == noon.replace(hour=22, minute=0)
    for hour in (22, 23, 0, 4):
        late = noon.replace(hour=hour)
        assert next_night(late) == late.timestamp()
