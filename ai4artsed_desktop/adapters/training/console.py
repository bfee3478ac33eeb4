"""Reads what a keeper wrote down of the trainer's output, from the beginning or from where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from ai4artsed_desktop.adapters.process.lasting_child import segment_path
from ai4artsed_desktop.adapters.process.lines import LineSplitter
from ai4artsed_desktop.domain.training.facts import LogFact, Stream
from ai4artsed_desktop.domain.training.log_parser import TrainingLogParser

#: Read at once: some thousand lines, taken in by the window's thread in 1 ms.
READ_BYTES = 128 * 1024

#: After so many lines (about 0.2 ms of work) whoever else waits for the interpreter gets it: the window's thread lends
#: it out with every call that paints, and gets it back only then.
_LINES_AT_A_STRETCH, _GIVE_WAY_S = 25, 0.0005


class ConsoleReader:
    """Turns an attempt's console files into facts. Blocks; for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 1
        self._offset = 0
        self._rest = b""
        self._splitters: dict[Stream, LineSplitter] = {"stdout": LineSplitter(), "stderr": LineSplitter()}
        self._parser = TrainingLogParser()
        self._lines_read = 0
        self.lost_segments = 0

    def read(self) -> list[LogFact] | None:
        """Return what the next piece says, None if nothing has come since the last call."""
        data = self._read_bytes()
        if not data:
            return None
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return [fact for line in lines for fact in self._facts(line)]

    def finish(self) -> list[LogFact]:
        """Return what the unfinished last lines say; the trainer is gone."""
        return [
            fact
            for stream, splitter in self._splitters.items()
            for line in splitter.finish()
            for fact in self._parser.read(stream, line)
        ]

    def _facts(self, line: bytes) -> Iterator[LogFact]:
        piece = _piece(line)
        if piece is None:
            return
        stream, data = piece
        for text in self._splitters[stream].feed(data):
            self._lines_read += 1
            if self._lines_read % _LINES_AT_A_STRETCH == 0:
                time.sleep(_GIVE_WAY_S)  # a thread that only counts keeps the interpreter from the window's
            yield from self._parser.read(stream, text)

    def _read_bytes(self) -> bytes:
        data = _read_from(segment_path(self._folder, self._number), self._offset)
        if not data and (following := self._next_segment()) is not None:
            data = _read_from(segment_path(self._folder, self._number), self._offset)  # what came just before the next
            if not data:
                self.lost_segments += following - self._number - 1
                self._number, self._offset = following, 0
                data = _read_from(segment_path(self._folder, following), 0)
        self._offset += len(data)
        return data

    def _next_segment(self) -> int | None:
        numbers = (int(path.stem.removeprefix("console-")) for path in self._folder.glob("console-*.jsonl"))
        return min((number for number in numbers if number > self._number), default=None)


def _piece(line: bytes) -> tuple[Stream, bytes] | None:
    """Return a console line's stream and data; None for one that a crash left half written."""
    try:
        value: Any = json.loads(line)
    except ValueError:
        return None
    match value:
        case {"stream": "stdout" | "stderr" as stream, "data": str(data)}:
            return cast("Stream", stream), data.encode("utf-8", "replace")
        case _:
            return None


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(READ_BYTES)
    except FileNotFoundError:
        return b""
