"""Pages: one file each in ``pages``, found by discovery, made when first visited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.ui import pages
from ai4artsed_desktop.ui.actions import Actions
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.desk import Desk
from ai4artsed_desktop.ui.facts import EngineFacts
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.memory import WindowMemory
from ai4artsed_desktop.ui.session_runs import SessionRuns
from ai4artsed_desktop.ui.widgets.palette import PaletteEntry


@dataclass(frozen=True, slots=True)
class PageContext:
    """What every page is given.

    Attributes:
        show_page: Goes to a page by id, and to a place on it (``models``); "" = as it was left.
        show_error: Shows an error that belongs to no place of the page.
        import_model: Asks whether to copy a GGUF file, then brings it in.
        take_files: Brings dropped files (paths) to where they belong.
        carry_over: Puts a run's idea and choices (its request) into Create and shows the run (its id) there.
    """

    kit: Kit
    bridge: EngineBridge
    desk: Desk
    memory: WindowMemory
    facts: EngineFacts
    runs: SessionRuns
    actions: Actions
    show_page: Callable[[str, str], None]
    show_error: Callable[[ErrorInfo], None]
    import_model: Callable[[Path], None]
    take_files: Callable[[list[str]], None]
    carry_over: Callable[[RunRequest, str], None]


class Page(QWidget):
    """Base of all pages."""

    #: ``place_in_sight`` is another now.
    place_changed = Signal()

    def go_to(self, place: str) -> None:
        """Show a place of the page, such as ``models``; an unknown one changes nothing."""

    def place_in_sight(self) -> str:
        """Return the place that is on the screen, as ``go_to`` takes it; "" = none that anybody asks for."""
        return ""

    def take_text(self, text: str) -> bool:
        """Take text dropped on the window; return whether this page has a use for it."""
        del text
        return False

    def take_interception(self, path: Path) -> bool:
        """Take a shared interception dropped on the window; return whether this page has a use for it."""
        del path
        return False

    def take_text_file(self, path: Path) -> bool:
        """Take a text file dropped on the window; return whether this page has a use for it."""
        del path
        return False

    def take_picture(self, path: Path) -> bool:
        """Take a picture dropped on the window; return whether this page has a use for it now."""
        del path
        return False

    def take_request(self, request: RunRequest) -> bool:
        """Put what a run was asked for into this page's fields; return whether this page has a use for it."""
        del request
        return False

    def take_run(self, run_id: str) -> bool:
        """Take a run folder dropped on the window; return whether this page has a use for it."""
        del run_id
        return False

    def take_output(self, output_id: str) -> bool:
        """Pick an output that was just added; return whether this page has a use for it."""
        del output_id
        return False

    def picks(self) -> list[PaletteEntry]:
        """Return what the command palette offers of this page beside its actions."""
        return []

    def escape(self) -> bool:
        """Cancel what Esc cancels here; return whether there was anything."""
        return False

    def release(self) -> None:
        """Stop what moves and sounds; the window closes."""


@dataclass(frozen=True, slots=True)
class PageSpec:
    """How one page is found; each file in ``pages`` has exactly one, named ``PAGE``.

    Attributes:
        id: Stable name; remembered.
        icon: An icon's name.
        key: Key of its word in the rail.
        order: Place in the rail, ascending.
        make: Makes the widget, on the first visit.
        is_at_bottom: It stands at the bottom of the rail.
    """

    id: str
    icon: str
    key: str
    order: int
    make: Callable[[PageContext], Page]
    is_at_bottom: bool = False


def discover_pages() -> list[PageSpec]:
    """Return all pages, in the order of the rail."""
    modules = (import_module(f"{pages.__name__}.{found.name}") for found in iter_modules(pages.__path__))
    specs = [spec for module in modules if isinstance(spec := getattr(module, "PAGE", None), PageSpec)]
    return sorted(specs, key=lambda spec: (spec.is_at_bottom, spec.order))
