"""Telling a model's reasoning from its answer, while both stream in. Pure.

Providers that know the difference say so themselves (``TextDelta.thinking``). Others let the reasoning stand in the
text between marks: ``<think>`` (DeepSeek, Qwen), ``<thinking>``, ``<reasoning>`` (fine-tunes), ``[THINK]`` (Mistral).
"""

from __future__ import annotations

_MARKS = {"<think>": "</think>", "<thinking>": "</thinking>", "<reasoning>": "</reasoning>", "[THINK]": "[/THINK]"}
_ENDS = tuple(_MARKS.values())
_LONGEST = max(map(len, _ENDS))


class ReasoningSplitter:
    """Takes an answer piece by piece and keeps the reasoning in it apart.

    Attributes:
        answer: What was said so far, without reasoning.
        thinking: The reasoning so far.
    """

    def __init__(self) -> None:
        self.answer = ""
        self.thinking = ""
        self._held = ""
        self._end = ""

    def feed(self, piece: str) -> str:
        """Take in a piece and return the new text of the answer; what may be half a mark is held back."""
        self._held += piece
        said = ""
        while (found := self._next_mark()) is not None:
            at, mark = found
            before, self._held = self._held[:at], self._held[at + len(mark) :]
            if self._end:
                self.thinking += before
                self._end = ""
            elif mark in _MARKS:
                said += before
                self._end = _MARKS[mark]
            else:
                # An end without a beginning: the model's own template had opened it, all until here was reasoning.
                self.thinking += self.answer + said + before
                self.answer = said = ""
        return self._take(said, len(self._held) - self._half_mark())

    def finish(self) -> str:
        """Return what was held back; nothing more comes. Reasoning without an end stays reasoning."""
        return self._take("", len(self._held))

    def _take(self, said: str, length: int) -> str:
        free, self._held = self._held[:length], self._held[length:]
        if self._end:
            self.thinking += free
        else:
            said += free
        self.answer += said
        return said

    def _next_mark(self) -> tuple[int, str] | None:
        marks = (self._end,) if self._end else (*_MARKS, *_ENDS)
        return min(((at, mark) for mark in marks if (at := self._held.find(mark)) >= 0), default=None)

    def _half_mark(self) -> int:
        """Return how many characters at the end may be the beginning of a mark."""
        marks = (self._end,) if self._end else (*_MARKS, *_ENDS)
        longest = min(_LONGEST, len(self._held))
        return next((n for n in range(longest, 0, -1) if any(mark.startswith(self._held[-n:]) for mark in marks)), 0)
