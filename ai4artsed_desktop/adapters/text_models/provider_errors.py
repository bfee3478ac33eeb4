"""What an answer of a model service means for the person. Shared by text and, later, by other media.

Source: contract llm, section 3 (statuses of OpenRouter, OpenAI and others), which agree on the statuses below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from ai4artsed_desktop.adapters.text_models.foreign_json import table
from ai4artsed_desktop.adapters.text_models.openai_stream import StreamError
from ai4artsed_desktop.domain.errors import (
    ContextTooLongError,
    ModelError,
    ModelMissingError,
    ProviderCreditError,
    ProviderError,
    ProviderKeyError,
    ProviderLimitError,
    ProviderRefusedError,
    ProviderUnavailableError,
)

_UNAUTHORIZED, _PAYMENT, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 402, 403, 404, 429

#: Statuses that pass by themselves; 524 and 529 are a proxy's and OpenRouter's "overloaded".
_TRANSIENT = frozenset({408, 502, 503, 504, 524, 529})

#: 429 with one of these codes does not pass: the account is used up.
_FINAL_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})

#: Codes and types that say: the service's moderation refused.
_REFUSALS = frozenset({"content_policy_violation", "refusal", "moderation_blocked", "content_filter", "moderation"})

#: A service that asks for a longer wait is not waited for: the person is told how long.
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer that is an error.

    Attributes:
        status: Of the answer; for an error inside a stream, the code in it, else 200.
        retry_after_s: What the service asks to wait, None = nothing.
        key: The key that was sent; it is cut out of all words.
    """

    status: int
    error: StreamError
    retry_after_s: float | None = None
    key: str = ""

    @property
    def is_transient(self) -> bool:
        """Whether it is worth while to ask again after a pause."""
        if (self.retry_after_s or 0) > LONGEST_WAIT_S:
            return False
        if self.status == _TOO_MANY:
            return not (self._codes & _FINAL_CODES)
        return self.status in _TRANSIENT

    def as_error(self, provider: str, address: str, model: str) -> ProviderError | ModelError:
        """Return what the person is told."""
        words = self._words()
        codes = self._codes
        if codes & _REFUSALS:
            return ProviderRefusedError(words, provider=provider)
        if self.error.kind == "exceed_context_size_error" or "context_length_exceeded" in codes:
            tokens, limit = (str(self.error.facts.get(key, "?")) for key in ("n_prompt_tokens", "n_ctx"))
            return ContextTooLongError(words, model=model, tokens=tokens, limit=limit)
        if self.status == _UNAUTHORIZED:
            return ProviderKeyError(provider=provider)  # without words: some services repeat the key in them
        if self.status == _PAYMENT or codes & _FINAL_CODES:
            return ProviderCreditError(words, provider=provider)
        if self.status == _FORBIDDEN:
            return ProviderRefusedError(provider=provider)  # without words: some repeat the person's text
        if self.status == _NOT_FOUND:
            return ModelMissingError(words, model=model)
        if self.status == _TOO_MANY:
            return ProviderLimitError(words, provider=provider, wait_s=self.retry_after_s)
        if self.status in _TRANSIENT:
            return ProviderUnavailableError(words, provider=provider, address=address)
        return ModelError(words, model=model)

    @property
    def _codes(self) -> set[str]:
        inner = table(self.error.facts.get("metadata"))
        return {str(value) for value in (self.error.kind, self.error.facts.get("code"), inner.get("error_type"))}

    def _words(self) -> str:
        words = f"HTTP {self.status}: {self.error}"[:2_000]
        return words.replace(self.key, "…") if self.key else words


def status_in(error: StreamError) -> int:
    """Return the status that an error inside a stream names (OpenRouter: a number), else 200."""
    code = error.facts.get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) else 200


def retry_after_s(value: str, now_s: float) -> float | None:
    """Return what a ``Retry-After`` header asks for: seconds, or a date (RFC 9110, 10.2.3); None for anything else."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now_s
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
