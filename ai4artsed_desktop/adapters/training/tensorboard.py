"""Reads scalars from TensorBoard event files while they grow. Standard library only.

Formats: TFRecord (length, masked CRC-32C of it, data, masked CRC-32C of them; TensorFlow's tfrecord.h) around ``Event``
messages
(event.proto: wall_time = 1 double, step = 2 varint, summary = 5; summary.proto: value = 1 {tag = 1, simple_value = 2
float,
tensor = 8 {dtype, float_val = 5, tensor_content = 4}}).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ai4artsed_desktop.domain.training.progress import CurvePoint

_POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected
_MASK = 0xA282EAD8
_HEADER = struct.Struct("<QI")
_CRC = struct.Struct("<I")
#: No event of scalars is longer; a longer length is damage.
_MAX_RECORD_BYTES = 16 * 1024 * 1024


@cache
def _table() -> tuple[int, ...]:
    table: list[int] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


def masked_crc(data: bytes) -> int:
    """Return the checksum as TFRecord files hold it."""
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


class EventFileReader:
    """Reads one event file from where it stopped. A cut tail waits for more; damage ends the reading for good."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self.is_damaged = False

    def read(self) -> list[CurvePoint]:
        """Return the points that have come since the last call."""
        if self.is_damaged:
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(new)
        data = self._rest + new
        points: list[CurvePoint] = []
        start = 0
        while (end := self._record_end(data, start)) is not None:
            points += _scalars(data[start + _HEADER.size : end - _CRC.size])
            start = end
        self._rest = data[start:]
        return points

    def _record_end(self, data: bytes, start: int) -> int | None:
        """Return where the record at ``start`` ends, None if it is not complete or damaged."""
        if len(data) - start < _HEADER.size or self.is_damaged:
            return None
        length, crc = _HEADER.unpack_from(data, start)
        if length > _MAX_RECORD_BYTES or masked_crc(data[start : start + 8]) != crc:
            self.is_damaged = True
            return None
        end = start + _HEADER.size + length + _CRC.size
        if len(data) < end:
            return None
        body = data[start + _HEADER.size : end - _CRC.size]
        if masked_crc(body) != _CRC.unpack_from(data, end - _CRC.size)[0]:
            self.is_damaged = True
            return None
        return end


class EventFolderReader:
    """Reads all event files below a folder, oldest first; a resumed training writes a new one beside the old."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readers: dict[Path, EventFileReader] = {}

    def read(self) -> list[CurvePoint]:
        """Return the points that have come since the last call."""
        for path in sorted(self._folder.rglob("events.out.tfevents.*")):
            if path not in self._readers:
                self._readers[path] = EventFileReader(path)
        return [point for reader in self._readers.values() for point in reader.read()]


def _scalars(event: bytes) -> Iterator[CurvePoint]:
    time_s, step, summaries = 0.0, 0, list[bytes]()
    for number, value in _fields(event):
        if number == 1 and isinstance(value, bytes) and len(value) == 8:
            time_s = struct.unpack("<d", value)[0]
        elif number == 2 and isinstance(value, int):
            step = value
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in _fields(summary):
            if number == 1 and isinstance(value, bytes) and (found := _value(value)) is not None:
                yield CurvePoint(found[0], step, found[1], time_s)


def _value(data: bytes) -> tuple[str, float] | None:
    tag, number = "", None
    for field, value in _fields(data):
        if field == 1 and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")
        elif field == 2 and isinstance(value, bytes) and len(value) == 4:
            number = struct.unpack("<f", value)[0]
        elif field == 8 and isinstance(value, bytes):
            number = _tensor_number(value)
    return None if number is None else (tag, float(number))


def _tensor_number(data: bytes) -> float | None:
    for field, value in _fields(data):
        if field in (4, 5) and isinstance(value, bytes) and len(value) >= 4:
            return float(struct.unpack("<f", value[:4])[0])
    return None


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield a message's fields: varints as numbers, all else as bytes. Stops at what it cannot read."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if kind == 2:
            length, position = _varint(data, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            return
        if position + length > len(data):
            return
        yield key >> 3, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    return value, position
