"""What is remembered of the cards, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.gpu.records_file import GpuRecordsJson
from ai4artsed_desktop.domain.vram import GpuRecords, VramPeak


async def test_peaks_and_energy_outlive_the_program(tmp_path: Path) -> None:
    file = GpuRecordsJson(tmp_path / "gpu.json")
    assert await file.load() == GpuRecords()
    records = GpuRecords(peaks={"output:ä:b": VramPeak(peak_bytes=5, seen="2026-11-20T10:00:00+00:00")})
    await file.save(records)
    assert await GpuRecordsJson(tmp_path / "gpu.json").load() == records


@pytest.mark.parametrize("content", ["", "[]", '{"peaks": {"a": {"peak_bytes": -1}}}', "\0\0\0", '{"days": 7}'])
async def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "gpu.json").write_text(content)
    assert await GpuRecordsJson(tmp_path / "gpu.json").load() == GpuRecords()
