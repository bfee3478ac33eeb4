"""From what happened to what helps: recognises the mistakes that language models make. Pure functions, no Qt here.

Advice is a key of the language files, ``code_art.advice.<name>``; its parameters are named beside each use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ai4artsed_desktop.code_art.notes import Notebook, ScriptError
from ai4artsed_desktop.domain.code_art import Framework, RenderFailure


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a sketch gave nothing: the failure, the technical words, where, and the advice (``""`` = none known)."""

    failure: RenderFailure
    message: str
    line: int = 0
    column: int = 0
    advice: str = ""
    params: dict[str, str] = field(default_factory=dict[str, str])


_FENCE = re.compile(r"^\s*(```|~~~)", re.MULTILINE)
_HTML = re.compile(r"^\s*<(!doctype|html|head|body|script)\b", re.IGNORECASE)
_MODULE = re.compile(r"^\s*(import\b[^(]*['\"]|export\b)", re.MULTILINE)
_PYTHON = re.compile(
    r"^\s*(def \w+\(.*\).*:|class \w+.*:|elif .*:|from \w+ import .+|import \w+(\.\w+)*( as \w+)?)\s*$", re.MULTILINE
)
_ENDLESS = re.compile(r"\bwhile\s*\(\s*(true|1|!0|!false)\s*\)|\bfor\s*\(\s*;\s*(true|1)?\s*;")
_UNKNOWN_NAME = re.compile(r"^(\w+) is not defined$")
_WAITS_FOR_CLICK = re.compile(r"addEventListener|onclick|mousePressed|keyPressed")

# Names that exist only once a p5.js sketch has begun.
_P5_NAMES = frozenset(
    {
        "createCanvas",
        "background",
        "fill",
        "stroke",
        "noStroke",
        "noFill",
        "strokeWeight",
        "color",
        "colorMode",
        "lerpColor",
    }
    | {
        "circle",
        "ellipse",
        "rect",
        "line",
        "triangle",
        "point",
        "arc",
        "text",
        "translate",
        "rotate",
        "push",
        "pop",
        "map",
    }
    | {"random", "noise", "width", "height", "frameRate", "PI", "TWO_PI", "createVector"}
)


def explain_error(error: ScriptError, framework: Framework, code: str) -> Diagnosis:
    """Explain an error that the sketch did not catch."""
    is_syntax = error.name == "SyntaxError"
    failure = RenderFailure.SYNTAX if is_syntax else RenderFailure.RUNTIME
    advice, params, line = _advice(error, framework, code)
    same_place = line in (0, error.line)
    return Diagnosis(
        failure, error.text, error.line if same_place else line, error.column if same_place else 0, advice, params
    )


def _advice(error: ScriptError, framework: Framework, code: str) -> tuple[str, dict[str, str], int]:
    """Return (advice, its parameters, the line that shows the mistake or 0)."""
    if fence := _FENCE.search(code):
        return "code_art.advice.markdown_fence", {}, _line_at(code, fence.start(1))
    if _HTML.match(code):
        return "code_art.advice.html", {}, 1
    if "require is not defined" in error.message or (_MODULE.search(code) and error.name == "SyntaxError"):
        return "code_art.advice.import", {}, 0
    if error.name == "SyntaxError":
        return ("code_art.advice.python" if _PYTHON.search(code) else "code_art.advice.syntax"), {}, 0
    unknown = _UNKNOWN_NAME.match(error.message)
    name = unknown.group(1) if unknown else ""
    if framework == "p5js" and name == "Tone":
        return "code_art.advice.is_tonejs", {}, 0
    if framework == "tonejs" and name in _P5_NAMES:
        return "code_art.advice.is_p5js", {}, 0
    if framework == "p5js" and name in _P5_NAMES:
        return "code_art.advice.outside_setup", {"name": name}, 0
    if name:
        return "code_art.advice.unknown_name", {"name": name}, 0
    return "", {}, 0


def explain_end(failure: RenderFailure, message: str, code: str) -> Diagnosis:
    """Explain why the renderer ended the sketch; the line is the likely loop's, if one is seen."""
    line = 0
    if failure in {RenderFailure.HANG, RenderFailure.MEMORY, RenderFailure.FLOOD, RenderFailure.CRASH}:
        endless = _ENDLESS.search(code)
        line = _line_at(code, endless.start()) if endless else 0
    return Diagnosis(failure, message, line, 0, f"code_art.advice.{failure.value}")


def explain_attempt(attempt: str) -> Diagnosis:
    """Explain that the sketch tried to leave its page. Params: ``kind``, ``address``."""
    kind, _, address = attempt.partition(" ")
    message = f"the sketch tried to leave its page: {attempt}"
    params = {"kind": kind, "address": address}
    return Diagnosis(RenderFailure.LEFT_SANDBOX, message, advice="code_art.advice.left_sandbox", params=params)


def explain_nothing(notes: Notebook, framework: Framework, code: str, message: str) -> Diagnosis:
    """Explain why no picture or sound came although nothing failed. Params of ``missing_file``: ``name``."""
    if name := notes.missing_file():
        params = {"name": name}
        message = f"file {name} does not exist"
        return Diagnosis(RenderFailure.NO_OUTPUT, message, advice="code_art.advice.missing_file", params=params)
    if framework == "tonejs":
        advice = "waits_for_click" if _WAITS_FOR_CLICK.search(code) else "silent"
    else:
        advice = "empty_picture" if re.search(r"\bsetup\b|\bdraw\b", code) else "no_setup"
    return Diagnosis(RenderFailure.NO_OUTPUT, message, advice=f"code_art.advice.{advice}")


def _line_at(code: str, offset: int) -> int:
    return code.count("\n", 0, offset) + 1
