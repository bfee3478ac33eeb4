"""``ai4artsed safety check`` as strangers use it: exit codes, JSON, standard input."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.headless.cli import run_command


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run_command(["safety", "check", *arguments])
    return code, capsys.readouterr().out


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out = check(capsys, "--json", *arguments)
    return code, json.loads(out)


@pytest.mark.parametrize(
    ("text", "level", "verdict", "code"),
    [
        ("Ein roter Apfel", "kids", "pass", 0),
        ("Ein Porno", "youth", "block", 1),
        ("Ein Porno", "adult", "pass", 0),
        ("Sieg Heil", "adult", "block", 1),
        ("Sieg Heil", "research", "pass", 0),
        ("一个红苹果在桌子上", "kids", "unavailable", 2),
        ("一个红苹果在桌子上", "adult", "pass", 0),
    ],
)
def test_the_exit_code_says_the_verdict(
    app_home: Path, capsys: pytest.CaptureFixture[str], text: str, level: str, verdict: str, code: int
) -> None:
    found_code, answer = checked(capsys, "--level", level, text)
    assert (found_code, answer["verdict"], answer["level"]) == (code, verdict, level)
    assert bool(answer["reasons"]) == (verdict != "pass" or level == "research")


def test_the_json_says_where_what_was_found(app_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "Anna Müller malt 👩‍🎨 einen P\u200borno"
    _, answer = checked(capsys, "--level", "kids", text)
    (found,) = answer["found"]
    assert found["category"] == "sexual" and text[found["start"] : found["end"]] == found["text"] == "P\u200borno"
    assert answer["names"] == [{"text": "Anna Müller", "start": 0, "end": 11}] and answer["language"] == "de"
    assert answer["reason_codes"] == ["safety.reason.sexual"] and answer["model"] is None and answer["suggestion"]
    assert all(isinstance(reason, str) and "safety." not in reason for reason in answer["reasons"])


def test_a_hyphen_reads_standard_input(
    app_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Ein\nPorno\n"))
    assert checked(capsys, "--level", "kids", "-")[0] == 1


def test_for_people_it_is_a_few_lines(app_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = check(capsys, "--level", "kids", "Ein Porno")
    assert code == 1 and "block" in out and "4–9: Porno" in out and "{" not in out


@pytest.mark.parametrize("arguments", [["--level", "child", "x"], ["x"], ["--level", "kids"], []])
def test_wrong_usage_is_refused(app_home: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(["safety", "check", *arguments])
    assert ended.value.code == 2


@pytest.mark.parametrize("text", ["", " ", '"}{"', "{{INPUT_TEXT}}", "\u202e\u200b", "\ud800", "x" * 100_000])
def test_no_text_is_too_strange(app_home: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    code, answer = checked(capsys, "--level", "kids", text)
    assert code in (0, 1, 2) and answer["verdict"] in ("pass", "block", "unavailable")


def test_a_text_that_is_too_long_is_unavailable_and_never_a_verdict(
    app_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = checked(capsys, "--level", "adult", "x" * 300_000)
    assert code == 2 and answer["verdict"] == "unavailable" and answer["error"]["code"] == "error.input.too_long"
