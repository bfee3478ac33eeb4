from __future__ import annotations

import asyncio
import re

from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.process.lines import MAX_LINE_BYTES, LineBacklog, LineSplitter


def split(*chunks: bytes) -> list[str]:
    splitter = LineSplitter()
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


def test_all_three_line_ends_count_once() -> None:
    assert split(b"a\nb\r\nc\rd") == ["a", "b", "c", "d"]


def test_a_line_end_cut_between_two_chunks_counts_once() -> None:
    assert split(b"a\r", b"\nb\r", b"", b"\n\nc") == ["a", "b", "", "c"]


def test_empty_lines_are_kept_but_not_the_one_before_a_progress_bar() -> None:
    assert split(b"a\n\n\r 1%\r 2%\r\n") == ["a", "", " 1%", " 2%"]


def test_a_character_cut_between_two_chunks_is_whole() -> None:
    assert split("ä€😀".encode()[:3], "ä€😀".encode()[3:]) == ["ä€😀"]


def test_an_endless_line_is_handed_on_in_parts() -> None:
    parts = split(*[b"x" * 1_000_000] * 20)
    assert len(parts) == 3
    assert sum(map(len, parts)) == 20_000_000
    assert len(parts[0]) <= MAX_LINE_BYTES + 1_000_000


@given(st.lists(st.text(alphabet="ab\r\n", max_size=8)))
def test_cutting_differently_gives_the_same_lines(chunks: list[str]) -> None:
    assert split(*(chunk.encode() for chunk in chunks)) == split("".join(chunks).encode())


@given(st.text(alphabet="ab\n", max_size=30))
def test_with_newlines_only_it_agrees_with_a_plain_split(text: str) -> None:
    expected = text.split("\n")
    assert split(text.encode()) == (expected if expected[-1] else expected[:-1])


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    assert not any(re.search(r"[\r\n]", line) for line in split(data))


async def test_backlog_hands_over_in_order_and_ends() -> None:
    backlog = LineBacklog(asyncio.get_running_loop())

    def produce() -> None:
        for i in range(1000):
            backlog.put([str(i)])
        backlog.close()

    _, seen = await asyncio.gather(asyncio.to_thread(produce), _all(backlog))
    assert seen == [str(i) for i in range(1000)]


async def _all(backlog: LineBacklog) -> list[str]:
    lines: list[str] = []
    while (line := await backlog.next()) is not None:
        lines.append(line)
    return lines
