from __future__ import annotations

import pytest

from ai4artsed_desktop.code_art.bundle import COMPOSE_OPENING
from ai4artsed_desktop.code_art.notes import FLOOD_LINES, FLOOD_LINES_PER_S, KEPT_ATTEMPTS, KEPT_LINES, Notebook

SKETCH_URL = "codeart://app/sketch.js"


def notebook(code: str = "a\nb\nc", framework: str = "p5js", clock_s: float = 0.0) -> Notebook:
    return Notebook("tonejs" if framework == "tonejs" else "p5js", code, clock_s=lambda: clock_s)


def error(**fields: object) -> dict[str, object]:
    return {"message": "boom", "name": "TypeError", "stack": "", "file": "", "line": 0, "column": 0, **fields}


def test_a_line_of_the_sketch_keeps_its_number_and_one_of_a_library_has_none():
    notes = notebook()
    notes.add_line("warning", "mine", 2, SKETCH_URL)
    notes.add_line("info", "theirs", 2, "codeart://app/library.js")
    assert [(line.level, line.text, line.line) for line in notes.console] == [
        ("warning", "mine", 2),
        ("info", "theirs", 0),
    ]


def test_an_error_inside_a_library_is_placed_where_the_sketch_called_it():
    notes = notebook()
    stack = "TypeError: boom\n  at x (codeart://app/library.js:1:900)\n  at draw (codeart://app/sketch.js:2:7)"
    notes.add_report("error", error(stack=stack, file="codeart://app/library.js", line=1, column=900))
    assert notes.first_error is not None
    assert (notes.first_error.line, notes.first_error.column) == (2, 7)
    assert notes.first_error.text == "TypeError: boom"


def test_a_column_on_the_first_line_of_a_wrapped_sketch_counts_from_the_sketchs_own_text():
    notes = notebook(framework="tonejs")
    notes.add_report("error", error(file=SKETCH_URL, line=1, column=len(COMPOSE_OPENING) + 5))
    assert notes.first_error is not None
    assert (notes.first_error.line, notes.first_error.column) == (1, 5)


def test_an_error_seen_behind_the_end_is_placed_on_the_last_line():
    notes = notebook("one\ntwo")
    notes.add_report("error", error(file=SKETCH_URL, line=9, column=1))
    assert notes.first_error is not None
    assert (notes.first_error.line, notes.first_error.column) == (2, 0)


@pytest.mark.parametrize(
    ("address", "attempt"),
    [
        ("https://example.org/a.png", "network https://example.org/a.png"),
        ("wss://example.org/", "network wss://example.org/"),
        ("somethingnew://x", "network somethingnew://x"),
        ("file:///etc/passwd", "file file:///etc/passwd"),
        ("codeart://app/cat.png", "asset cat.png"),
        ("eval", "refused script-src eval"),
    ],
)
def test_what_the_policy_refused_becomes_an_attempt_of_the_right_kind(address: str, attempt: str):
    notes = notebook()
    notes.add_report("refused", {"directive": "script-src", "address": address})
    assert notes.attempts == [attempt]


@pytest.mark.parametrize(
    ("line", "attempt"),
    [
        ("Blocked opening 'http://a/b' in a new window because …", "popup http://a/b"),
        ("Blocked form submission to 'http://a/f' because …", "navigation http://a/f"),
        ("Not allowed to load local resource: file:///etc/x", "file file:///etc/x"),
        (
            "Refused to connect to 'codeart://app/a.ttf' because it violates the … Content Security Policy",
            "asset a.ttf",
        ),
    ],
)
def test_a_refusal_that_only_the_browser_tells_becomes_an_attempt_and_no_console_line(line: str, attempt: str):
    notes = notebook()
    notes.add_line("error", line, 1, SKETCH_URL)
    assert notes.attempts == [attempt]
    assert notes.console == []


def test_attempts_that_leave_are_told_from_those_that_do_not():
    notes = notebook()
    notes.add_refusal("download", "blob:x")
    notes.add_refusal("navigation", "codeart://app/#top")
    assert notes.leaving_attempt() is None
    notes.add_refusal("request", "http://a/")
    assert notes.leaving_attempt() == "network http://a/"


def test_the_same_attempt_is_noted_once_and_no_more_than_the_limit_are_kept():
    notes = notebook()
    for index in range(KEPT_ATTEMPTS * 2):
        notes.add_attempt("network", f"http://a/{index // 2 if index < 10 else index}")
    assert notes.attempts[:3] == ["network http://a/0", "network http://a/1", "network http://a/2"]
    assert len(notes.attempts) == KEPT_ATTEMPTS


def test_a_long_console_is_cut_and_a_flood_is_noticed():
    notes = notebook()
    for _ in range(FLOOD_LINES_PER_S):
        notes.add_line("info", "x" * 5000, 1, SKETCH_URL)
    assert not notes.is_flooded
    assert len(notes.console) == KEPT_LINES
    assert len(notes.console[0].text) == 2000
    notes.add_line("info", "x", 1, SKETCH_URL)
    assert notes.is_flooded


def test_a_slow_stream_of_lines_is_no_flood_until_there_are_very_many():
    now_s = 0.0
    notes = Notebook("p5js", "a", clock_s=lambda: now_s)
    for _ in range(FLOOD_LINES):
        now_s += 0.01
        notes.add_line("info", "x", 1, SKETCH_URL)
    assert not notes.is_flooded
    notes.add_line("info", "x", 1, SKETCH_URL)
    assert notes.is_flooded


@pytest.mark.parametrize("detail", [None, 3, "x", {"message": 1}, {"message": "a", "name": "b"}, ["a"]])
def test_a_misshapen_report_changes_nothing(detail: object):
    notes = notebook()
    for kind in ("error", "rejection", "refused", "unknown"):
        notes.add_report(kind, detail)
    assert (notes.first_error, notes.attempts, notes.console) == (None, [], [])
