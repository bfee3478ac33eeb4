"""What the command palette offers: actions, pages, interceptions, outputs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ai4artsed_desktop.ui.actions import shortcut_text
from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec
from ai4artsed_desktop.ui.widgets.palette import PaletteEntry


def palette_entries(context: PageContext, specs: Iterable[PageSpec], pages: Iterable[Page]) -> list[PaletteEntry]:
    """Return everything that can be done now, actions first, those with a key before the others; two actions of the
    same words are one entry."""
    kit = context.kit
    entries: dict[str, PaletteEntry] = {}
    for action in sorted(context.actions.all(), key=lambda action: not action.shortcut):
        words = kit.text(action.key)
        if action.id != "palette":
            hint = shortcut_text(kit, action.shortcut) if action.shortcut else ""
            entry = PaletteEntry(words, kit.text("palette.actions"), action.icon or "arrow", action.do, hint)
            entries.setdefault(words, entry)
    for page in specs:
        words = kit.text(page.key)
        go = PaletteEntry(words, kit.text("palette.pages"), page.icon, partial(context.show_page, page.id, ""))
        entries.setdefault(words, go)
    return [*entries.values(), *(pick for page in pages for pick in page.picks())]
