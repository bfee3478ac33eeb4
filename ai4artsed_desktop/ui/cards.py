"""Configs as cards: what a person reads before picking one."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QLocale

from ai4artsed_desktop.domain.configs import ConfigBase, InterceptionConfig, OutputConfig, Price
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo
from ai4artsed_desktop.engine.catalog_rules import procedure_of
from ai4artsed_desktop.ui.create.remedies import remedy_for
from ai4artsed_desktop.ui.facts import EngineFacts
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.units import duration_text

#: Measured times in ms by config id, as the page remembers them.
Measured = Mapping[str, float]


def interception_cards(kit: Kit, facts: EngineFacts, measured: Measured) -> list[CardItem]:
    """Return a card for every interception that may be picked, in display order."""
    problems = facts.snapshot.interception_problems
    configs = facts.engine.catalog.sorted_interceptions()
    return [
        _card(kit, config, _interception_label(kit, facts, config), problems.get(config.id), measured)
        for config in configs
    ]


def output_cards(kit: Kit, facts: EngineFacts, measured: Measured) -> list[CardItem]:
    """Return a card for every output that may be picked, in display order."""
    problems = facts.snapshot.output_problems
    configs = facts.engine.catalog.sorted_outputs()
    return [_card(kit, config, _output_label(kit, config), problems.get(config.id), measured) for config in configs]


def model_name(kit: Kit, info: TextModelInfo) -> str:
    """Return how a text model is called, with what the tiny one is, and with where it is if not on this machine."""
    name = kit.text("model.tiny", name=info.name) if info.grade is ModelGrade.TINY else info.name
    return name if info.is_local else kit.text("model.cloud", name=name)


def worker_name(kit: Kit, facts: EngineFacts, worker_id: str) -> str:
    """Return who does a stage: a model's name, a procedure with its source, or an output's name.

    Args:
        worker_id: As stage events and records say it.
    """
    kind, _, name = worker_id.partition("/")
    if kind == "procedure" and (source := facts.procedure_source(name)):
        return kit.text("model.procedure", source=source)
    info = facts.model(worker_id)
    return model_name(kit, info) if info is not None else name or worker_id


def price_text(kit: Kit, price: Price) -> str:
    """Return what one medium costs, about, and when the service said so."""
    decimals = 2 if price.amount >= 0.01 or price.amount == 0 else 3
    amount = QLocale(kit.translator.language).toString(price.amount, "f", decimals)
    return kit.text("card.price", amount=amount, currency=price.currency, date=price.as_of)


def _interception_label(kit: Kit, facts: EngineFacts, config: InterceptionConfig) -> str:
    if procedure_of(config) is not None:
        return kit.text("card.procedure")
    if config.meta.skip_interception:
        return kit.text("card.unchanged")
    model = facts.snapshot.interception_model
    if model is None:
        return kit.text("card.ai")
    return kit.text("card.ai_tiny" if model.grade is ModelGrade.TINY else "card.ai_model", name=model.name)


def _output_label(kit: Kit, config: OutputConfig) -> str:
    if not config.meta.is_ai:
        return kit.text("card.rules")
    makes_code = config.display.category == "code"
    return kit.text("card.ai" if makes_code else f"card.ai.{config.media_preferences.default_output}")


def _card(kit: Kit, config: ConfigBase, label: str, problem: Reason | None, measured: Measured) -> CardItem:
    language = kit.translator.language
    group = _group_name(kit, config)
    time_ms = measured.get(config.id)
    facts = (kit.text("card.measured", time=duration_text(time_ms, language)),) if time_ms is not None else ()
    if isinstance(config, OutputConfig) and config.meta.price is not None:
        facts += (price_text(kit, config.meta.price),)
    meta = config.meta if isinstance(config, InterceptionConfig | OutputConfig) else None
    return CardItem(
        id=config.id,
        name=localized(config.name, language),
        description=localized(config.description, language),
        group_id=config.display.category or group,
        group_name=group,
        icon=config.display.icon,
        color=config.display.color,
        is_ai=meta is not None and meta.is_ai,
        label=label,
        runnable=problem is None,
        reason=kit.text(problem.key, **problem.params) if problem is not None else "",
        min_age=config.audience.min_age,
        facts=facts,
        fix=_fix(kit, problem) if problem is not None else "",
    )


def _group_name(kit: Kit, config: ConfigBase) -> str:
    if isinstance(config, InterceptionConfig) and config.category is not None:
        return localized(config.category, kit.translator.language)
    if isinstance(config, OutputConfig):
        category = config.display.category
        return kit.text(f"group.{config.media_preferences.default_output if category != 'code' else category}")
    return ""


def _fix(kit: Kit, problem: Reason) -> str:
    """Return what the button says that leads to where the reason can be mended, "" if there is no such place."""
    remedy = remedy_for(problem)
    return kit.text(remedy.key) if remedy is not None else ""
