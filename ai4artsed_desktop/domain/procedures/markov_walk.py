"""Markov walk: each word is drawn from those that followed the word before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import as_sentence, sentences, swap_words, words
from ai4artsed_desktop.domain.procedures.vocabulary import NounForm, Vocabulary

_END = ""
#: A text with fewer words than this may stray into the sentences of the word list ``corpus``.
_SHORT_WORDS = 60
#: How much likelier the person's own pairs of words are than those of the corpus.
_OWN_WEIGHT = 2
_TRIES = 12
#: Into how many sentences of the corpus each noun of the idea is set.
_GUESTS = 4

Chain = dict[str, list[str]]


def _add(chain: Chain, parts: Iterable[str], vocabulary: Vocabulary, weight: int) -> None:
    for part in parts:
        before = _END
        for place, word in enumerate(words(part)):
            small = place == 0 and word.casefold() in vocabulary.small_words and word != "I"
            following = word.lower() if small else word
            chain.setdefault(before, []).extend([following] * weight)
            before = following.casefold()
        if before != _END:
            chain.setdefault(before, []).extend([_END] * weight)


def _walk(chain: Chain, first: str, length: int, context: ProcedureContext) -> list[list[str]]:
    """Walk until ``length`` words are passed and a sentence ends, at most half as long again."""
    lines: list[list[str]] = [[first]]
    count = 1
    while count < length * 3 // 2:
        following = context.random.choice(chain[lines[-1][-1].casefold() if lines[-1] else _END])
        if following != _END:
            lines[-1].append(following)
            count += 1
        elif count >= length:
            break
        else:
            lines.append([])
    return [line for line in lines if line]


def _guests(own: Sequence[str], corpus: Sequence[str], vocabulary: Vocabulary, context: ProcedureContext) -> list[str]:
    """Set each of the idea's nouns into some sentences of the corpus, so that the walk finds its way out and back."""
    things = [(word, vocabulary.noun(word)) for word in dict.fromkeys(own) if vocabulary.is_content(word)]
    if any(noun for _, noun in things):
        things = [(word, noun) for word, noun in things if noun and noun[1] is NounForm.SINGULAR]
    return [
        sentence
        for word, noun in things
        for line in context.random.sample(corpus, min(_GUESTS, len(corpus)))
        if (sentence := _with_guest(line, word, noun[0].gender if noun else "", vocabulary)) != line
    ]


def _with_guest(line: str, guest: str, gender: str, vocabulary: Vocabulary) -> str:
    """Return ``line`` with its first noun of that gender (any, if unknown) replaced by ``guest``."""
    found = ((word, vocabulary.noun(word)) for word in words(line))
    fitting = (word for word, noun in found if noun and noun[1] is NounForm.SINGULAR and gender in ("", noun[0].gender))
    host = next(fitting, None)
    return swap_words(line, lambda word, _: guest if word == host else None, vocabulary.language)


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    own = words(text)
    if not own:
        return ProcedureResult(text)
    vocabulary = Vocabulary(context, text)
    chain: Chain = {}
    if len(own) < _SHORT_WORDS:
        corpus = context.word_lists.get("corpus", ())
        _add(chain, corpus, vocabulary, 1)
        _add(chain, _guests(own, corpus, vocabulary, context), vocabulary, 1)
    _add(chain, sentences(text), vocabulary, _OWN_WEIGHT)
    content = {word.casefold() for word in own if vocabulary.is_content(word)}
    first = own[0].lower() if own[0].casefold() in vocabulary.small_words and own[0] != "I" else own[0]
    length = PROCEDURE.number(context, "length")
    best: list[list[str]] = []
    best_score = -1
    for _ in range(_TRIES):  # of several walks the one that passes most of the idea's own words
        lines = _walk(chain, first, length, context)
        score = len(content & {word.casefold() for line in lines for word in line})
        if score > best_score and " ".join(word for line in lines for word in line) != " ".join(own):
            best, best_score = lines, score
    best = best or _walk(chain, first, length, context)
    while len(best) > 1 and best[-1] and best[-1][-1].casefold() in vocabulary.small_words:
        best[-1].pop()  # the walk ran out of steps in the middle of a phrase
    return ProcedureResult(" ".join(as_sentence(" ".join(line)) for line in best if line))


PROCEDURE = Procedure(
    id="markov_walk",
    languages=("de", "en"),
    source="Andrey Markov, study of Eugene Onegin, 1913; Claude Shannon, A Mathematical Theory of Communication, 1948",
    apply=_apply,
    word_lists=("corpus", "nouns", "plurals", "small_words"),
    options={"length": (16, 5, 300)},
)
