"""The fields of an interception: what a person types, as the values of its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.engine.interception_files import InterceptionDraft
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Label, column, row
from ai4artsed_desktop.ui.widgets.fields import ChoiceField, NumberField, WholeField
from ai4artsed_desktop.ui.widgets.prose import ProseEdit

#: Icons that stand for a way of seeing; each is a word for itself in the language files.
ICONS = (
    *("pen", "eye", "ear", "mask", "mirror", "feather", "letter", "newspaper", "book", "film", "radio", "notes"),
    *("leaf", "hand", "child", "question", "megaphone", "hourglass", "compass", "cube", "grid", "cloud", "code"),
)
LANGUAGES = ("de", "en")
_ARROW = re.compile(r"\s*(?:→|=>|->)\s*")
_LONGEST_LABEL = 40


class InterceptionForm(QWidget):
    """Shows a draft in one of its languages and gives it back as it stands in the fields.

    Args:
        kit: Look, icons and words.
    """

    #: Something was typed or chosen.
    changed = Signal()

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._draft = InterceptionDraft()
        self._is_filling = False
        self.language = ChoiceField(kit)
        self.name, self.description = QLineEdit(), QLineEdit()
        self.rules = ProseEdit(kit, min_lines=5, max_lines=12)
        self.examples = ProseEdit(kit, min_lines=2, max_lines=6)
        self.stance = ProseEdit(kit, min_lines=2, max_lines=5)
        self.sources = ProseEdit(kit, min_lines=2, max_lines=5)
        self.icon = ChoiceField(kit)
        self.temperature = NumberField(kit)
        self.temperature.setRange(0.0, 2.0)
        self.temperature.setSingleStep(0.1)
        self.age = WholeField(kit)
        self.age.setRange(0, 99)
        self._captions: list[tuple[QWidget, Label]] = []
        self._lay_out()
        self._connect()
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    @property
    def draft(self) -> InterceptionDraft:
        """The draft with everything that stands in the fields."""
        return self._draft

    @property
    def wrong_example(self) -> str:
        """A line of the examples that has no arrow, or "" if all are well."""
        return next((line for line in self._example_lines() if len(_ARROW.split(line, maxsplit=1)) != 2), "")

    def show_draft(self, draft: InterceptionDraft) -> None:
        """Fill the fields from a draft, in the window's language."""
        self._draft = draft
        self._fill(self._kit.translator.language)

    def showEvent(self, event: QShowEvent) -> None:
        """Be as high as the texts: their height is known once they can be seen."""
        super().showEvent(event)
        for field in (self.rules, self.examples, self.stance, self.sources):
            field.updateGeometry()

    def retranslate(self) -> None:
        """Set the words anew; the texts stay in the language chosen."""
        kit = self._kit
        self.language.set_options([(code, kit.text(f"language.{code}")) for code in LANGUAGES], self._language)
        self.icon.set_options([(name, kit.text(f"editor.icon.{name}")) for name in self._icons()], self.icon.value)
        for widget, caption in self._captions:
            widget.setAccessibleName(caption.text())
        self.examples.setPlaceholderText(kit.text("editor.examples.placeholder"))
        self.sources.setPlaceholderText(kit.text("editor.sources.placeholder"))
        self.rules.setPlaceholderText(kit.text("create.rules.placeholder"))

    @property
    def _language(self) -> str:
        value = self.language.value
        return value if isinstance(value, str) else self._kit.translator.language

    def _icons(self) -> tuple[str, ...]:
        own = str(_part(self._draft.content, "display").get("icon", "pen"))
        return ICONS if own in ICONS else (*ICONS, own)

    def _lay_out(self) -> None:
        def field(key: str, widget: QWidget) -> QWidget:
            caption = Label(self._kit, key, "overline")
            caption.setBuddy(widget)
            self._captions.append((widget, caption))
            holder = QWidget()
            holder.setLayout(column(caption, widget, space=r.SPACE_1))
            return holder

        small = row(
            field("editor.icon", self.icon),
            field("editor.temperature", self.temperature),
            field("editor.age", self.age),
            None,
            space=r.SPACE_3,
        )
        head = row(field("editor.name", self.name), field("editor.language", self.language), space=r.SPACE_3)
        head.setStretch(0, 1)
        layout = column(
            head,
            field("editor.description", self.description),
            field("editor.rules", self.rules),
            field("editor.examples", self.examples),
            field("editor.stance", self.stance),
            field("editor.sources", self.sources),
            small,
            None,
            space=r.SPACE_3,
        )
        self.setLayout(layout)

    def _connect(self) -> None:
        for line in (self.name, self.description):
            line.textEdited.connect(self._on_field_changed)
        for field in (self.rules, self.examples, self.stance, self.sources):
            field.textChanged.connect(self._on_field_changed)
        self.icon.chosen.connect(self._on_field_changed)
        self.temperature.valueChanged.connect(self._on_field_changed)
        self.age.valueChanged.connect(self._on_field_changed)
        self.language.chosen.connect(self._on_language_chosen)

    def _fill(self, language: str) -> None:
        content, self._is_filling = self._draft.content, True
        self.language.set_value(language)
        meta, display = _part(content, "meta"), _part(content, "display")
        for key, line in (("name", self.name), ("description", self.description)):
            line.setText(_texts(content.get(key)).get(language, ""))
            line.setCursorPosition(0)
        self.rules.set_text(_texts(content.get("context")).get(language, ""))
        self.stance.set_text(_texts(meta.get("stance")).get(language, ""))
        self.sources.set_text("\n".join(str(source) for source in meta.get("sources", ())))
        pairs = _part(content, "examples").get("pairs", ())
        self.examples.set_text("\n".join(f"{pair['idea']} → {pair['text']}" for pair in pairs))
        self.retranslate()
        self.icon.set_value(display.get("icon", "pen"))
        self.temperature.setValue(float(_part(content, "parameters").get("temperature", 0.8)))
        self.age.setValue(int(_part(content, "audience").get("min_age", 0)))
        self._is_filling = False
        self.changed.emit()

    def _on_language_chosen(self, language: object) -> None:
        self._fill(str(language))

    def _on_field_changed(self) -> None:
        if not self._is_filling:
            self._draft = InterceptionDraft(self._content(), self._draft.id)
            self.changed.emit()

    def _content(self) -> dict[str, Any]:
        """Return the file's values; what the form does not know of stays as it is."""
        content = dict(self._draft.content)
        content["name"] = self._said(content.get("name"), self.name.text())
        content["description"] = self._said(content.get("description"), self.description.text())
        content["context"] = self._said(content.get("context"), self.rules.toPlainText()) or ""
        meta = _part(content, "meta")
        stance = self._said(meta.get("stance"), self.stance.toPlainText())
        meta["stance"] = stance or None
        meta["sources"] = [line.strip() for line in self.sources.toPlainText().splitlines() if line.strip()]
        content["meta"] = meta
        content["display"] = {**_part(content, "display"), "icon": self.icon.value}
        content["parameters"] = {**_part(content, "parameters"), "temperature": round(self.temperature.value(), 2)}
        content["audience"] = {**_part(content, "audience"), "min_age": self.age.value()}
        content["examples"] = self._examples(content)
        return content

    def _said(self, before: object, text: str) -> dict[str, str]:
        """Return a text in its languages, the one chosen replaced."""
        texts = {**_texts(before), self._language: clean_text(text).strip()}
        return {language: said for language, said in texts.items() if said}

    def _example_lines(self) -> list[str]:
        return [line.strip() for line in clean_text(self.examples.toPlainText()).splitlines() if line.strip()]

    def _examples(self, content: Mapping[str, Any]) -> dict[str, Any] | None:
        split = [_ARROW.split(line, maxsplit=1) for line in self._example_lines()]
        pairs = [{"idea": parts[0], "text": parts[1]} for parts in split if len(parts) == 2]
        if not pairs:
            return None
        names = _texts(content.get("name"))
        label = names.get("en") or next(iter(names.values()), "") or "Text"
        return {"label": _part(content, "examples").get("label") or label[:_LONGEST_LABEL], "pairs": pairs}


def _part(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}


def _texts(value: object) -> dict[str, str]:
    return dict(cast("Mapping[str, str]", value)) if isinstance(value, Mapping) else {}
