from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.gguf import GgufError, GgufHeader, GgufIncompleteError, parse_gguf_header


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, value: object) -> bytes:
    """One metadata entry; ints become unsigned 32 bits, lists of texts arrays."""
    match value:
        case str():
            return text(key) + struct.pack("<I", 8) + text(value)
        case int():
            return text(key) + struct.pack("<II", 4, value)
        case bytes():
            return text(key) + value
        case list():
            items = [str(item) for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # a test's literal
            return text(key) + struct.pack("<IIQ", 9, 8, len(items)) + b"".join(map(text, items))
        case _:
            raise AssertionError(value)


def tensor(name: str, dimensions: Sequence[int], kind: int, offset: int) -> bytes:
    return text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, offset)


def gguf(entries: Sequence[bytes], tensors: Sequence[bytes] = (), version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries)) + b"".join([*entries, *tensors])


ARCHITECTURE = entry("general.architecture", "qwen3")
GOOD = gguf(
    [
        ARCHITECTURE,
        entry("general.name", "Größe 1"),
        entry("general.file_type", 15),
        entry("qwen3.context_length", 40960),
        entry("tokenizer.chat_template", "{{x}}"),
        entry("general.languages", ["en", "de"]),
        entry("general.license", "apache-2.0"),
        entry("tokenizer.ggml.tokens", [f"token {i}" for i in range(300)]),
        entry("tokenizer.ggml.scores", struct.pack("<IIQ", 9, 6, 300) + bytes(1200)),
    ],
    [tensor("a", (256, 10), 12, 0), tensor("b", (32, 2, 5), 8, 1440)],
)


def layout(**numbers: int) -> bytes:
    return gguf([ARCHITECTURE, *(entry(f"qwen3.{name.replace('__', '.')}", value) for name, value in numbers.items())])


def test_a_header_tells_what_a_token_of_the_context_takes() -> None:
    plain = {"block_count": 36, "embedding_length": 4096, "attention__head_count": 32}
    grouped = {**plain, "attention__head_count_kv": 8}
    own = {**grouped, "attention__key_length": 256, "attention__value_length": 64}
    found = [parse_gguf_header(layout(**numbers)).cache_bytes_per_token for numbers in (plain, grouped, own)]
    assert found == [36 * 32 * 256 * 2, 36 * 8 * 256 * 2, 36 * 8 * 320 * 2]
    assert parse_gguf_header(layout(block_count=36)).cache_bytes_per_token is None


def test_a_header_tells_what_the_picker_shows() -> None:
    header = parse_gguf_header(GOOD + bytes(50))
    data_start = (len(GOOD) + 31) // 32 * 32
    assert header == GgufHeader(
        architecture="qwen3",
        name="Größe 1",
        quantisation="Q4_K_M",
        context_tokens=40960,
        parameters=2560 + 320,
        has_chat_template=True,
        languages=("en", "de"),
        licence="apache-2.0",
        file_bytes=data_start + 1440 + 320 // 32 * 34,
    )


def test_what_the_file_does_not_say_is_none() -> None:
    header = parse_gguf_header(gguf([ARCHITECTURE]))
    assert (header.name, header.quantisation, header.context_tokens, header.licence) == (None, None, None, None)
    assert (header.parameters, header.languages, header.has_chat_template, header.shard) == (0, (), False, (0, 1))


def test_facts_of_a_wrong_type_are_ignored() -> None:
    entries = [
        ARCHITECTURE,
        entry("general.file_type", "Q4"),
        entry("qwen3.context_length", "x"),
        entry("general.name", 3),
    ]
    header = parse_gguf_header(gguf(entries))
    assert (header.quantisation, header.context_tokens, header.name) == (None, None, None)


def test_a_part_of_a_cut_model_says_which_one() -> None:
    assert parse_gguf_header(gguf([ARCHITECTURE, entry("split.no", 1), entry("split.count", 3)])).shard == (1, 3)


@pytest.mark.parametrize("length", [0, 3, 4, 20, 100, len(GOOD) - 1])
def test_a_header_that_goes_on_is_incomplete(length: int) -> None:
    with pytest.raises(GgufIncompleteError):
        parse_gguf_header(GOOD[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"<!doctype html>",
        b"GGML" + bytes(100),
        gguf([ARCHITECTURE], version=1),
        gguf([ARCHITECTURE], version=0x03000000),
        b"GGUF" + struct.pack("<IQQ", 3, 2**60, 1),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63),
        gguf([entry("x", 1)]),
        gguf([entry("x", struct.pack("<I", 77))]),
        gguf([entry("x", struct.pack("<IIQ", 9, 9, 1) + struct.pack("<IQ", 9, 1) * 8)]),
        gguf([ARCHITECTURE], [tensor("a", (1,) * 5, 0, 0)]),
        gguf([entry("general.architecture", "")]),
    ],
)
def test_what_is_no_model_is_an_error_and_not_incomplete(data: bytes) -> None:
    with pytest.raises(GgufError) as caught:
        parse_gguf_header(data + bytes(64))
    assert not isinstance(caught.value, GgufIncompleteError)


def test_a_length_beyond_all_files_is_incomplete_at_once() -> None:
    with pytest.raises(GgufIncompleteError):
        parse_gguf_header(gguf([text("k") + struct.pack("<IIQ", 9, 8, 2**62)]) + bytes(100))


@given(st.binary(max_size=300))
@example(b"GGUF\x03\x00\x00\x00" + bytes(16))
def test_random_bytes_raise_nothing_but_gguf_errors(data: bytes) -> None:
    for candidate in (data, b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + data):
        try:
            parse_gguf_header(candidate)
        except GgufError:
            pass


@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_header_raises_nothing_but_gguf_errors(position: int, damage: bytes) -> None:
    try:
        parse_gguf_header(GOOD[:position] + damage + GOOD[position + len(damage) :])
    except GgufError:
        pass
