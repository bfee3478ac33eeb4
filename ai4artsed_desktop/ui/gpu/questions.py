"""Asks before something is unloaded: a line at the top of the window, no dialog; work elsewhere goes on."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QVBoxLayout

from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.vram import VramAnswer, VramPlan, VramPlanned, VramQuestionClosed
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.units import vram_text
from ai4artsed_desktop.ui.widgets.banner import Banner

_ANSWERS: tuple[tuple[VramAnswer, str], ...] = (("free", "eraser"), ("start_anyway", "play"), ("cancel", "cancel"))


class VramQuestions(QObject):
    """Shows the arbiter's questions and brings the answers back.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
        banners: Where questions stand.
        parent: The window.
    """

    def __init__(self, kit: Kit, bridge: EngineBridge, banners: QVBoxLayout, parent: QObject) -> None:
        super().__init__(parent)
        self._kit = kit
        self._arbiter = bridge.engine.vram
        self._banners = banners
        self.open: dict[str, Banner] = {}
        self._arbiter.can_ask = True
        bridge.engine_event.connect(self._on_bridge_engine_event)

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, VramPlanned) and event.question:
            self._ask(event.question, event.plan)
        elif isinstance(event, VramQuestionClosed) and (banner := self.open.get(event.question)) is not None:
            banner.dismiss()

    def _ask(self, question: str, plan: VramPlan) -> None:
        language = self._kit.translator.language
        sizes = [(h.name, h.used_bytes) for h in plan.unload]
        names = ", ".join(n if size is None else f"{n} ({vram_text(size, language)} GB)" for n, size in sizes)
        banner = Banner(
            self._kit,
            "model",
            "warn",
            f"vram.question.{plan.need.basis}",
            name=plan.need.name,
            needed=vram_text(plan.need.needed_bytes or 0, language),
            available=vram_text(plan.available_bytes or 0, language),
            names=names,
        )
        banner.close_button.hide()  # a question that is put away would leave its run waiting for ever
        for answer, icon in _ANSWERS:
            banner.add_action(f"vram.answer.{answer}", partial(self._arbiter.answer, question, answer), icon)
        banner.closed.connect(partial(self.open.pop, question, None))
        self.open[question] = banner
        self._banners.addWidget(banner)
