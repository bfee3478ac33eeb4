"""Fields for values: numbers as the language writes them, and long words that are told in full."""

from __future__ import annotations

import json
from importlib import import_module
from pkgutil import iter_modules

import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.domain.chunks import InputMapping
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.sketchbook import drawings, music
from ai4artsed_desktop.ui.create.parameters import ParameterValues, parameter_field
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.fields import ChoiceField, NumberField
from tests.support.ui_kit import RESOURCES, shipped_tables


@pytest.mark.parametrize("typed", ["0.9", "0,9"])
@pytest.mark.parametrize(("language", "shown"), [("de", "0,90"), ("en", "0.90")])
def test_a_number_is_written_as_in_its_language_and_typed_with_point_or_comma(
    kit: Kit, qtbot: QtBot, typed: str, language: str, shown: str
) -> None:
    field = NumberField(kit)
    qtbot.addWidget(field)
    kit.translator.set_language(language)
    field.show()
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, typed)
    field.interpretText()
    assert field.value() == pytest.approx(0.9) and field.text() == shown


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_choice_too_long_for_its_field_is_told_in_full(kit: Kit, qtbot: QtBot) -> None:
    field = ChoiceField(kit)
    qtbot.addWidget(field)
    words = "a choice whose words need a great deal more room than there is"
    field.set_options([("a", words)], "a")
    field.resize(120, 32)
    field.show()
    QApplication.sendEvent(field, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), field.mapToGlobal(QPoint(5, 5))))
    qtbot.waitUntil(lambda: QToolTip.text() == words)
    QToolTip.hideText()


def test_choices_are_said_in_the_persons_language(kit: Kit, qtbot: QtBot) -> None:
    shipped = (RESOURCES.parent / "configs" / "output" / "sketchbook_p5js.json").read_text("utf-8")
    config = OutputConfig.model_validate({"id": "x", **json.loads(shipped)})
    choices = ["auto", "still_life", "dpmpp_2m"]
    mapping = InputMapping.model_validate({"type": "choice", "default": "auto", "choices": choices})
    kit.translator.set_language("de")
    field = parameter_field(kit, ParameterValues({}), config, "family", mapping)
    qtbot.addWidget(field)
    assert isinstance(field, ChoiceField)
    assert [field.itemText(i) for i in range(3)] == ["automatisch", "Stillleben", "dpmpp 2m"]


def test_ways_of_drawing_and_musical_forms_are_called_as_the_sketchbook_calls_them() -> None:
    modules = [
        import_module(f"{home.__name__}.{found.name}")
        for home in (drawings, music)
        for found in iter_modules(home.__path__)
    ]
    made = [getattr(module, name) for module in modules for name in ("FAMILY", "FORM") if hasattr(module, name)]
    assert made
    for language, texts in shipped_tables().items():
        said = {thing.id: texts.get(f"choice.{thing.id}") for thing in made}
        assert said == {thing.id: thing.name[language] for thing in made}
