from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from ai4artsed_desktop.code_art.bundle import COMPOSE_OPENING, PageSettings, build_files
from ai4artsed_desktop.code_art.environment import prepare_environment
from ai4artsed_desktop.code_art.page import PAGE_URL, REPORT_PREFIX, parse_report
from ai4artsed_desktop.domain.code_art import Framework

VENDOR = Path(__file__).parents[3] / "resources" / "vendor"
SETTINGS = PageSettings(seed=2**53 - 1, width_px=10, height_px=20, duration_s=1.5, sample_rate_hz=44100)


def test_the_bundled_libraries_are_the_published_ones():
    text = (VENDOR / "SOURCES.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"\| (\S+/\S+) \| ([0-9a-f]{64}) \|", text))
    present = {f"{path.parent.name}/{path.name}" for path in VENDOR.glob("*/*")}
    assert set(named) == present
    for name, expected in named.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.parametrize("framework", ["p5js", "tonejs"])
def test_a_page_holds_every_script_it_names(framework: Framework):
    files = build_files(framework, "let a", SETTINGS, VENDOR)
    named = re.findall(r'src="([^"]+)"', files["/"].decode())
    assert set(named) | {"/"} == set(files)
    assert named.index("/chance.js") < named.index("/library.js")


def test_the_settings_reach_the_page_exactly():
    script = build_files("p5js", "", SETTINGS, VENDOR)["/job.js"].decode()
    found = re.search(r"freeze\((\{.*?\})\)", script)
    assert found is not None
    assert json.loads(found.group(1))["seed"] == 2**53 - 1


def test_a_piece_keeps_its_line_numbers_inside_the_wrapper():
    sketch = build_files("tonejs", "one\ntwo // comment", SETTINGS, VENDOR)["/sketch.js"].decode()
    assert sketch.splitlines()[0] == COMPOSE_OPENING + "one"
    assert sketch.splitlines()[1] == "two // comment"


def test_code_with_halves_of_characters_and_nul_bytes_is_served_all_the_same():
    sketch = build_files("p5js", "'\ud800 \0 \U0001f34e'", SETTINGS, VENDOR)["/sketch.js"]
    assert "\U0001f34e".encode() in sketch


def test_a_missing_library_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        build_files("p5js", "", SETTINGS, tmp_path)


def test_the_process_sandbox_is_off_for_root_alone_and_no_door_stays_open():
    environment = {"QTWEBENGINE_DISABLE_SANDBOX": "1", "QTWEBENGINE_REMOTE_DEBUGGING": "9222", "HOME": "/h"}
    assert prepare_environment(environment, is_root=False) is True
    assert "QTWEBENGINE_DISABLE_SANDBOX" not in environment
    assert "QTWEBENGINE_REMOTE_DEBUGGING" not in environment
    assert environment["QT_QPA_PLATFORM"] == "offscreen"
    for flag in ("disable_non_proxied_udp", "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"):
        assert flag in environment["QTWEBENGINE_CHROMIUM_FLAGS"]
    assert prepare_environment(environment, is_root=True) is False
    assert environment["QTWEBENGINE_DISABLE_SANDBOX"] == "1"


@pytest.mark.parametrize(
    "line", ["x", REPORT_PREFIX, REPORT_PREFIX + "{", REPORT_PREFIX + "[1, 2]", REPORT_PREFIX + '["a"]']
)
def test_a_line_that_is_no_report_is_taken_for_what_it_is(line: str):
    assert parse_report(line) is None


def test_a_report_is_read():
    assert parse_report(REPORT_PREFIX + '["popup", "http://a"]') == ("popup", "http://a")
    assert PAGE_URL == "codeart://app/"
