"""What a person sees of a backend's work: the part, the step, the place in the queue, a preview."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.domain.events import RunProgressed
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.working import WorkingCard


@pytest.fixture
def card(kit: Kit, qtbot: QtBot) -> WorkingCard:
    made = WorkingCard(kit)
    qtbot.addWidget(made)
    made.start("working.output")
    return made


def png(width_px: int, height_px: int) -> bytes:
    data = BytesIO()
    Image.new("RGB", (width_px, height_px), "#335577").save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (RunProgressed("r", 0.5, node="KSampler", step=3, steps=20), "KSampler · step 3 of 20"),
        (RunProgressed("r", None, queue_position=2), "2 before this one"),
        (RunProgressed("r", None, queue_position=0), ""),
        (RunProgressed("r", None), ""),
    ],
)
def test_the_part_the_step_and_the_queue_are_said_in_words(
    card: WorkingCard, progress: RunProgressed, words: str
) -> None:
    card.show_detail(progress.node, progress.step, progress.steps, progress.queue_position)
    assert card.detail.text() == words
    assert card.detail.isHidden() is (words == "")


def test_a_preview_is_shown_whole_at_its_own_shape_and_a_broken_one_leaves_the_last(card: WorkingCard) -> None:
    card.show_preview(png(512, 256))
    assert not card.preview.isHidden()
    for size in ((600, 120), (200, 500)):
        card.preview.resize(*size)
        place = card.preview.place
        assert place.width() == pytest.approx(2 * place.height(), abs=2) and card.preview.rect().contains(place)
    shown = card.preview.picture.cacheKey()
    for broken in (b"", b"no picture", png(64, 64)[:40]):
        card.show_preview(broken)
        assert card.preview.picture.cacheKey() == shown


def test_the_next_work_begins_without_the_last_ones_preview(card: WorkingCard) -> None:
    card.show_preview(png(64, 64))
    card.show_detail("KSampler", 1, 2, None)
    card.finish()
    card.start("working.output")
    assert card.preview.isHidden() and card.detail.isHidden()
