"""How many tokens a text will be for a model whose tokenizer is not at hand: a careful guess from above."""

from __future__ import annotations

import math

from ai4artsed_desktop.domain.errors import ContextEstimateError
from ai4artsed_desktop.domain.text_models import TextRequest

#: Letters and spaces of the Latin alphabet per token. English has about 4 in today's vocabularies, German about 3;
#: a vocabulary made for English alone comes down to 2 (measured with SmolLM2 on German).
_LATIN_PER_TOKEN = 2.0

#: Tokens per UTF-8 byte of all other letters: a vocabulary that knows a script needs about 0.3, one that hardly does
#: a token per letter, that is 0.5 for Cyrillic, Greek and Arabic.
_TOKENS_PER_OTHER_BYTE = 0.6

#: What a chat template adds around each message (role names and marks), and once around the whole.
_TOKENS_PER_MESSAGE = 12
_TOKENS_PER_REQUEST = 24

#: A picture's share of the context: 256 (Gemma 3) to about 1,300 (Qwen3-VL at one megapixel).
_TOKENS_PER_IMAGE = 1_600

#: Whatever the answer's bound is: less room than this share of the context is reserved for it.
_LARGEST_ANSWER_SHARE = 0.5


def estimate_text(text: str) -> int:
    """Return a number of tokens that ``text`` will hardly exceed."""
    latin = sum(char.isascii() and (char.isalpha() or char == " ") for char in text)
    marks = sum(char.isascii() for char in text) - latin  # a digit, a bracket, a line end: one token each
    other_bytes = len(text.encode("utf-8", "replace")) - latin - marks
    return math.ceil(latin / _LATIN_PER_TOKEN + marks + other_bytes * _TOKENS_PER_OTHER_BYTE)


def estimate_tokens(request: TextRequest) -> int:
    """Return a number of tokens that a request's text and pictures will hardly exceed; the answer is not in it."""
    if request.prompt is not None:
        return estimate_text(request.prompt) + _TOKENS_PER_REQUEST
    texts = sum(estimate_text(message.content) + _TOKENS_PER_MESSAGE for message in request.messages)
    images = sum(len(message.images) for message in request.messages)
    return texts + images * _TOKENS_PER_IMAGE + _TOKENS_PER_REQUEST


def answer_room(max_tokens: int, context_tokens: int) -> int:
    """Return how many tokens of the context are kept free for the answer."""
    return min(max_tokens, int(context_tokens * _LARGEST_ANSWER_SHARE))


def check_fits(request: TextRequest, model: str, context_tokens: int | None) -> int:
    """Return the estimated tokens of a request and its answer, once it is clear that they fit into the context.

    Args:
        model: What people call it, for the error.
        context_tokens: The longest context the model can have; None = unknown, then nothing is checked.

    Raises:
        ContextEstimateError: By the estimate they do not fit.
    """
    tokens = estimate_tokens(request)
    if context_tokens is None:
        return tokens + request.max_tokens
    tokens += answer_room(request.max_tokens, context_tokens)
    if tokens > context_tokens:
        raise ContextEstimateError(model=model, tokens=str(tokens), limit=str(context_tokens))
    return tokens
