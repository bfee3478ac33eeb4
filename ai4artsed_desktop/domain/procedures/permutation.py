"""Permutation: the same words in ever new orders, line by line."""

from __future__ import annotations

from math import factorial

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import graphemes, sentences, words

#: Longer sentences are permuted once each: their orders would fill libraries.
_MOST_WORDS = 12


def _orders(items: list[str], count: int, context: ProcedureContext) -> list[list[str]]:
    """Return up to ``count`` different orders of ``items``, none of them the one given."""
    wanted = min(count, factorial(min(len(items), 8)) - 1)
    seen = {tuple(items)}
    orders: list[list[str]] = []
    for _ in range(wanted * 8):  # equal words make some orders equal, so that there may be fewer than wanted
        order = context.random.sample(items, len(items))
        if tuple(order) not in seen:
            seen.add(tuple(order))
            orders.append(order)
        if len(orders) == wanted:
            break
    return orders


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    own = words(text)
    if len(own) > _MOST_WORDS:
        lines = [context.random.sample(found, len(found)) for part in sentences(text) if (found := words(part))]
        return ProcedureResult("\n".join(" ".join(line) for line in lines))
    count = PROCEDURE.number(context, "lines")
    if len(own) == 1:
        return ProcedureResult("\n".join("".join(line) for line in _orders(graphemes(own[0]), count, context)) or text)
    return ProcedureResult("\n".join(" ".join(line) for line in _orders(own, count, context)) or text)


PROCEDURE = Procedure(
    id="permutation",
    languages=("de", "en"),
    source="Quirinus Kuhlmann, XLI. Libes-Kuß, 1671; Brion Gysin, permutation poems, 1960",
    apply=_apply,
    options={"lines": (6, 1, 24)},
)
