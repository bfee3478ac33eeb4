"""Chains such as the Telephone game: rounds of rules, one after another, until the text comes home."""

from __future__ import annotations

from collections.abc import Sequence

from ai4artsed_desktop.domain.configs import ChainStep
from ai4artsed_desktop.domain.language import guess_language
from ai4artsed_desktop.domain.language_names import target_name
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.templates import fill_text

#: What the rules of a round may name: the language in which the chain's text began.
HOME_LANGUAGE = "HOME_LANGUAGE"


def rounds_of(steps: Sequence[ChainStep], text: str, language: str, where: str) -> tuple[tuple[str, str], ...]:
    """Return (label, rules) of each round.

    Args:
        text: What goes into the first round; its language is the one that the chain can come back to. Where a text is
            too short to tell, that is ``language``.
        language: Of the labels and rules: the person's.
        where: The config's id, for an error message.

    Raises:
        PlaceholderError: A round's rules name something else than the home language.
    """
    home = {HOME_LANGUAGE: target_name(guess_language(text) or language, language)} if steps else {}
    return tuple(
        (localized(step.name, language), fill_text(localized(step.context, language), home, where)) for step in steps
    )
