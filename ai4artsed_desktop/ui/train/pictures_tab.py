"""A project's pictures: brought in, looked at, given captions, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QMenu, QScrollArea, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.captions import tags_of
from ai4artsed_desktop.engine.training_studio import ProjectPicture
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.drops import PICTURE_SUFFIXES
from ai4artsed_desktop.ui.earlier_pictures import EarlierPicture, earlier_pictures, with_thumbnails
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.pictures import png_bytes
from ai4artsed_desktop.ui.train.caption_tools import CaptionTools
from ai4artsed_desktop.ui.train.captions import CaptionBook
from ai4artsed_desktop.ui.train.check_card import CheckCard
from ai4artsed_desktop.ui.train.confirm import Confirm
from ai4artsed_desktop.ui.train.link import TrainLink
from ai4artsed_desktop.ui.train.picture_grid import PictureGrid
from ai4artsed_desktop.ui.train.removals import Removals
from ai4artsed_desktop.ui.train.thumbnails import PictureItem, PictureModel
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, column, row
from ai4artsed_desktop.ui.widgets.notice import Notice
from ai4artsed_desktop.ui.widgets.picture_menu import PictureMenu

_SIDE_PX = 320


class PicturesTab(QWidget):
    """Grid at the left, words and check at the right.

    Args:
        context: What every page is given.
        link: The project in sight.
        show_error: Shows what did not work.
    """

    def __init__(self, context: PageContext, link: TrainLink, show_error: Callable[[ErrorInfo], None]) -> None:
        super().__init__()
        self._context = context
        self._kit = kit = context.kit
        self._link = link
        self._show_error = show_error
        self._loaded = ""
        self._tag = ""
        self._only: frozenset[str] | None = None
        self.book = CaptionBook(link, show_error, self)
        self.removals = Removals(context.desk, link, self.book, show_error, self)
        self.model = PictureModel(context.desk.read_bytes, self, is_editable=True)
        self.grid = PictureGrid(kit, self.model, "train.pictures", takes_files=True)
        self.tools = CaptionTools(kit, link, self.book, self.targets)
        self.check = CheckCard(kit, link, self.book, show_error)
        self.search = QLineEdit()
        self.count = Label(kit, look="small")
        self.add_button = Button(kit, "train.add", "plus", "primary")
        self.remove_button = Button(kit, "train.remove", "trash")
        self.undo_button = IconButton(kit, "undo", "train.undo", shortcut_hint="Ctrl+Z")
        self.redo_button = IconButton(kit, "redo", "train.redo")
        self.confirm = Confirm(kit, "train.remove.yes", "trash")
        self.empty = Notice(kit, "picture", "train.pictures.empty", "train.pictures.empty.text")
        self.empty.add_action("train.add.files", self.choose_files, "plus")
        self._keeping = Background[list[Path]](self, self.add, show_error)
        self._looking = Background[list[EarlierPicture]](self, self._on_looked, show_error)
        self._results: PictureMenu | None = None
        self._lay_out()
        self._connect()
        self.retranslate()

    def targets(self) -> list[str]:
        """Return the pictures that a change is for: those chosen, else all in sight."""
        return self.grid.chosen_ids() or [item.id for item in self.model.items]

    def add(self, paths: Sequence[Path]) -> None:
        """Copy pictures, or folders with pictures, into the project."""
        self._link.ask(
            self._link.studio.add(self._link.name, [Path(path) for path in paths]), self._on_added, self._show_error
        )

    def paste(self) -> None:
        """Take pictures from the clipboard: files, or a picture itself."""
        mime = QGuiApplication.clipboard().mimeData()
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        if files:
            self.add(files)
        elif mime.hasImage():
            image, keep = QImage(QGuiApplication.clipboard().image()), self._context.desk.keep_picture
            self._keeping.start(lambda: [keep(png_bytes(image), "png")])

    def choose_files(self) -> None:
        """Let the person choose pictures."""
        pattern = " ".join(f"*{suffix}" for suffix in PICTURE_SUFFIXES)
        dialog = QFileDialog(
            self, self._kit.text("train.add.files"), "", f"{self._kit.text('train.pictures')} ({pattern})"
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._on_files_chosen)
        dialog.open()

    def choose_folder(self) -> None:
        """Let the person choose a folder of pictures."""
        dialog = QFileDialog(self, self._kit.text("train.add.folder"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._on_folder_chosen)
        dialog.open()

    def session_pictures(self) -> list[Path]:
        """Return the pictures that were made in this session, newest first."""
        return [
            facts.folder / medium.filename
            for facts in self._context.runs.all()
            if facts.folder is not None
            for medium in facts.media
            if medium.type == "image"
        ]

    def remove(self, names: Sequence[str]) -> None:
        """Ask, then remove copies; the person's originals stay."""
        if names and not self._link.is_running:
            self.confirm.ask("train.remove.question", lambda: self.removals.remove(names), count=len(names))

    @property
    def can_undo(self) -> bool:
        """Whether there is a change of captions, or a removal, to take back."""
        return self.book.can_undo or self.removals.is_next

    def undo(self) -> None:
        """Take back what was done last."""
        if self.removals.is_next:
            self.removals.undo()
        else:
            self.book.undo()

    def retranslate(self) -> None:
        """Set the words anew."""
        self.search.setPlaceholderText(self._kit.text("train.search"))
        self.search.setAccessibleName(self._kit.text("train.search"))
        self._fill()

    def _lay_out(self) -> None:
        bar = row(
            self.add_button, self.remove_button, self.undo_button, self.redo_button, None, self.count, space=r.SPACE_1
        )
        left = column(bar, self.search, self.confirm, self.grid, self.empty, space=r.SPACE_2)
        left.setStretch(3, 1)
        left.setStretch(4, 1)
        holder = QWidget()
        inner = column(self.check, self.tools, space=r.SPACE_2)
        inner.setStretch(1, 1)
        holder.setLayout(inner)
        side = QScrollArea()
        side.setWidget(holder)
        side.setWidgetResizable(True)
        side.setFrameShape(QFrame.Shape.NoFrame)
        side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        side.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        side.setFixedWidth(_SIDE_PX)
        layout = row(left, side, space=r.SPACE_3)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self.add_button.clicked.connect(self._on_add_button_clicked)
        self.remove_button.clicked.connect(lambda: self.remove(self.grid.chosen_ids()))
        self.undo_button.clicked.connect(self.undo)
        self.redo_button.clicked.connect(self.book.redo)
        self.grid.files_dropped.connect(self.add)
        self.grid.paste_requested.connect(self.paste)
        self.grid.removal_requested.connect(lambda: self.remove(self.grid.chosen_ids()))
        self.grid.chosen.connect(self._on_chosen)
        self.model.edited.connect(self._on_model_edited)
        self.book.changed.connect(self._fill)
        self.removals.changed.connect(self._on_removed)
        self.tools.tag_chosen.connect(self._on_tag_chosen)
        self.check.shown.connect(self._on_check_shown)
        self.check.removal_wanted.connect(self.remove)
        self.search.textChanged.connect(self._on_search_text_changed)
        self._link.opened.connect(self.load)
        self._link.pictures_changed.connect(self._fill)
        self._link.changed.connect(self._on_link_changed)
        self._kit.translator.language_changed.connect(self.retranslate)

    def load(self) -> None:
        """Read the pictures of the project in sight."""
        if self._link.snapshot is None:
            return
        self.search.clear()
        self._tag, self._only = "", None
        self.confirm.hide()
        self.check.reset()
        self._read()

    def _read(self) -> None:
        self.book.read(self._on_pictures)

    def _fill(self) -> None:
        """Show the pictures that fit what is searched for."""
        report = self._link.report
        marked = {finding.name for finding in report.findings} if report is not None else frozenset[str]()
        wanted = self.search.text().casefold().split()
        captions = self.book.captions
        self.model.set_items(
            PictureItem(picture.name, captions[picture.name], picture.path, is_marked=picture.name in marked)
            for picture in self.book.pictures
            if self._fits(picture.name, captions[picture.name], wanted)
        )
        shown, everything = len(self.model.items), len(self.book.pictures)
        self.count.setText(f"{shown}/{everything}" if shown != everything else str(everything))
        self.grid.setVisible(everything > 0)
        self.empty.setVisible(everything == 0)
        self.search.setVisible(everything > 0)
        self._on_chosen()

    def _fits(self, name: str, caption: str, wanted: Sequence[str]) -> bool:
        if self._only is not None and name not in self._only:
            return False
        if self._tag and self._tag.casefold() not in (tag.casefold() for tag in tags_of(caption)):
            return False
        text = f"{name} {caption}".casefold()
        return all(word in text for word in wanted)

    def _on_pictures(self, pictures: Sequence[ProjectPicture]) -> None:
        is_same = self._loaded == self._link.name
        self._loaded = self._link.name
        self.book.load(pictures, is_same_project=is_same)
        self.check.look_if_quick()

    def _on_added(self, _names: Sequence[str]) -> None:
        self._link.forget_report()
        self._read()

    def _on_removed(self) -> None:
        self._only = None
        self.model.loader.forget()
        self._link.forget_report()
        self._read()

    def _on_files_chosen(self, names: list[str]) -> None:
        self.add([Path(name) for name in names])

    def _on_folder_chosen(self, name: str) -> None:
        self.add([Path(name)])

    def _on_model_edited(self, name: str, text: str) -> None:
        self.book.change({name: text})

    def _on_chosen(self, _ids: Sequence[str] = ()) -> None:
        has_chosen = bool(self.grid.selectionModel().hasSelection())
        self.remove_button.setEnabled(has_chosen and not self._link.is_running)
        self.undo_button.setEnabled(self.can_undo)
        self.redo_button.setEnabled(self.book.can_redo)
        self.tools.show_scope()

    def _on_tag_chosen(self, tag: str) -> None:
        self._tag = tag
        self._fill()

    def _on_check_shown(self, names: list[str]) -> None:
        self._only = frozenset(names)
        self._tag = ""
        self.tools.all_button.show()
        self._fill()
        self.grid.choose(names)

    def _on_search_text_changed(self) -> None:
        self._only = None
        self._fill()

    def _on_link_changed(self) -> None:
        # A start renames the folder: the paths of the copies are others then.
        if self._link.name == self._loaded and self._link.snapshot is not None:
            self._read()

    def _on_add_button_clicked(self) -> None:
        kit, menu = self._kit, QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        icons = kit.icons
        menu.addAction(icons.icon("picture"), kit.text("train.add.files"), self.choose_files)
        menu.addAction(icons.icon("folder"), kit.text("train.add.folder"), self.choose_folder)
        menu.addAction(icons.icon("copy"), kit.text("train.add.paste"), self.paste)
        made = self.session_pictures()
        session = menu.addAction(
            icons.icon("gallery"), kit.text("train.add.session", count=len(made)), lambda: self.add(made)
        )
        session.setEnabled(bool(made))
        results = self._results = PictureMenu(kit, "images.earlier", menu)
        menu.aboutToHide.connect(self._on_menu_about_to_hide)
        bridge = self._context.bridge
        bridge.ask(earlier_pictures(bridge.engine), partial(self._on_earlier_found, results), self._show_error)
        menu.popup(self.add_button.mapToGlobal(self.add_button.rect().bottomLeft()))

    def _on_earlier_found(self, results: PictureMenu, earlier: Sequence[EarlierPicture]) -> None:
        if results is not self._results:
            return  # found for a menu that was closed meanwhile
        made, read = self.session_pictures(), self._context.desk.read_bytes
        before = [picture for picture in earlier if picture.path not in made]
        self._looking.start(lambda: with_thumbnails(read, before))

    def _on_looked(self, earlier: list[EarlierPicture]) -> None:
        if self._results is not None:
            for picture in earlier:
                self._results.offer(picture.title, picture.picture, partial(self.add, [picture.path]))

    def _on_menu_about_to_hide(self) -> None:
        self._results = None
        self._looking.forget()
