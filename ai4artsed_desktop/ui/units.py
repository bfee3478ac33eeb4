"""Numbers as people read them: with their unit and in their language."""

from __future__ import annotations

from PySide6.QtCore import QLocale

_BYTES_PER_GB = 1_000_000_000
_BYTES_PER_MB = 1_000_000
#: Graphics memory is sold and measured in GB of 2^30 bytes.
_BYTES_PER_VRAM_GB = 1 << 30


def decimal_text(value: float, decimals: int, language: str) -> str:
    """Return ``0.60``, or ``0,60`` where that is how numbers are written."""
    return QLocale(language).toString(value, "f", decimals)


def duration_text(elapsed_ms: float, language: str, *, is_running: bool = False) -> str:
    """Return ``1.3 s`` below ten seconds, else ``42 s``, ``1 min 20 s``, ``3 h 5 min``; no tenths while it runs."""
    if elapsed_ms < 50 and not is_running:
        return f"<\N{NO-BREAK SPACE}{QLocale(language).toString(0.1, 'f', 1)}\N{NO-BREAK SPACE}s"
    seconds = elapsed_ms / 1000
    if seconds < 10 and not is_running:
        return f"{QLocale(language).toString(seconds, 'f', 1)} s"
    whole = int(seconds) if is_running else round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def size_text(size_bytes: int, language: str) -> str:
    """Return ``9.1 GB``, whole megabytes below 0.1 GB, kilobytes below 1 MB. Decimal units, as on a disk's box."""
    if 0 < size_bytes < _BYTES_PER_MB:
        return f"{max(1, size_bytes // 1000)} kB"
    if size_bytes < _BYTES_PER_GB / 10:
        return f"{round(size_bytes / _BYTES_PER_MB)} MB"
    return f"{gigabytes_text(size_bytes, language)} GB"


def gigabytes_text(size_bytes: int, language: str) -> str:
    """Return ``9.1``, without the unit, for "9.1/24.0 GB"."""
    return QLocale(language).toString(size_bytes / _BYTES_PER_GB, "f", 1)


def vram_text(size_bytes: int, language: str) -> str:
    """Return graphics memory as ``9.1``, without the unit, in GB of 2^30 bytes: a card sold as 24 GB has 24.0."""
    return QLocale(language).toString(size_bytes / _BYTES_PER_VRAM_GB, "f", 1)


def clock_text(position_ms: int) -> str:
    """Return a place in a recording as ``1:05``."""
    seconds = position_ms // 1000
    return f"{seconds // 60}:{seconds % 60:02}"
