"""What is loaded now: unloaded one by one or all together, and pinned so that it stays."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.events import Event, ModelStateChanged, SettingsChanged
from ai4artsed_desktop.domain.vram import VramClearing, VramFreed, VramHolding
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import vram_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard

_LOOK_AGAIN_MS = 5000


class HoldingsCard(QFrame):
    """The loaded models, and "Clear VRAM" with its figures before and after.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
    """

    def __init__(self, kit: Kit, bridge: EngineBridge) -> None:
        super().__init__()
        self._kit = kit
        self._bridge = bridge
        self._shown: tuple[VramHolding, ...] | None = None
        self._done: VramClearing | None = None
        self._is_asking = False
        set_look(self, "card")
        self.clear_button = Button(kit, "vram.clear", "eraser")
        self.clear_button.clicked.connect(lambda: self._clear(None))
        self.none = Label(kit, "vram.none_loaded", "muted")
        self.result = Label(kit)
        self.error_card = ErrorCard(kit)
        self._rows: QVBoxLayout = column(space=r.SPACE_1)
        head = row(Label(kit, "vram.title", "section"), None, self.clear_button)
        self.setLayout(column(head, self.none, self._rows, self.result, self.error_card, margin=r.SPACE_4))
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_AGAIN_MS)
        self._timer.timeout.connect(self.refresh)
        bridge.engine_event.connect(self._on_bridge_engine_event)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def refresh(self) -> None:
        """Look what is loaded."""
        if not self._is_asking:
            self._is_asking = True
            self._bridge.ask(self._bridge.engine.vram.holdings(), self._take, self._on_failed)

    def retranslate(self) -> None:
        """Set the words anew."""
        shown, self._shown = self._shown, None
        if shown is not None:
            self._show(shown)
        self._show_result()

    def showEvent(self, event: QShowEvent) -> None:
        """Look as long as this can be seen."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def _take(self, holdings: tuple[VramHolding, ...]) -> None:
        self._is_asking = False
        self._show(holdings)

    def _on_failed(self, error: ErrorInfo) -> None:
        self._is_asking = False
        self.clear_button.setEnabled(True)
        self.error_card.show_error(error)

    def _show(self, holdings: tuple[VramHolding, ...]) -> None:
        if holdings == self._shown:
            return
        self._shown = holdings
        while (item := self._rows.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for holding in holdings:
            self._rows.addWidget(self._row(holding))
        self.none.setVisible(not holdings)

    def _row(self, holding: VramHolding) -> QWidget:
        kit = self._kit
        words = Label(kit, "vram.holding.unknown", name=holding.name)
        if holding.used_bytes is not None:
            words.set_key(
                "vram.holding", name=holding.name, size=vram_text(holding.used_bytes, kit.translator.language)
            )
        state = Label(kit, "vram.holding.busy" if holding.is_busy else "", "small")
        pin = Button(kit, "vram.pin", "pin", "quiet")
        pin.setCheckable(True)
        pin.setChecked(holding.is_pinned)
        pin.setAccessibleName(kit.text("vram.pin.named", name=holding.name))
        pin.setEnabled("vram_pinned" not in self._bridge.engine.settings_from_environment)
        pin.toggled.connect(partial(self._pin, holding.id))
        unload = Button(kit, "vram.unload", "", "quiet")
        unload.setAccessibleName(kit.text("vram.unload.named", name=holding.name))
        unload.setEnabled(holding.may_go)
        unload.clicked.connect(partial(self._clear, holding.id))
        holder = QWidget()
        holder.setLayout(row(words, state, None, pin, unload))
        return holder

    def _pin(self, holding_id: str, is_pinned: bool) -> None:
        engine = self._bridge.engine
        others = [pinned for pinned in engine.settings.vram_pinned if pinned != holding_id]
        try:
            engine.change_settings(vram_pinned=(*others, *((holding_id,) if is_pinned else ())))
        except AppError as exc:
            self.error_card.show_error(exc.info())
        self.refresh()

    def _clear(self, only: str | None, *_: object) -> None:
        self.clear_button.setEnabled(False)
        self.result.set_key("vram.clearing")
        self.result.show()
        self._bridge.ask(self._bridge.engine.vram.clear(only), self._on_cleared, self._on_failed)

    def _on_cleared(self, done: VramClearing) -> None:
        self.clear_button.setEnabled(True)
        self._done = done
        self._show_result()
        self.refresh()

    def _show_result(self) -> None:
        done, text, language = self._done, self._kit.text, self._kit.translator.language
        self.result.setVisible(done is not None)
        if done is None:
            return
        names = ", ".join(holding.name for holding in done.freed)
        lines = [text("vram.cleared", names=names) if names else text("vram.nothing_to_clear")]
        if done.before_bytes is not None and done.after_bytes is not None:
            sizes = {"before": vram_text(done.before_bytes, language), "after": vram_text(done.after_bytes, language)}
            lines.append(text("vram.before_after", **sizes))
        elif done.reason is not None:
            lines.append(text(done.reason.key, **done.reason.params))
        if not done.is_settled:
            lines.append(text("vram.not_settled"))
        lines += [text("vram.kept.busy" if h.is_busy else "vram.kept.pinned", name=h.name) for h in done.kept]
        lines += [text("vram.clear_failed", name=name, detail=detail) for name, detail in done.failed]
        self.result.set_key("")
        self.result.setText("\n".join(lines))

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, VramFreed | ModelStateChanged | SettingsChanged) and self.isVisible():
            self.refresh()
