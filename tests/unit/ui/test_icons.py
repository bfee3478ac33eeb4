from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from ai4artsed_desktop.ui.icons import Icons
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.roles import DARK, LIGHT
from ai4artsed_desktop.ui.theme import ThemeChoice
from tests.support.ui_kit import RESOURCES

FILES = sorted((RESOURCES / "icons").glob("*.svg"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_icon_is_drawn_in_the_one_style_and_inside_its_box(path: Path, kit: Kit) -> None:
    root = ElementTree.fromstring(path.read_text("utf-8"))
    assert root.attrib["viewBox"] == "0 0 24 24"
    assert root.attrib["stroke"] == "currentColor"
    assert root.attrib["stroke-width"] == "1.75"
    image = kit.icons.pixmap(path.stem, "ink", 96).toImage()
    ink = [(x, y) for x in range(96) for y in range(96) if image.pixelColor(x, y).alpha() > 128]
    assert len(ink) > 150, "nothing to see"
    assert all(2 <= x <= 93 and 2 <= y <= 93 for x, y in ink), "cut off at the edge"


def test_an_icon_takes_the_colour_of_its_role_and_follows_the_theme(kit: Kit) -> None:
    assert strongest(kit.icons.pixmap("stop", "bad", 48).toImage()) == QColor(LIGHT.bad)
    kit.theme.configure(choice=ThemeChoice.DARK)
    assert strongest(kit.icons.pixmap("stop", "bad", 48).toImage()) == QColor(DARK.bad)


def test_an_icon_is_crisp_at_twice_the_scale(kit: Kit) -> None:
    pixmap = kit.icons.icon("save").pixmap(kit.icons.pixmap("save").size(), 2.0)
    assert (pixmap.width(), pixmap.height(), pixmap.devicePixelRatio()) == (40, 40, 2.0)


def test_an_unknown_icon_shows_the_fallback(kit: Kit) -> None:
    assert not kit.icons.has("no-such-icon")
    assert kit.icons.pixmap("no-such-icon").toImage() == kit.icons.pixmap("shapes").toImage()


def test_without_any_drawing_nothing_is_painted_and_nothing_raises(kit: Kit) -> None:
    icons = Icons(lambda name: None, kit.theme)
    image = icons.pixmap("save", "ink", 24).toImage()
    assert all(image.pixelColor(x, y).alpha() == 0 for x in range(24) for y in range(24))


def strongest(image: QImage) -> QColor:
    colors = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(colors, key=lambda color: color.alpha())
