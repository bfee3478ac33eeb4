"""The Train page: from pictures to a LoRA of one's own."""

from __future__ import annotations

from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec


def _make(context: PageContext) -> Page:
    # Imported on the first visit: the window's start needs nothing of it.
    from ai4artsed_desktop.ui.train.page import TrainPage

    return TrainPage(context)


PAGE = PageSpec("train", "train", "page.train", 40, _make)
