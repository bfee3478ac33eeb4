from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ai4artsed_desktop.code_art import diagnose
from ai4artsed_desktop.code_art.diagnose import explain_attempt, explain_end, explain_error, explain_nothing
from ai4artsed_desktop.code_art.notes import Notebook, ScriptError
from ai4artsed_desktop.domain.code_art import Framework, RenderFailure

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("framework", "code", "name", "message", "advice"),
    [
        ("p5js", "```js\nfunction setup() {}\n```", "TypeError", '"" is not a function', "markdown_fence"),
        ("p5js", "<!DOCTYPE html>\n<html>", "SyntaxError", "Unexpected token '<'", "html"),
        ("p5js", "import p5 from 'p5';", "SyntaxError", "Cannot use import statement", "import"),
        ("tonejs", "const Tone = require('tone')", "ReferenceError", "require is not defined", "import"),
        ("p5js", "import py5\n\ndef setup():\n    size(3, 3)", "SyntaxError", "Cannot use import", "python"),
        ("p5js", "let x = ;", "SyntaxError", "Unexpected token ';'", "syntax"),
        ("p5js", "new Tone.Synth()", "ReferenceError", "Tone is not defined", "is_tonejs"),
        ("tonejs", "createCanvas(3, 3)", "ReferenceError", "createCanvas is not defined", "is_p5js"),
        ("p5js", "createCanvas(3, 3)", "ReferenceError", "createCanvas is not defined", "outside_setup"),
        ("p5js", "fil(3)", "ReferenceError", "fil is not defined", "unknown_name"),
        ("p5js", "a.b()", "TypeError", "a.b is not a function", ""),
    ],
)
def test_a_common_mistake_gets_its_advice(framework: Framework, code: str, name: str, message: str, advice: str):
    found = explain_error(ScriptError(name, message, 1, 1), framework, code)
    assert found.advice.removeprefix("code_art.advice.") == advice
    assert found.failure == (RenderFailure.SYNTAX if name == "SyntaxError" else RenderFailure.RUNTIME)


def test_a_fence_is_placed_on_its_own_line_wherever_the_browser_stumbled():
    found = explain_error(ScriptError("SyntaxError", "x", 7, 3), "p5js", "Here it is:\n```\nlet a\n```")
    assert (found.line, found.column) == (2, 0)


@pytest.mark.parametrize(
    ("code", "line"),
    [("let a;\nwhile (true) {}", 2), ("a\n\nfor(;;){}", 3), ("do { x } while (x < 3)", 0), ("while(1);", 1)],
)
def test_the_line_of_an_endless_loop_is_found_if_it_is_plain(code: str, line: int):
    assert explain_end(RenderFailure.HANG, "…", code).line == line


def test_a_missing_file_explains_an_empty_result_better_than_anything_else():
    notes = Notebook("p5js", "x")
    notes.add_attempt("asset", "cat.png")
    found = explain_nothing(notes, "p5js", "function setup() {}", "…")
    assert (found.advice, found.params) == ("code_art.advice.missing_file", {"name": "cat.png"})


@pytest.mark.parametrize(
    ("framework", "code", "advice"),
    [
        ("p5js", "function draw() {}", "empty_picture"),
        ("p5js", "let a = 1", "no_setup"),
        ("tonejs", "const s = new Tone.Synth()", "silent"),
        ("tonejs", "document.body.addEventListener('click', play)", "waits_for_click"),
    ],
)
def test_nothing_to_see_or_hear_is_explained_by_what_the_code_lacks(framework: Framework, code: str, advice: str):
    assert explain_nothing(Notebook(framework, code), framework, code, "…").advice == f"code_art.advice.{advice}"


def test_an_attempt_names_its_address():
    found = explain_attempt("network http://a/b c")
    assert found.failure == RenderFailure.LEFT_SANDBOX
    assert found.params == {"kind": "network", "address": "http://a/b c"}


def test_every_advice_in_the_code_has_a_text_in_both_languages():
    folder = Path(diagnose.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    named = set(re.findall(r'"code_art\.advice\.(\w+)"', sources))
    named |= {"silent", "waits_for_click", "empty_picture", "no_setup"}  # put together in explain_nothing
    named |= {"hang", "memory", "flood", "crash", "timeout"}  # put together in explain_end
    assert len(named) > 15
    for language in ("en", "de"):
        texts = json.loads((ROOT / "resources" / "languages" / f"{language}.json").read_text(encoding="utf-8"))
        assert {name for name in named if f"code_art.advice.{name}" not in texts} == set()
