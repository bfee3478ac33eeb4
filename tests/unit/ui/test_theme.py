from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui import roles, stylesheet
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.roles import DARK, GROUND_ROLES, HIGH_CONTRAST, LIGHT, TEXT_ROLES, Roles, contrast_ratio
from ai4artsed_desktop.ui.theme import Theme, ThemeChoice, set_look
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton
from ai4artsed_desktop.ui.widgets.fields import CheckField, Combo, NumberField, WholeField

SETS = pytest.mark.parametrize("colors", [LIGHT, DARK, HIGH_CONTRAST], ids=["light", "dark", "high_contrast"])


@SETS
@pytest.mark.parametrize("text", TEXT_ROLES)
def test_every_text_role_is_readable_on_every_ground(colors: Roles, text: str) -> None:
    grounds = [getattr(colors, ground) for ground in GROUND_ROLES]
    grounds += [stylesheet.hover(colors), stylesheet.picked(colors)] if text in ("ink", "muted", "warn") else []
    assert min(contrast_ratio(getattr(colors, text), ground) for ground in grounds) >= 4.5


@SETS
def test_text_on_the_accent_is_readable_and_edges_are_visible(colors: Roles) -> None:
    assert contrast_ratio(colors.on_accent, colors.accent) >= 4.5
    for ground in (colors.canvas, colors.surface, colors.sunken):
        assert contrast_ratio(colors.edge, ground) >= 3.0
        assert contrast_ratio(colors.focus, ground) >= 3.0


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast_ratio("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast_ratio("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_a_fixed_choice_reaches_palette_and_stylesheet(kit: Kit, qapp: QApplication, qtbot: QtBot) -> None:
    with qtbot.waitSignal(kit.theme.changed):
        kit.theme.configure(choice=ThemeChoice.DARK)
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == DARK.canvas
    assert DARK.surface in qapp.styleSheet()
    assert LIGHT.surface not in qapp.styleSheet()


def test_the_system_choice_follows_the_desktop(kit: Kit, qapp: QApplication) -> None:
    hints = qapp.styleHints()
    kit.theme.configure(choice=ThemeChoice.SYSTEM)
    try:
        hints.setColorScheme(Qt.ColorScheme.Dark)
        expected = DARK if hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT
        assert kit.theme.roles == expected
        hints.setColorScheme(Qt.ColorScheme.Light)
        assert kit.theme.roles == LIGHT
    finally:
        hints.unsetColorScheme()


def test_a_fixed_choice_does_not_follow_the_desktop(kit: Kit, qapp: QApplication) -> None:
    hints = qapp.styleHints()
    try:
        hints.setColorScheme(Qt.ColorScheme.Dark)
        assert kit.theme.roles == LIGHT
    finally:
        hints.unsetColorScheme()


@pytest.mark.parametrize(("workshop_mode", "hit_px"), [(False, 32), (True, 48)])
def test_buttons_are_large_enough_to_hit(kit: Kit, qtbot: QtBot, workshop_mode: bool, hit_px: int) -> None:
    kit.theme.configure(workshop_mode=workshop_mode)
    buttons = [
        Button(kit, "action.save"),
        Button(kit, "action.save", "save", "quiet"),
        IconButton(kit, "save", "action.save"),
    ]
    for button in buttons:
        qtbot.addWidget(button)
        button.show()
        assert button.sizeHint().height() >= hit_px
        assert button.sizeHint().width() >= hit_px


def test_focus_does_not_move_what_it_surrounds(kit: Kit, qtbot: QtBot) -> None:
    button = Button(kit, "action.save")
    qtbot.addWidget(button)
    button.show()
    before = button.sizeHint()
    button.setFocus()
    assert button.sizeHint() == before


def test_reduced_motion_leaves_no_fade(kit: Kit) -> None:
    assert kit.theme.fade_ms == 0
    kit.theme.configure(reduced_motion=False)
    assert kit.theme.fade_ms == roles.FADE_MS


def test_a_look_can_change_after_it_was_shown(kit: Kit, qtbot: QtBot) -> None:
    label = QLabel("words")
    qtbot.addWidget(label)
    set_look(label, "page")
    label.show()
    high = label.sizeHint().height()
    set_look(label, "small")
    assert label.sizeHint().height() < high


def test_two_themes_do_not_fight_over_an_old_one(qapp: QApplication, kit: Kit) -> None:
    other = Theme(qapp, ThemeChoice.HIGH_CONTRAST)
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == HIGH_CONTRAST.canvas
    other.deleteLater()


def test_a_theme_that_stays_as_it_is_is_not_put_on_again(kit: Kit, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(kit.theme.changed):
        kit.theme.configure(choice=ThemeChoice.LIGHT, workshop_mode=False, reduced_motion=True)


@pytest.mark.parametrize("make", [WholeField, NumberField, CheckField, Combo])
def test_a_field_that_is_gone_does_not_hear_of_another_look(kit: Kit, make: Callable[[Kit], QWidget]) -> None:
    field = make(kit)
    field.deleteLater()
    QCoreApplication.sendPostedEvents(field, int(QEvent.Type.DeferredDelete))
    kit.theme.configure(workshop_mode=True)
