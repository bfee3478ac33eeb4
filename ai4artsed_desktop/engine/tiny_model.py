"""Honest work with a tiny model: it continues examples, and what it gives is filtered and ranked. Pure.

Measured with SmolLM2-135M (Q4_1), 155 generations, judged by hand: instructions are ignored (1 of 18 usable); three
examples without an instruction and three seeds give at least one usable text for 10 of 18 (format F here); one sentence
and two examples, 8 of 18 (format D). English only.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from ai4artsed_desktop.domain.configs import ExamplePair
from ai4artsed_desktop.domain.text_models import TextRequest

# Format F. Source of the numbers: the measurement above.
CANDIDATES = 3
MAX_TOKENS = 50
TEMPERATURE = 0.7
REPEAT_PENALTY = 1.08
DRY_MULTIPLIER = 0.8
DRY_ALLOWED_LENGTH = 3
MIN_P = 0.05
#: More repeated trigrams than this are a loop.
MAX_REPEATED_TRIGRAMS = 0.2
#: So many words in a row from an example are copied, not written.
COPIED_RUN_WORDS = 4

#: Rounds of fresh seeds until a candidate is usable.
MAX_ROUNDS = 3

#: Format D: what "following a rule" looks like, for rules that bring no examples of their own.
RULE_EXAMPLES: tuple[tuple[str, ExamplePair], ...] = (
    (
        "Tell it as if it happened at the bottom of the sea.",
        ExamplePair(
            idea="A bakery opens early in the morning.",
            text="Before the first light sinks down to us, the crab opens her bakery and sells bread of warm sand.",
        ),
    ),
    (
        "Make it much too big.",
        ExamplePair(
            idea="A boy ties his shoe.",
            text="The shoelace is as long as a railway, and the boy needs seven years and a crane to tie it.",
        ),
    ),
    (
        "Let the weather speak.",
        ExamplePair(
            idea="Two neighbours play chess.",
            text="I am the wind: I push a pawn, I push a queen, and both neighbours blame the open window.",
        ),
    ),
)

_FEWEST_WORDS = 4
#: An answer that shares this much with the idea is the idea.
_ECHO_SHARE = 0.85
#: So many content words of its own make a picture; more is no better.
_PICTURE_WORDS = 6
_LARGEST_SEED = 2**32 - 2

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)]*")

#: Words that carry no content; only to compare an idea with its transformation.
_FUNCTION_WORDS = frozenset(
    _WORD.findall("""
    a an the and or but nor so yet of on in at by to from with without into onto over under for as is are was were be
    been being am do does did has have had will would can could shall should may might must not no this that these
    those it its he him his she her hers they them their we us our you your i me my mine who whom whose which what
    there here when where while then than very too just also if because about up down out off again all any some each
    """)
)


class Rejection(StrEnum):
    """Why a candidate is not shown."""

    TOO_SHORT = "too_short"
    LOOP = "loop"
    COPIED = "copied"
    ECHO = "echo"
    NOT_ENGLISH = "not_english"


def few_shot_prompt(label: str, pairs: Sequence[ExamplePair], idea: str) -> str:
    """Return format F: the examples, then the idea, ending where the model goes on. One line each."""
    shown = "".join(f"Idea: {_one_line(pair.idea)}\n{label}: {_one_line(pair.text)}\n\n" for pair in pairs)
    return f"{shown}Idea: {_one_line(idea)}\n{label}:"


def instruction_prompt(rules: str, idea: str) -> str:
    """Return format D for rules that have no examples: three rules of our own, each with an example, then this one.

    Only the first sentence of ``rules`` is used: more makes a tiny model explain the rules instead of following them.
    """
    shown = "".join(f"Rule: {rule}\nIdea: {pair.idea}\nText: {pair.text}\n\n" for rule, pair in RULE_EXAMPLES)
    return f"{shown}Rule: {first_sentence(rules)}\nIdea: {_one_line(idea)}\nText:"


def first_sentence(rules: str) -> str:
    """Return the first sentence of a text, in one line, with an end mark."""
    line = _one_line(rules)
    end = _SENTENCE_END.search(line)
    return line[: end.end()] if end else f"{line}."


def tiny_requests(
    label: str,
    pairs: Sequence[ExamplePair],
    idea: str,
    seed: int,
    round_number: int = 0,
    temperature: float = TEMPERATURE,
) -> tuple[TextRequest, ...]:
    """Return one round of requests in format F; the same arguments give the same requests.

    Args:
        round_number: 0, then up to ``MAX_ROUNDS`` - 1 while nothing was usable.
    """
    return _requests(few_shot_prompt(label, pairs, idea), seed, round_number, temperature)


def instruction_requests(
    rules: str, idea: str, seed: int, round_number: int = 0, temperature: float = TEMPERATURE
) -> tuple[TextRequest, ...]:
    """Return one round of requests in format D, for rules without examples."""
    return _requests(instruction_prompt(rules, idea), seed, round_number, temperature)


def _requests(prompt: str, seed: int, round_number: int, temperature: float) -> tuple[TextRequest, ...]:
    return tuple(
        TextRequest(
            prompt=prompt,
            max_tokens=MAX_TOKENS,
            temperature=temperature,
            min_p=MIN_P,
            repeat_penalty=REPEAT_PENALTY,
            dry_multiplier=DRY_MULTIPLIER,
            dry_allowed_length=DRY_ALLOWED_LENGTH,
            seed=one,
            stop=("\n",),
        )
        for one in candidate_seeds(seed, round_number)
    )


def candidate_seeds(seed: int, round_number: int = 0) -> tuple[int, ...]:
    """Return the seeds of one round, all different over all rounds, derived from the run's seed."""
    seeds = random.Random(seed).sample(range(_LARGEST_SEED), CANDIDATES * MAX_ROUNDS)
    return tuple(seeds[round_number * CANDIDATES :][:CANDIDATES])


