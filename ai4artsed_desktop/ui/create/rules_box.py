"""The second box: which interception, and its rules to read and edit."""

from __future__ import annotations

from PySide6.QtCore import Signal

from ai4artsed_desktop.domain.configs import InterceptionConfig
from ai4artsed_desktop.domain.runs import MAX_TEXT_CHARS
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.catalog_rules import procedure_of
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, row
from ai4artsed_desktop.ui.widgets.fields import CheckField
from ai4artsed_desktop.ui.widgets.picker import PickerButton
from ai4artsed_desktop.ui.widgets.text_box import TextBox


class RulesBox(TextBox):
    """Picker and rules. Rules that were changed are marked, kept per interception, and can be put back."""

    #: The picker was pressed.
    pick_requested = Signal()
    #: Sources and stance shall be shown.
    details_requested = Signal()
    #: What else can be done with interceptions shall be offered, below this widget.
    menu_requested = Signal(object)

    def __init__(self, kit: Kit, edited: dict[str, str]) -> None:
        self.edited = edited
        self._config: InterceptionConfig | None = None
        self._is_filling = False
        self.picker = PickerButton(kit, "create.rules.pick")
        self.details_button = IconButton(kit, "info", "create.rules.details")
        self.menu_button = IconButton(kit, "more", "editor.menu")
        self.reset_button = Button(kit, "create.rules.reset", "undo", "quiet")
        self.mark = Label(kit, "create.rules.edited", "small")
        super().__init__(kit, "create.rules", "create.rules.placeholder", limit_chars=MAX_TEXT_CHARS, min_lines=2)
        line = row(self.picker, self.details_button, self.menu_button, space=r.SPACE_1)
        line.setStretch(0, 1)
        self.extra.addLayout(line)
        self.pause = CheckField(kit, "create.pause")
        self.mark.setWordWrap(False)
        self.head.addWidget(self.mark)
        self.head.addStretch(1)
        self.head.addWidget(self.reset_button)
        self.foot.addWidget(self.pause)
        self.picker.clicked.connect(self.pick_requested)
        self.details_button.clicked.connect(self.details_requested)
        self.menu_button.clicked.connect(lambda: self.menu_requested.emit(self.menu_button))
        self.reset_button.clicked.connect(self._on_reset_button_clicked)
        self.changed.connect(self._on_self_changed)
        self._show_marks()

    @property
    def config(self) -> InterceptionConfig | None:
        """The interception picked now."""
        return self._config

    @property
    def rules(self) -> str | None:
        """The rules as edited; None = the interception's own."""
        if self._config is None or not self._can_edit():
            return None
        return self.edited.get(self._config.id)

    def show_config(self, config: InterceptionConfig | None, card: CardItem | None) -> None:
        """Show an interception with its rules, or the person's own version of them."""
        self._config = config
        self.picker.set_card(card)
        self.details_button.setEnabled(config is not None)
        self.fill()

    def take_rules(self, rules: str | None) -> None:
        """Show rules of an earlier run; None = the interception's own."""
        if self._config is not None:
            self.edited.pop(self._config.id, None)
            if rules is not None and rules != self._own_rules():
                self.edited[self._config.id] = rules
            self.fill()

    def fill(self) -> None:
        """Put the rules into the field anew."""
        own = self._own_rules()
        wanted = self.edited.get(self._config.id, own) if self._config is not None else ""
        self._is_filling = True
        if not self._can_edit():
            wanted = own
        if wanted != self.text:
            self.field.set_text(wanted)
        self.field.setReadOnly(not self._can_edit())
        self._is_filling = False
        self._show_marks()

    def retranslate(self) -> None:
        """Set the words anew; unedited rules come in the new language."""
        super().retranslate()
        self.fill()

    def _can_edit(self) -> bool:
        config = self._config
        return config is not None and procedure_of(config) is None and not config.meta.skip_interception

    def _own_rules(self) -> str:
        context = self._config.context if self._config is not None else ""
        return localized(context, self.kit.translator.language) if context else ""

    def _show_marks(self) -> None:
        is_edited = self.rules is not None
        is_fixed = self._config is not None and not self._can_edit()
        self.reset_button.setVisible(is_edited)
        self.mark.setVisible(is_edited or is_fixed)
        self.mark.set_key("create.rules.edited" if is_edited else "create.rules.fixed")

    def _on_self_changed(self) -> None:
        if self._is_filling or self._config is None or not self._can_edit():
            return
        if self.text == self._own_rules():
            self.edited.pop(self._config.id, None)
        else:
            self.edited[self._config.id] = self.text
        self._show_marks()

    def _on_reset_button_clicked(self) -> None:
        # Typed rules are not lost: one undo brings them back.
        self.set_text(self._own_rules())
        self.field.setFocus()
