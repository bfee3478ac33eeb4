"""Code that a model wrote and the sandbox refused goes back to the model, at most three times and in full sight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ai4artsed_desktop.domain.code_art import Framework, RenderFailure, RenderVerdict
from ai4artsed_desktop.domain.errors import ModelError

#: The processing chunk whose rules the model is given.
REPAIR_CHUNK = "code_repair"
#: A model that has not found the error by then does not find it (issue 4: "at most 3 times").
MAX_REPAIRS = 3
#: Failures that the code itself is to blame for; anything else no model can mend.
CODE_FAILURES = frozenset(
    {
        *(RenderFailure.SYNTAX, RenderFailure.RUNTIME, RenderFailure.HANG, RenderFailure.MEMORY),
        *(RenderFailure.FLOOD, RenderFailure.NO_OUTPUT, RenderFailure.TOO_LARGE, RenderFailure.LEFT_SANDBOX),
    }
)
_CONSOLE_LINES = 5


@dataclass(frozen=True, slots=True)
class CodeAuthor:
    """The model that wrote an output's code.

    Attributes:
        rewrite: Asks it to mend; takes the complaint and the number of the round (from 1), returns (code, model id).
        tell: Shows a round: a language-file key, and the error that was mended.
    """

    rewrite: Callable[[str, int], Awaitable[tuple[str, str]]]
    tell: Callable[[str, str], None]


@dataclass(slots=True)
class Repaired:
    """What became of the code: the last version, its verdict, and what each round did."""

    code: str
    verdict: RenderVerdict
    rounds: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


async def repair(
    author: CodeAuthor,
    framework: Framework,
    code: str,
    verdict: RenderVerdict,
    render: Callable[[str], Awaitable[RenderVerdict]],
    keep: Callable[[str, object], Awaitable[None]],
) -> Repaired:
    """Let the model mend its code until it runs, ``MAX_REPAIRS`` times at most.

    A round in which the model itself fails ends the work: the code's own error is then the one to tell.

    Args:
        verdict: Why ``code`` failed.
        render: Runs code and returns the verdict.
        keep: Writes a round's record into the run's folder.
    """
    state = Repaired(code, verdict)
    for number in range(1, MAX_REPAIRS + 1):
        if state.verdict.ok or state.verdict.failure not in CODE_FAILURES:
            break
        told: dict[str, Any] = {"round": number, "error_before": _fault(state.verdict), "code_before": state.code}
        try:
            mended, told["model"] = await author.rewrite(complaint(framework, state.code, state.verdict), number)
        except ModelError as exc:
            told["problem"] = {"code": exc.code, **exc.params}
            await _record(keep, state, told)
            break
        author.tell(f"round.repair_{number}", _said(state.verdict))
        if mended != state.code:  # the same again would fail again
            state.verdict = await render(mended)
            state.code = mended
        told["error_after"] = None if state.verdict.ok else _fault(state.verdict)
        told["code"] = mended
        await _record(keep, state, told)
    return state


async def _record(keep: Callable[[str, object], Awaitable[None]], state: Repaired, told: dict[str, Any]) -> None:
    await keep("repair", told)
    state.rounds.append({name: value for name, value in told.items() if not name.startswith("code")})


def complaint(framework: Framework, code: str, verdict: RenderVerdict) -> str:
    """Return the error and the code as the model reads them: what, where, the line itself, what the console said."""
    failure = (verdict.failure or RenderFailure.NO_OUTPUT).value.replace("_", " ")
    lines = [f"Error ({framework}, {failure}): {verdict.message}".strip()]
    source = code.splitlines()
    if 0 < verdict.line <= len(source):
        lines.append(f"Line {verdict.line}: {source[verdict.line - 1].strip()}")
    lines += [f"Refused by the sandbox: {attempt}" for attempt in verdict.attempts[:_CONSOLE_LINES]]
    lines += [f"Console: {line.text}" for line in verdict.console[-_CONSOLE_LINES:] if line.level == "error"]
    return "\n".join([*lines, "", "Code:", code])


def _said(verdict: RenderVerdict) -> str:
    return f"{verdict.message} ({verdict.line})" if verdict.line else verdict.message


def _fault(verdict: RenderVerdict) -> dict[str, Any]:
    failure = verdict.failure or RenderFailure.NO_OUTPUT
    return {"failure": failure.value, "message": verdict.message, "line": verdict.line}
