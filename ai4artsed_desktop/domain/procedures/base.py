"""The contract every procedure file fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class ProcedureContext:
    """Everything a procedure may use beside the text.

    Attributes:
        language: ``de`` or ``en``.
        random: Seeded source of chance, the only one allowed.
        word_lists: ``{list name: words}`` of that language, such as ``nouns`` (alphabetical); read from
            ``resources/wordlists/<language>/<name>.txt`` by an adapter.
        options: The procedure's own options, validated against ``Procedure.options``.
    """

    language: str
    random: Random
    word_lists: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    options: Mapping[str, int | float | str] = field(default_factory=dict[str, int | float | str])


@dataclass(frozen=True, slots=True)
class ProcedureStep:
    """One visible intermediate text, for procedures that work in rounds (the Telephone game)."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ProcedureResult:
    """The transformed text and, for procedures that work in rounds, what lies between."""

    text: str
    steps: tuple[ProcedureStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure; each file in this package has exactly one, named ``PROCEDURE``.

    Attributes:
        id: File name without ``.py``.
        languages: Languages it serves.
        word_lists: Names of the word lists it needs.
        options: ``{name: (default, minimum, maximum)}`` for numbers, ``{name: (default, *choices)}`` for words.
        source: Where the procedure comes from (author, work, year), one line.
        apply: The pure function ``(text, context) -> ProcedureResult``. Raises nothing for non-empty text.
    """

    id: str
    languages: tuple[str, ...]
    source: str
    apply: Callable[[str, ProcedureContext], ProcedureResult]
    word_lists: tuple[str, ...] = ()
    options: Mapping[str, tuple[int | float | str, ...]] = field(
        default_factory=dict[str, tuple[int | float | str, ...]]
    )

    def number(self, context: ProcedureContext, name: str) -> int:
        """Return a whole-number option: the context's value, else the default."""
        return int(context.options.get(name, self.options[name][0]))

    def choice(self, context: ProcedureContext, name: str) -> str:
        """Return a word option: the context's value, else the default."""
        return str(context.options.get(name, self.options[name][0]))