def trim_to_sentence(text: str) -> str:
    """Cut after the last complete sentence; a text without any is kept as it is."""
    text = text.strip()
    ends = list(_SENTENCE_END.finditer(text))
    return text[: ends[-1].end()] if ends else text


def unusable_reason(text: str, idea: str, pairs: Sequence[ExamplePair]) -> Rejection | None:
    """Return why a candidate cannot be shown, or None if it can.

    Args:
        pairs: The examples that were in the prompt; those of format D are always looked at.
    """
    words = _words(text)
    if len(words) < _FEWEST_WORDS:
        return Rejection.TOO_SHORT
    if not _is_english(text, words):
        return Rejection.NOT_ENGLISH
    if repeated_trigrams(words) > MAX_REPEATED_TRIGRAMS:
        return Rejection.LOOP
    examples = [*pairs, *(pair for _, pair in RULE_EXAMPLES)]
    shown = {run for pair in examples for source in (pair.idea, pair.text) for run in _runs(_words(source))}
    if (shown - _runs(_words(idea))) & _runs(words):
        return Rejection.COPIED
    if _similarity(words, _words(idea)) >= _ECHO_SHARE:
        return Rejection.ECHO
    return None


def rank(candidates: Iterable[str], idea: str) -> list[str]:
    """Return usable candidates without doubles, best first; equally good ones keep their order.

    Better is: keeps the idea's content words, adds words of its own, repeats little.
    """
    different: dict[tuple[str, ...], str] = {}
    for text in candidates:
        different.setdefault(tuple(_words(text)), text)
    return sorted(different.values(), key=lambda text: -score(text, idea))


def score(text: str, idea: str) -> float:
    """Return how good a usable candidate is, 0.0 to 1.0: half for the idea kept, half for how it was changed."""
    words = _words(text)
    wanted = {_stem(word) for word in _words(idea) if word not in _FUNCTION_WORDS}
    own = {_stem(word) for word in words if word not in _FUNCTION_WORDS}
    kept = len(wanted & own) / len(wanted) if wanted else 1.0
    added = min(1.0, len(own - wanted) / _PICTURE_WORDS)
    return round(0.5 * kept + 0.4 * added + 0.1 * (1 - repeated_trigrams(words)), 4)


def repeated_trigrams(words: Sequence[str]) -> float:
    """Return the share of three-word sequences that occurred before, 0.0 to 1.0."""
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(trigrams)) / len(trigrams) if trigrams else 0.0


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + COPIED_RUN_WORDS]) for i in range(len(words) - COPIED_RUN_WORDS + 1)}


def _similarity(words: Sequence[str], idea: Sequence[str]) -> float:
    """Share of equal words (Jaccard), in any order."""
    return len(set(words) & set(idea)) / len(set(words) | set(idea))


def _is_english(text: str, words: Sequence[str]) -> bool:
    """Letters of the Latin alphabet, words and not signs, and some of the small words that English needs."""
    letters = [char for char in text if char.isalpha()]
    if sum(char.isascii() for char in letters) < 0.9 * len(letters) or len(letters) < 0.6 * len(text.replace(" ", "")):
        return False
    return len(words) < 8 or any(word in _FUNCTION_WORDS for word in words)


def _stem(word: str) -> str:
    """Apples and apple are one word here; more grammar is not needed to compare."""
    word = word.removesuffix("'s")
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
