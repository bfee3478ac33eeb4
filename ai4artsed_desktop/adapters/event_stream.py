"""Server-sent events (WHATWG HTML), as LLM and image services stream them: the data of each line."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

from ai4artsed_desktop.adapters.process.lines import LineSplitter

#: A whole picture in base64 stands in one line.
MAX_EVENT_BYTES = 64 * 1024 * 1024


async def event_data(chunks: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    """Yield the data of each line; comments (pings), empty lines and other fields are left out.

    ``error:`` lines count as data, because llama.cpp's server sends them (recorded).
    """
    # Not httpx's aiter_lines: it also splits at U+2028 and other characters that may stand inside JSON text.
    splitter = LineSplitter(MAX_EVENT_BYTES)
    async for chunk in chunks:
        for line in splitter.feed(chunk):
            if (data := _data_of(line)) is not None:
                yield data
    for line in splitter.finish():
        if (data := _data_of(line)) is not None:
            yield data


def _data_of(line: str) -> str | None:
    name, _, value = line.partition(":")
    return value.removeprefix(" ") if name in {"data", "error"} else None
