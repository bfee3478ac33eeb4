"""One graphics card: its figures, and who holds its memory."""

from __future__ import annotations

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QFrame, QGridLayout

from ai4artsed_desktop.domain.gpu import Gpu, GpuProcess
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import vram_text
from ai4artsed_desktop.ui.widgets.basics import Label, column
from ai4artsed_desktop.ui.widgets.vram_bar import VramBar

_FIGURES = ("utilisation", "power", "temperature", "clocks", "speed")
#: More programs than this are not listed; the largest come first.
_MAX_PROCESSES = 8


class GpuCard(QFrame):
    """Shows the latest look at one card."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._gpu: Gpu | None = None
        set_look(self, "card")
        self.title = Label(kit, look="strong")
        self.problem = Label(kit, look="warn")
        self.memory = Label(kit)
        self.bar = VramBar(kit)
        self.reserved = Label(kit, look="small")
        self.values = {name: Label(kit) for name in _FIGURES}
        self.processes = Label(kit)
        self._heads = [Label(kit, f"gpu.figure.{name}", "small") for name in _FIGURES]
        self._process_head = Label(kit, "gpu.processes", "overline")
        grid = QGridLayout()
        grid.setHorizontalSpacing(r.SPACE_5)
        grid.setVerticalSpacing(2)
        for place, (head, name) in enumerate(zip(self._heads, _FIGURES, strict=True)):
            grid.addWidget(head, 0, place)
            grid.addWidget(self.values[name], 1, place)
            grid.setColumnStretch(place, 1)
        parts = (self.title, self.problem, self.memory, self.bar, self.reserved, 4, grid, 4)
        self.setLayout(column(*parts, self._process_head, self.processes, space=r.SPACE_1, margin=r.SPACE_4))
        kit.translator.language_changed.connect(self.retranslate)

    def show_gpu(self, gpu: Gpu) -> None:
        """Show one look."""
        self._gpu = gpu
        self.retranslate()

    def retranslate(self) -> None:
        """Set the words anew."""
        gpu, text, language = self._gpu, self._kit.text, self._kit.translator.language
        if gpu is None:
            return
        self.title.setText(gpu.name)
        self.problem.setVisible(gpu.problem is not None)
        if gpu.problem is not None:
            self.problem.set_key(gpu.problem.key, **gpu.problem.params)
        is_known = gpu.used_bytes is not None and bool(gpu.total_bytes)
        for widget in (self.memory, self.bar):
            widget.setVisible(is_known)
        if gpu.used_bytes is not None and gpu.total_bytes:
            sizes = {"used": vram_text(gpu.used_bytes, language), "total": vram_text(gpu.total_bytes, language)}
            self.memory.set_key("gpu.memory", **sizes)
            self.bar.set_share(gpu.used_bytes / gpu.total_bytes)
        self.reserved.setVisible(bool(gpu.reserved_bytes))
        if gpu.reserved_bytes:
            self.reserved.set_key("gpu.reserved", size=vram_text(gpu.reserved_bytes, language))
        for label in (*self._heads, *self.values.values()):
            label.setVisible(gpu.problem is None)
        for name, words in self._figures(gpu).items():
            self.values[name].setText(words or text("gpu.unknown"))
        self._show_processes(gpu)

    def _figures(self, gpu: Gpu) -> dict[str, str]:
        text, locale = self._kit.text, QLocale(self._kit.translator.language)
        power = ""
        if gpu.power_w is not None:
            now, limit = locale.toString(round(gpu.power_w)), gpu.power_limit_w
            key = "gpu.power.only" if limit is None else "gpu.power"
            power = text(key, now=now, **({} if limit is None else {"limit": locale.toString(round(limit))}))
        speed = ""
        if gpu.throttle is not None:
            speed = ", ".join(text(f"gpu.throttle.{word}") for word in gpu.throttle) or text("gpu.speed.free")
        return {
            "utilisation": "" if gpu.utilisation_percent is None else f"{gpu.utilisation_percent} %",
            "power": power,
            "temperature": "" if gpu.temperature_c is None else f"{gpu.temperature_c} °C",
            "clocks": "" if gpu.graphics_mhz is None else f"{locale.toString(gpu.graphics_mhz)} MHz",
            "speed": speed,
        }

    def _show_processes(self, gpu: Gpu) -> None:
        is_known = gpu.processes is not None and gpu.problem is None
        self._process_head.setVisible(is_known)
        self.processes.setVisible(is_known)
        lines = [self._line(process) for process in (gpu.processes or ())[:_MAX_PROCESSES]]
        self.processes.setText("\n".join(lines) or self._kit.text("gpu.processes.none"))

    def _line(self, process: GpuProcess) -> str:
        if process.used_bytes is None:
            return self._kit.text("gpu.process.unknown", name=process.name, pid=process.pid)
        size = vram_text(process.used_bytes, self._kit.translator.language)
        return self._kit.text("gpu.process", name=process.name, size=size, pid=process.pid)
