"""The pictures an output works on: their places, what fills them, and the sheet that paints a mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.input_images import ImageFileError, PicturePlace, places_of
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.create.image_slot import THUMB_PX, ImageSlot, clipboard_content
from ai4artsed_desktop.ui.desk import Desk
from ai4artsed_desktop.ui.drops import PICTURE_SUFFIXES
from ai4artsed_desktop.ui.earlier_pictures import EarlierPicture, with_thumbnails
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.strip import StripItem
from ai4artsed_desktop.ui.pictures import png_bytes, read_upright
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout
from ai4artsed_desktop.ui.widgets.mask_canvas import LONGEST_PX
from ai4artsed_desktop.ui.widgets.mask_sheet import MaskSheet
from ai4artsed_desktop.ui.widgets.picture_menu import PictureMenu

_MOST_RECENT = 12


class ImageSlots(QWidget):
    """One slot per place. What was given stays while other outputs are picked and comes back with its place.

    Args:
        kit: Look, icons and words.
        desk: Reads files and keeps pasted pictures.
        page: The widget that the mask sheet covers.
        recent: Returns this session's results, newest first.
        show_error: Shows what a file is not.
    """

    changed = Signal()

    def __init__(
        self,
        kit: Kit,
        desk: Desk,
        page: QWidget,
        recent: Callable[[], Sequence[StripItem]],
        show_error: Callable[[ErrorInfo], None],
    ) -> None:
        super().__init__()
        self._kit = kit
        self._desk = desk
        self._page = page
        self._recent = recent
        self._show_error = show_error
        self._files: dict[str, Path] = {}
        self._readers: dict[str, Background[QImage]] = {}
        self._sheet: MaskSheet | None = None
        self._masked: tuple[str, Path | None] = ("", None)
        self.slots: list[ImageSlot] = []
        self._flow = FlowLayout(space=r.SPACE_2)
        self.setLayout(self._flow)
        self._keeping = Background[tuple[str, Path]](self, self._on_kept, show_error)
        self._opening = Background[_ToPaint](self, self._on_opened, show_error)
        self._earlier: list[EarlierPicture] = []
        self._looking = Background[list[EarlierPicture]](self, self._on_looked, show_error)
        kit.translator.language_changed.connect(self._retranslate)
        self.hide()

    @property
    def images(self) -> dict[str, Path]:
        """The files of the places that are there now."""
        return {slot.place.key: slot.path for slot in self.slots if slot.path is not None}

    def show_outputs(self, catalog: Catalog, output_ids: Sequence[str]) -> bool:
        """Show the places of the outputs picked; return whether they are others than before."""
        places = places_of(catalog, (name for name in output_ids if name in catalog.outputs))
        if tuple(slot.place for slot in self.slots) == places:
            return False
        for slot in self.slots:
            self._flow.removeWidget(slot)
            slot.hide()
            slot.deleteLater()
        self.slots = [self._slot(place) for place in places]
        for slot in self.slots:
            self._flow.addWidget(slot)
            self._put(slot.place.key, self._files.get(slot.place.key))
        self.setVisible(bool(self.slots))
        return True

    def set_earlier(self, pictures: Sequence[EarlierPicture]) -> None:
        """Offer pictures of earlier runs, newest first; those that are gone or broken are left out."""
        read, wanted = self._desk.read_bytes, tuple(pictures)
        self._looking.start(lambda: with_thumbnails(read, wanted))

    def _on_looked(self, earlier: list[EarlierPicture]) -> None:
        self._earlier = earlier

    def set_images(self, images: Mapping[str, Path]) -> None:
        """Take over the pictures of an earlier run."""
        self._files = dict(images)
        for slot in self.slots:
            self._put(slot.place.key, images.get(slot.place.key))
        self.changed.emit()

    def take(self, content: Path | QImage) -> bool:
        """Put a picture into the first place that is free (a mask last); return whether there is any place."""
        ordered = sorted(self.slots, key=_takes_first)
        if not ordered:
            return False
        self._give(ordered[0].place.key, content)
        return True

    def paste(self) -> bool:
        """Take what is on the clipboard; return whether that was a picture and there was a place."""
        content = clipboard_content()
        if isinstance(content, Path) and content.suffix.lower() not in PICTURE_SUFFIXES:
            return False
        return content is not None and self.take(content)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take pasted pictures where text is written: a text field has no use for them."""
        is_press = event.type() == QEvent.Type.KeyPress and self.isVisible()
        if is_press and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Paste):
            return self.paste()
        return super().eventFilter(watched, event)

    def choose(self) -> None:
        """Ask for a file for the first place that is free."""
        ordered = sorted(self.slots, key=_takes_first)
        if ordered:
            self._choose(ordered[0].place.key)

    def open_mask(self, key: str) -> None:
        """Open the sheet that paints the mask of ``key``, if its picture is there."""
        slot = self._slot_of(key)
        picture = self._files.get(slot.place.mask_of or "") if slot is not None else None
        if slot is None or picture is None:
            return
        if self._sheet is not None and self._sheet.has_work and self._masked == (key, picture):
            self._sheet.open_again()
            return
        self._masked = (key, picture)
        read, before = self._desk.read_bytes, slot.path
        self._opening.start(lambda: _to_paint(read, picture, before))

    def _slot(self, place: PicturePlace) -> ImageSlot:
        slot = ImageSlot(self._kit, place)
        slot.given.connect(partial(self._give, place.key))
        slot.cleared.connect(partial(self._clear, place.key))
        slot.clicked.connect(partial(self._open_menu, slot))
        return slot

    def _slot_of(self, key: str) -> ImageSlot | None:
        return next((slot for slot in self.slots if slot.place.key == key), None)

    def _give(self, key: str, content: Path | QImage) -> None:
        if isinstance(content, Path):
            self._forget_mask_of(key)
            self._files[key] = content
            self._put(key, content)
            self.changed.emit()
            return
        keep = self._desk.keep_picture
        self._keeping.start(lambda: (key, keep(png_bytes(content), "png")))

    def _on_kept(self, kept: tuple[str, Path]) -> None:
        self._give(*kept)
        slot = self._slot_of(kept[0])
        if slot is not None and slot.path is not None:
            # The file's own name is a number nobody gave it.
            slot.set_file(slot.path, self._kit.text("images.painted" if slot.place.mask_of else "images.pasted"))
            self._read(kept[0], slot.path)

    def _clear(self, key: str) -> None:
        self._forget_mask_of(key)
        self._files.pop(key, None)
        self._put(key, None)
        self.changed.emit()

    def _forget_mask_of(self, key: str) -> None:
        """A mask belongs to one picture; to another it would be a lie."""
        for slot in self.slots:
            if slot.place.mask_of == key and self._files.pop(slot.place.key, None) is not None:
                self._put(slot.place.key, None)

    def _put(self, key: str, path: Path | None) -> None:
        slot = self._slot_of(key)
        if slot is not None and slot.path != path:
            slot.set_file(path)
            if path is not None:
                self._read(key, path)

    def _read(self, key: str, path: Path) -> None:
        read = self._desk.read_bytes
        reader = self._readers.get(key)
        if reader is None:
            done, failed = partial(self._on_read, key), partial(self._on_unreadable, key)
            reader = self._readers[key] = Background[QImage](self, done, failed)
        reader.start(lambda: _small(read, path))

    def _on_read(self, key: str, picture: QImage) -> None:
        if (slot := self._slot_of(key)) is not None:
            slot.set_picture(picture)

    def _on_unreadable(self, key: str, error: ErrorInfo) -> None:
        self._clear(key)
        self._show_error(error)

    def _on_opened(self, canvas: _ToPaint) -> None:
        if self._sheet is None:
            self._sheet = MaskSheet(self._kit, self._page)
            self._sheet.mask_painted.connect(self._on_sheet_mask_painted)
        self._sheet.open_for(canvas.picture, canvas.mask, canvas.full_size)

    def _on_sheet_mask_painted(self, mask: QImage) -> None:
        self._give(self._masked[0], mask)

    def _open_menu(self, slot: ImageSlot) -> None:
        # popup, not exec: no loop inside the loop.
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        key = slot.place.key
        if slot.place.mask_of is not None:
            paint = menu.addAction(self._kit.icons.icon("pen"), self._kit.text("images.paint"))
            paint.setEnabled(slot.place.mask_of in self._files)
            paint.triggered.connect(partial(self.open_mask, key))
        choose = menu.addAction(self._kit.icons.icon("folder"), self._kit.text("images.choose"))
        choose.triggered.connect(partial(self._choose, key))
        content = clipboard_content()
        paste = menu.addAction(self._kit.icons.icon("copy"), self._kit.text("images.paste"))
        paste.setEnabled(content is not None)
        if content is not None:
            paste.triggered.connect(partial(self._give, key, content))
        self._add_made(menu, key)
        clear = menu.addAction(self._kit.icons.icon("trash"), self._kit.text("images.clear"))
        clear.setEnabled(slot.path is not None)
        clear.triggered.connect(partial(self._clear, key))
        menu.popup(slot.mapToGlobal(slot.rect().bottomLeft()))

    def _add_made(self, menu: QMenu, key: str) -> None:
        """Offer what runs have made: in this session, and before it."""
        recent = [
            EarlierPicture(item.title, Path(item.path), item.picture)
            for item in self._recent()
            if item.path.lower().endswith(PICTURE_SUFFIXES)
        ]
        known = {made.path for made in recent}
        earlier = [made for made in self._earlier if made.path not in known]
        for words, pictures in (("images.recent", recent[:_MOST_RECENT]), ("images.earlier", earlier)):
            results = PictureMenu(self._kit, words, menu)
            for made in pictures:
                results.offer(made.title, made.picture, partial(self._give, key, made.path))

    def _choose(self, key: str) -> None:
        dialog = QFileDialog(self, self._kit.text("images.choose"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        patterns = " ".join(f"*{suffix}" for suffix in PICTURE_SUFFIXES)
        dialog.setNameFilter(f"{self._kit.text('images.filter')} ({patterns})")

        def take(path: str) -> None:
            self._give(key, Path(path))

        dialog.fileSelected.connect(take)
        dialog.open()

    def _retranslate(self) -> None:
        for slot in self.slots:
            slot.retranslate()


def _takes_first(slot: ImageSlot) -> tuple[bool, bool]:
    """Free places come first, and a mask last."""
    return slot.path is not None, slot.place.mask_of is not None


def _small(read: Callable[[Path], bytes], path: Path) -> QImage:
    """Read a small picture; runs in a worker."""
    return _checked(read_upright(read(path), THUMB_PX), path)


@dataclass(frozen=True, slots=True)
class _ToPaint:
    """What the mask sheet needs: the picture in a size to paint on, its own size, an earlier mask."""

    picture: QImage
    full_size: QSize
    mask: QImage | None


def _to_paint(read: Callable[[Path], bytes], path: Path, mask: Path | None) -> _ToPaint:
    """Read a picture to paint on; runs in a worker."""
    whole = _checked(read_upright(read(path)), path)
    fits, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    is_large = max(whole.width(), whole.height()) > LONGEST_PX
    shown = whole.scaled(LONGEST_PX, LONGEST_PX, fits, smooth) if is_large else whole
    return _ToPaint(shown, whole.size(), _checked(read_upright(read(mask)), mask) if mask is not None else None)


def _checked(picture: QImage, path: Path) -> QImage:
    if picture.isNull():
        raise ImageFileError("Qt does not read it", file=path.name)
    return picture
