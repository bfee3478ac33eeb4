"""A workflow of one's own, shown for confirmation: what was found in it, what is kept, what it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QScrollArea, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.workflow_import import Role, role_name
from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.engine.workflows import AddedOutput, FoundGraph
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.fields import CheckField
from ai4artsed_desktop.ui.widgets.sheet import Sheet

#: Without these an output would ignore what the person writes, or make the same thing for ever.
_ESSENTIAL = frozenset({"prompt", "seed"})
_SHOWN_CHARS = 60


class WorkflowSheet(Sheet):
    """Name, found parameters with a tick each, and one button."""

    #: The person agreed: what was found, its title, and the names of parameters to leave out.
    agreed = Signal(object, str, list)

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(kit, parent, "workflow.title", max_width_px=680, max_height_px=640)
        self._found: FoundGraph | None = None
        self.ticks: dict[str, CheckField] = {}
        self._summary = Label(kit, look="muted")
        self._name_label = Label(kit, "workflow.name", "small")
        self.name = QLineEdit()
        self.name.setMaxLength(80)
        self._name_label.setBuddy(self.name)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hint = Label(kit, look="small-warn")
        self.save_button = Button(kit, "workflow.save", "save", "primary")
        self.save_button.clicked.connect(self._on_save_button_clicked)
        self.name.textChanged.connect(self._on_name_text_changed)
        self.name.returnPressed.connect(self.save_button.click)
        self.body.addLayout(column(self._summary, space=r.SPACE_1))
        self.body.addLayout(column(self._name_label, self.name, space=r.SPACE_1))
        self.body.addWidget(Label(kit, "workflow.found", "overline"))
        self.body.addWidget(self.area, 1)
        self.body.addWidget(self.hint)
        self.body.addLayout(row(None, self.save_button))
        kit.translator.language_changed.connect(self.retranslate)

    def open_for(self, found: FoundGraph) -> None:
        """Open for what a file holds; everything found is ticked."""
        self._found = found
        self.ticks.clear()
        self.name.setText(found.title)
        self.retranslate()
        self.open_sheet(self.name)
        self.name.selectAll()

    def retranslate(self) -> None:
        """Set the words anew; ticks stay."""
        found = self._found
        if found is None:
            return
        self.name.setAccessibleName(self._name_label.text())
        roles = found.roles
        medium = self._kit.text(f"group.{roles.media_type or 'image'}")
        self._summary.setText(
            self._kit.text("workflow.summary", medium=medium, nodes=len(found.graph), loras=len(roles.lora_points))
        )
        before = {name: tick.isChecked() for name, tick in self.ticks.items()}
        self.ticks = {role.name: self._tick(role, before.get(role.name, True)) for role in roles.roles}
        lines = column(*self.ticks.values(), None, space=r.SPACE_1)
        if not self.ticks:
            lines.insertWidget(0, Label(self._kit, "workflow.nothing"))
        holder = QWidget()
        holder.setLayout(lines)
        self.area.setWidget(holder)
        self._show_hint()

    def _tick(self, role: Role, is_on: bool) -> CheckField:
        tick = CheckField(self._kit)
        language = self._kit.translator.language
        value = " ".join(str(role.value).split())
        value = value if len(value) <= _SHOWN_CHARS else f"{value[:_SHOWN_CHARS]} …"
        words = self._kit.text("workflow.role", name=role_name(role.name)[language], value=value or "–")
        tick.setText(words)
        tick.setAccessibleName(words)
        tick.setToolTip(", ".join(f"{place.node_id}.{place.name}" for place in role.places))
        tick.setChecked(is_on)
        tick.toggled.connect(self._show_hint)
        return tick

    def _show_hint(self) -> None:
        names = {name for name, tick in self.ticks.items() if tick.isChecked()}
        missing = [role_name(name)[self._kit.translator.language] for name in sorted(_ESSENTIAL - names)]
        self.hint.setVisible(bool(missing))
        if missing:
            self.hint.set_key("workflow.missing", names=", ".join(missing))

    def _on_name_text_changed(self, text: str) -> None:
        self.save_button.setEnabled(bool(text.strip()))

    def _on_save_button_clicked(self) -> None:
        if self._found is None:
            return
        left_out = [name for name, tick in self.ticks.items() if not tick.isChecked()]
        self.agreed.emit(self._found, self.name.text().strip(), left_out)
        self.close_sheet()


class WorkflowDrop(Background[bytes]):
    """Takes files that may hold a workflow, shows what was found, and saves what the person agrees to.

    Args:
        window: The widget that the sheet covers.
        read_bytes: Reads a file; called in a worker.
        saved: Called with the new output's id.
        show_error: Shows what went wrong.
    """

    def __init__(
        self,
        kit: Kit,
        window: QWidget,
        bridge: EngineBridge,
        read_bytes: Callable[[Path], bytes],
        saved: Callable[[str], None],
        show_error: Callable[[ErrorInfo], None],
    ) -> None:
        super().__init__(window, self._on_read, show_error)
        self._kit, self._window, self._bridge = kit, window, bridge
        self._read_bytes, self._saved, self._show_error = read_bytes, saved, show_error
        self._name = ""
        self._otherwise: Callable[[], object] | None = None
        self.sheet: WorkflowSheet | None = None

    def take(self, path: Path, otherwise: Callable[[], object] | None = None) -> None:
        """Look into a file; ``otherwise`` is called if it holds no workflow, else the error is shown."""
        self._name, self._otherwise = path.name, otherwise
        self.start(lambda: self._read_bytes(path))

    @property
    def _engine(self) -> Engine:
        return self._bridge.engine

    def _on_read(self, data: bytes) -> None:
        self._bridge.ask(self._engine.workflows.read(data, self._name), self._on_found, self._on_failed_to_find)

    def _on_failed_to_find(self, error: ErrorInfo) -> None:
        if error.code == "error.workflow.unreadable" and self._otherwise is not None:
            self._otherwise()
        else:
            self._show_error(error)

    def _on_found(self, found: FoundGraph) -> None:
        if self.sheet is None:
            self.sheet = WorkflowSheet(self._kit, self._window)
            self.sheet.agreed.connect(self._on_sheet_agreed)
        self.sheet.open_for(found)

    def _on_sheet_agreed(self, found: FoundGraph, title: str, left_out: list[str]) -> None:
        def on_saved(added: AddedOutput) -> None:
            self._saved(added.config_id)

        self._bridge.ask(self._engine.workflows.save(found, title, left_out), on_saved, self._show_error)
