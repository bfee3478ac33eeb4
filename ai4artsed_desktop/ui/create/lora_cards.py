"""LoRAs as cards: what each one says about itself, and why one does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtGui import QImage

from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.safetensors import ModelFamily
from ai4artsed_desktop.engine.lora import LoraFamilyError
from ai4artsed_desktop.engine.lora_library import LoraFile, fit_problem
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.pictures import read_upright
from ai4artsed_desktop.ui.units import size_text

#: Longer side of the previews, for screens of twice the usual density.
PREVIEW_PX = 144
_MOST_WORDS = 8
_COLOR_FITS, _COLOR_UNKNOWN = "#1E6B3A", "#8A8178"


def lora_cards(
    kit: Kit, loras: Sequence[LoraFile], chunks: Sequence[OutputChunk], previews: Mapping[str, QImage]
) -> list[CardItem]:
    """Return a card per LoRA; those that fit come first, those of another family last, with the reason."""
    pairs = [(lora, fit_problem(lora, chunks)) for lora in loras]
    ordered = sorted(pairs, key=lambda pair: (pair[1] is not None, pair[0].family is None, pair[0].family or ""))
    return [_card(kit, lora, problem, previews.get(lora.name)) for lora, problem in ordered]


def previews_of(loras: Sequence[LoraFile]) -> dict[str, QImage]:
    """Decode the small pictures that trainers put into the files; runs in a worker."""
    found: dict[str, QImage] = {}
    for lora in loras:
        if lora.facts is not None and lora.facts.preview is not None:
            picture = read_upright(lora.facts.preview.data, PREVIEW_PX)
            if not picture.isNull():
                found[lora.name] = picture
    return found


def family_name(kit: Kit, family: ModelFamily | str | None) -> str:
    """Return what people call a model family."""
    return kit.text("family.unknown") if family is None else kit.text(f"family.{ModelFamily(family).value}")


def reason_words(kit: Kit, reason: Reason) -> str:
    """Return why a LoRA cannot be used, with the families' names."""
    return kit.text(reason.key, **_named(kit, reason.params))


def with_family_names(kit: Kit, error: ErrorInfo) -> ErrorInfo:
    """Return an error that calls model families what people call them."""
    is_about_families = error.code == LoraFamilyError.code
    return ErrorInfo(error.code, _named(kit, error.params), error.detail) if is_about_families else error


def _named(kit: Kit, params: Mapping[str, str]) -> dict[str, str]:
    names = {family.value for family in ModelFamily}
    return {key: family_name(kit, value) if value in names else value for key, value in params.items()}


def _card(kit: Kit, lora: LoraFile, problem: Reason | None, preview: QImage | None) -> CardItem:
    facts = lora.facts
    words = facts.trigger_words or facts.frequent_tags if facts is not None else ()
    said = ", ".join(words[:_MOST_WORDS])
    about = kit.text("lora.words", words=said) if said else kit.text("lora.no_words")
    small: list[str] = []
    if facts is not None and facts.rank is not None:
        small.append(kit.text("lora.rank", rank=facts.rank))
    if lora.size_bytes is not None:
        small.append(size_text(lora.size_bytes, kit.translator.language))
    family = family_name(kit, lora.family)
    return CardItem(
        id=lora.name,
        name=lora.title,
        description=about,
        group_id=family if problem is None else f"~{family}",
        group_name=family,
        icon="shapes",
        color=_COLOR_FITS if lora.family is not None else _COLOR_UNKNOWN,
        is_ai=True,
        label=family,
        runnable=problem is None,
        reason=reason_words(kit, problem) if problem is not None else "",
        facts=tuple(small),
        picture=preview,
    )
