"""What happened on the page while the sketch ran: printed lines, errors, and attempts to leave. No Qt here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from ai4artsed_desktop.code_art.bundle import COMPOSE_OPENING
from ai4artsed_desktop.domain.code_art import ConsoleLine, Framework

#: More lines than this within one second of real time, or in all, end the sketch. An animation of 600 frames with
#: a line per frame stays below; a flood (thousands per frame) would block the program with its queue.
FLOOD_LINES_PER_S = 1000
FLOOD_LINES = 10_000
#: What is kept of it.
KEPT_LINES = 200
KEPT_ATTEMPTS = 100
_LINE_CHARS = 2000
_ADDRESS_CHARS = 300

#: Attempts that end the job as a failure. The others (a missing picture file, a download …) are only told.
LEAVING_KINDS = frozenset({"network", "navigation", "popup", "webrtc", "file"})

Level = Literal["info", "warning", "error"]
_LEVELS: dict[str, Level] = {"info": "info", "warning": "warning", "error": "error"}

# Where Chromium itself refuses before the page class or the policy event hear of it; it then prints one of these.
_BROWSER_REFUSALS = (
    (re.compile(r"^Blocked opening '([^']*)' in a new window"), "popup"),
    (re.compile(r"^Blocked form submission to '([^']*)'"), "navigation"),
    (re.compile(r"^Not allowed to load local resource: (\S*)"), "file"),
    (re.compile(r"^Download is disallowed"), "download"),
    (re.compile(r"^Ignored call to '(alert|confirm|prompt|print)"), "dialog"),
)
# The policy event names addresses of these schemes by their scheme alone; the browser's own line has them in full.
_REFUSED_ADDRESS = re.compile(r"'((?:codeart|file):[^']+)'")
_SKETCH_FRAME = re.compile(r"/sketch\.js:(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class ScriptError:
    """An error nobody caught. ``line`` and ``column`` lie in the sketch and count from 1; 0 = unknown."""

    name: str
    message: str
    line: int
    column: int

    @property
    def text(self) -> str:
        """The browser's words, such as "ReferenceError: fil is not defined"."""
        return f"{self.name}: {self.message}" if self.name else self.message


class Notebook:
    """Collects what a page tells about one sketch, within limits.

    Args:
        framework: Shifts columns on the first line of a wrapped sketch.
        code: The sketch; positions are kept inside it.
        clock_s: Monotonic seconds.
    """

    def __init__(self, framework: Framework, code: str, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.console: list[ConsoleLine] = []
        self.attempts: list[str] = []
        self.first_error: ScriptError | None = None
        self.is_flooded = False
        self._first_line_shift = len(COMPOSE_OPENING) if framework == "tonejs" else 0
        self._line_count = max(1, len(code.splitlines()))
        self._clock_s = clock_s
        self._second_started_s = clock_s()
        self._lines_in_second = 0
        self._lines = 0

    def leaving_attempt(self) -> str | None:
        """Return the first attempt that makes the job a failure."""
        return next((attempt for attempt in self.attempts if attempt.split(" ", 1)[0] in LEAVING_KINDS), None)

    def missing_file(self) -> str | None:
        """Return the first file the sketch asked for that does not exist, as it named it."""
        found = next((attempt for attempt in self.attempts if attempt.startswith("asset ")), None)
        return None if found is None else found.removeprefix("asset ")

    def add_line(self, level: str, text: str, line: int, source: str) -> None:
        """Take one console line."""
        self._count()
        for pattern, kind in _BROWSER_REFUSALS:
            if found := pattern.match(text):
                self.add_attempt(kind, found.group(1) if found.groups() else "")
                return
        if "Content Security Policy" in text:
            if found := _REFUSED_ADDRESS.search(text):
                self._add_refused("", found.group(1))
            return
        if text.startswith("Uncaught "):
            return  # arrives once more as a report, with more in it
        own_line = self._inside(line) if source.endswith("/sketch.js") else 0
        self._keep_line(_LEVELS.get(level, "info"), text, own_line, 0)

    def add_report(self, kind: str, detail: object) -> None:
        """Take one report of the guard or the observer; a misshapen one is the sketch's own and counts as a line."""
        self._count()
        match kind, detail:
            case (("error" | "rejection"), {"message": str(), "name": str(), "stack": str()}):
                self._add_error(cast("Mapping[str, object]", detail))
            case "refused", {"directive": str(directive), "address": str(address)}:
                self._add_refused(directive, address)
            case (("webrtc" | "popup"), str(address)):
                self.add_attempt(kind, address)
            case _:
                pass

    def add_refusal(self, kind: str, address: str) -> None:
        """Take what the page class or the request gate refused."""
        self._count()
        if kind == "request":
            self._add_refused("request", address)
        elif kind == "navigation" and address.startswith("codeart:"):
            self.add_attempt("reload", "")  # or a jump within the page: it does not leave
        else:
            self.add_attempt(kind, address)

    def add_attempt(self, kind: str, address: str) -> None:
        """Note one attempt, once."""
        attempt = f"{kind} {address[:_ADDRESS_CHARS]}".strip()
        if attempt not in self.attempts and len(self.attempts) < KEPT_ATTEMPTS:
            self.attempts.append(attempt)

    def _count(self) -> None:
        now_s = self._clock_s()
        if now_s - self._second_started_s >= 1.0:
            self._second_started_s, self._lines_in_second = now_s, 0
        self._lines_in_second += 1
        self._lines += 1
        if self._lines_in_second > FLOOD_LINES_PER_S or self._lines > FLOOD_LINES:
            self.is_flooded = True

    def _keep_line(self, level: Level, text: str, line: int, column: int) -> None:
        if len(self.console) < KEPT_LINES:
            self.console.append(ConsoleLine(level=level, text=text[:_LINE_CHARS], line=line, column=column))

    def _add_refused(self, directive: str, address: str) -> None:
        scheme, _, rest = address.partition(":")
        if scheme in {"codeart", "file"} and not rest:
            return  # the browser's line says which
        if scheme == "codeart":
            self.add_attempt("asset", rest.removeprefix("//app/"))
        elif not rest:
            # "inline", "eval", "data" …: nothing that could leave, but worth telling
            self.add_attempt("refused", f"{directive} {address}")
        else:
            self.add_attempt("file" if scheme == "file" else "network", address)

    def _add_error(self, detail: Mapping[str, object]) -> None:
        line, column = self._position(detail)
        error = ScriptError(str(detail["name"]), str(detail["message"])[:_LINE_CHARS], line, column)
        self._keep_line("error", error.text, line, column)
        if self.first_error is None:
            self.first_error = error

    def _position(self, detail: Mapping[str, object]) -> tuple[int, int]:
        """Return line and column of the sketch's topmost frame, or of the place the browser names."""
        line = column = 0
        if found := _SKETCH_FRAME.search(str(detail["stack"])):
            line, column = int(found.group(1)), int(found.group(2))
        elif str(detail.get("file", "")).endswith("/sketch.js"):
            match detail.get("line"), detail.get("column"):
                case int(line), int(column):
                    pass
                case _:
                    return 0, 0
        if line == 1:
            column = max(0, column - self._first_line_shift)
        return (line, column) if line == self._inside(line) else (self._inside(line), 0)

    def _inside(self, line: int) -> int:
        """Return the line, or the last one of the sketch for an error that the browser saw in the wrapper's end."""
        return min(max(line, 0), self._line_count)
