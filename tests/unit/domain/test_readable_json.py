"""JSON for files that people open: the same as the standard library writes, whatever is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ai4artsed_desktop.domain.readable_json import readable_json
from ai4artsed_desktop.domain.runs import RunRecord


@pytest.mark.parametrize(
    "data", [{}, [], {"a": [1, 2.5, None, True, 'Ä 🍎 "quoted"\n'], "b": {"c": ()}}, {"large": 2**70, "small": 1e-9}]
)
def test_it_reads_as_what_was_given_and_is_indented_with_its_own_letters(data: Any) -> None:
    written = readable_json(data)
    assert json.loads(written) == json.loads(json.dumps(data))
    assert b"\\u" not in written


def test_a_record_is_written_as_pydantic_dumps_it() -> None:
    record = RunRecord(run_id="run_1_000001", created="2026-01-01", state="queued", interception_id="dada", seed=7)
    assert readable_json(record) == json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=2).encode()


@pytest.mark.parametrize("in_a_record", [True, False])
def test_a_lone_surrogate_spoils_no_file(in_a_record: bool) -> None:
    record = RunRecord.model_construct(
        run_id="run_1_000001", created="", state="queued", interception_id="dada", input_text="caf\udce9"
    )
    written = readable_json(record if in_a_record else {"input_text": "caf\udce9"})
    assert json.loads(written)["input_text"] == "caf?"
