"""Reads the answers of cloud services: one reader for every shape, in a fixed order. Pure.

Sources of the shapes: OpenRouter's documentation (image API, chat completions with images, errors and debugging),
OpenAI's API reference (images, error codes), Stability AI's Stable Image API (``image``, ``finish_reason``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, cast

#: Larger answers are not read: no picture or short film is, and the service might be anything.
MAX_ANSWER_BYTES = 64 * 1024 * 1024

_DATA_URL = re.compile(r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,(?P<data>[A-Za-z0-9+/=\s_-]+)")
_PATH_PART = re.compile(r"([^.\[\]]+)|\[(\d*)\]")

Failure = Literal["key", "credit", "limit", "refused", "busy", "failed"]


class UnreadableAnswerError(ValueError):
    """The answer holds something that is not what it claims to be."""


@dataclass(frozen=True, slots=True)
class MediumPart:
    """One medium of an answer: its ``data``, or the ``url`` where it lies."""

    data: bytes | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered.

    Attributes:
        text: Words beside or instead of a medium.
        cost_usd: What the service says it took, None = it does not say.
        facts: What else is worth recording, such as the prompt as the service rewrote it.
    """

    media: tuple[MediumPart, ...] = ()
    text: str = ""
    cost_usd: float | None = None
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no medium.

    Attributes:
        retry_after_s: The service asks to try again after so long; None = it names no time.
        may_pass: The same request may work a little later.
        words: The service's own words; they may repeat what the person wrote or part of a key, so they are not logged.
    """

    failure: Failure
    words: str = ""
    retry_after_s: float | None = None
    may_pass: bool = False


def read_answer(body: object, extract_path: str | None = None) -> Answer:
    """Return the media and words of an answer without error.

    In this order: ``extract_path`` if the chunk names one, ``data[]`` (images API), ``choices[0].message.images[]``,
    parts of ``message.content``, a data URL inside a content text.

    Raises:
        UnreadableAnswerError: Data that are no base64.
    """
    facts = _facts(body)
    cost = facts.pop("cost", None)
    cost_usd = float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0 else None
    if extract_path is not None:
        found = [value for value in values_at(body, extract_path) if isinstance(value, str) and value]
        return Answer(tuple(map(_part, found)), "", cost_usd, facts)
    media = [part for item in values_at(body, "data[]") for part in _listed(item)]
    message = next(values_at(body, "choices[0].message"), None)
    text = _text_of(message)
    for read in (_message_images, _content_images, _inline_images):
        media = media or list(read(message))
    return Answer(tuple(media), text, cost_usd, facts)


def read_problem(status: int, headers: Mapping[str, str], body: object) -> Problem | None:
    """Return why a request failed, None if it did not: a 200 with an ``error`` did.

    Args:
        status: HTTP status.
        headers: Names in lower case.
    """
    error = next(values_at(body, "error"), None)
    if error is None and str(next(values_at(body, "finish_reason"), "")).upper() == "CONTENT_FILTERED":
        return Problem("refused", "CONTENT_FILTERED")
    if status < 400 and not error:
        return None
    words = _words_of(error) or _words_of(body)
    kinds = {str(value) for path in _KIND_PATHS for value in values_at(body, path) if isinstance(value, str | int)}
    number = next((int(kind) for kind in kinds if kind.isdigit() and 400 <= int(kind) < 600), 0)
    status = status if status >= 400 else number
    wait_s = _retry_after_s(headers, body)
    if kinds & _REFUSED or (status == 403 and next(values_at(error, "metadata.reasons"), None) is not None):
        return Problem("refused", words)
    if status in (401, 403):
        return Problem("key" if status == 401 else "refused", words)
    if status == 402 or kinds & _NO_CREDIT:
        return Problem("credit", words, wait_s, may_pass=wait_s is not None and status == 402)
    if status == 429 or "rate_limit_exceeded" in kinds:
        return Problem("limit", words, wait_s, may_pass=True)
    if status in (408, 502, 503, 504, 524, 529):
        return Problem(
            "busy", words, wait_s, may_pass=next(values_at(body, "error.availability.retryable"), True) is True
        )
    return Problem("failed", words)


def values_at(tree: object, path: str) -> Iterator[object]:
    """Yield what lies at ``path`` (``data[].url``, ``choices[0].message``; ``[]`` = each), nothing where nothing is."""
    found: list[object] = [tree]
    for match in _PATH_PART.finditer(path):
        key, index = match.groups()
        found = [value for node in found for value in _children(node, key, index)]
    yield from (value for value in found if value is not None)


_KIND_PATHS = ("error.code", "error.type", "error.metadata.error_type", "error.metadata.provider_code", "name")
_REFUSED = {"content_policy_violation", "refusal", "moderation_blocked", "content_moderation", "CONTENT_FILTERED"}
_NO_CREDIT = {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "payment_required"}


def _children(node: object, key: str | None, index: str | None) -> Sequence[object]:
    if key is not None:
        return [cast("dict[str, Any]", node).get(key)] if isinstance(node, dict) else []
    if not isinstance(node, list):
        # A service that makes one medium often leaves the list out.
        return [node] if index == "" and node is not None else []
    items = cast("list[object]", node)
    if index == "":
        return items
    return items[int(index or 0) : int(index or 0) + 1]


def _part(value: str) -> MediumPart:
    if value.startswith(("http://", "https://")):
        return MediumPart(url=value)
    data_url = _DATA_URL.fullmatch(value.strip())
    return MediumPart(data=decode_base64(data_url["data"] if data_url else value))


def decode_base64(text: str) -> bytes:
    """Return the bytes of a base64 text. Raises UnreadableAnswerError."""
    try:
        return base64.b64decode("".join(text.split()).replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise UnreadableAnswerError("no base64") from exc


def _listed(item: object) -> list[MediumPart]:
    values = (next(values_at(item, key), None) for key in ("b64_json", "url"))
    return [_part(value) for value in values if isinstance(value, str) and value][:1]


def _message_images(message: object) -> Iterator[MediumPart]:
    for url in (*values_at(message, "images[].image_url.url"), *values_at(message, "images[].url")):
        if isinstance(url, str):
            yield _part(url)


def _content_images(message: object) -> Iterator[MediumPart]:
    for item in values_at(message, "content[]"):
        for path in ("image_url.url", "image_url", "b64_json"):
            value = next(values_at(item, path), None)
            if isinstance(value, str):
                yield _part(value)
                break


def _inline_images(message: object) -> Iterator[MediumPart]:
    for match in _DATA_URL.finditer(_text_of(message)):
        if (match["mime"] or "").startswith("image/"):
            yield MediumPart(data=decode_base64(match["data"]))


def _text_of(message: object) -> str:
    content = next(values_at(message, "content"), "")
    if isinstance(content, str):
        return content
    return "\n".join(text for text in values_at(content, "[].text") if isinstance(text, str))


def _facts(body: object) -> dict[str, object]:
    paths = {
        "cost": "usage.cost",
        "answer_id": "id",
        "revised_prompt": "data[0].revised_prompt",
        "made_by": "provider",
        "seed": "seed",
        "credits": "sdGenerationJob.apiCreditCost",
    }
    found = {name: next(values_at(body, path), None) for name, path in paths.items()}
    return {name: value for name, value in found.items() if isinstance(value, str | int | float)}


def _words_of(error: object) -> str:
    if isinstance(error, str):
        return error
    words = (value for path in ("message", "detail", "errors[]", "raw_message") for value in values_at(error, path))
    return "; ".join(word for word in words if isinstance(word, str) and word)


def _retry_after_s(headers: Mapping[str, str], body: object) -> float | None:
    """Return the wait the service asks for; the HTTP date form (RFC 9110) is read as "it names no time"."""
    value = headers.get("retry-after") or next(values_at(body, "error.availability.retry_after"), None)
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None
