"""Models that judge: the answers of a checking model beside those of a writing one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from ai4artsed_desktop.domain.text_models import TextModelInfo, TextRequest
from tests.support.fake_models import GOOD, FakeModels, in_brackets

SEEING = replace(GOOD, id="fake/eyes", name="Eyes", can_see=True)
SUITABLE = json.dumps({"verdict": "suitable", "category": "none"})
UNSUITABLE = json.dumps({"verdict": "unsuitable", "category": "violence"})


def judging(
    judge: str | Callable[[TextRequest], str],
    model: TextModelInfo = GOOD,
    write: Callable[[TextRequest], str] = in_brackets,
) -> FakeModels:
    """Return models that answer ``judge`` when a judgement is asked for, and ``write`` otherwise."""

    def answer(request: TextRequest) -> str:
        if request.json_schema is None:
            return write(request)
        return judge if isinstance(judge, str) else judge(request)

    return FakeModels([model], answer)


def judgements(models: FakeModels) -> list[TextRequest]:
    """Return the requests for a judgement, in order."""
    return [request for _, request in models.requests if request.json_schema is not None]


def writings(models: FakeModels) -> list[TextRequest]:
    """Return the other requests."""
    return [request for _, request in models.requests if request.json_schema is None]
