"""Everything that can be wrong with a graph, a LoRA or a workflow can be said in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.workflow_conversion import ConversionError
from ai4artsed_desktop.domain.workflow_files import WorkflowFileError
from ai4artsed_desktop.engine.graphs import NoGraphError
from ai4artsed_desktop.engine.lora import LoraFamilyError, NoLoraPlaceError

ROOT = Path(__file__).resolve().parents[3]
ERRORS: list[type[AppError]] = [ConversionError, WorkflowFileError, NoGraphError, LoraFamilyError, NoLoraPlaceError]


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_error_problem_and_reason_has_its_words(language: str) -> None:
    words: dict[str, str] = json.loads((ROOT / "resources" / "languages" / f"{language}.json").read_text("utf-8"))
    domain = ROOT / "ai4artsed_desktop" / "domain"
    problems = set(re.findall(r'_issue\(\s*"(\w+)"', (domain / "object_info.py").read_text("utf-8")))
    reasons = {
        key
        for name in ("workflow_files.py", "workflow_conversion.py")
        for key in re.findall(r'"(reason\.\w+)"', (domain / name).read_text("utf-8"))
    }
    assert len(problems) > 8 and len(reasons) > 3
    wanted = {f"graph.problem.{problem}" for problem in (*problems, "no_output")} | reasons
    wanted |= {f"{error.code}.{part}" for error in ERRORS for part in ("what", "why", "next")}
    assert wanted - words.keys() == set()
