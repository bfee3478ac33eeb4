"""Every stage with a real model: translation, interception, optimisation, code and its repair, to a medium on disk.

The model is the tiny one that comes with set-up; what it writes is nonsense, and whether it is code is chance. What is
shown is that every stage reaches a real model in the way it should, over real HTTP as well as in the child process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.assembly import Assembly, assemble
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.domain.runs import OutputRequest, RunRecord, RunRequest, StageName
from ai4artsed_desktop.domain.settings import StageModels
from tests.integration.llm.test_openai_over_http import Served, files_with, serving
from tests.support.modest_server import ModestServer

pytestmark = [pytest.mark.llm, pytest.mark.webengine]

MODEL = "llama_server/any"
IDEA = "Ein roter Apfel liegt auf dem Tisch und wartet."
#: Our own chunks with short answers: how much the real model says is not what is tested.
SHORT = {"translation": 24, "optimisation": 32, "code_repair": 32}


@asynccontextmanager
async def chain(served: Served, shipped: Path) -> AsyncGenerator[tuple[Assembly, ModestServer], None]:
    paths = find_paths()
    for name, limit in SHORT.items():
        chunk = json.loads((shipped / "chunks" / f"{name}.json").read_text("utf-8"))
        chunk["parameters"]["max_tokens"] = limit
        (paths.user_catalog / "chunks").mkdir(parents=True, exist_ok=True)
        (paths.user_catalog / "chunks" / f"{name}.json").write_text(json.dumps(chunk), "utf-8")
    modest = ModestServer(served.server.url, ("any",))
    async with modest.serving() as url:
        assembly = assemble(paths)
        await assembly.engine.start()
        try:
            assert assembly.engine.model_services is not None
            await assembly.engine.model_services.put_key("llama_server", served.key)
            roles = dict.fromkeys(("translation", "interception", "optimisation", "coding"), MODEL)
            assembly.engine.change_settings(
                local_only=True,
                translate_to_english=True,
                providers={"llama_server": url},
                stage_models=StageModels(**roles),
            )
            yield assembly, modest
        finally:
            await assembly.aclose()


async def end_of(assembly: Assembly, request: RunRequest) -> RunRecord:
    async with asyncio.timeout(240):
        return await assembly.engine.runs.wait(assembly.engine.runs.submit(request))


def models_of(record: RunRecord) -> dict[StageName, str]:
    return {stage.name: stage.model for stage in record.stages if stage.state == "done" and stage.model}


async def test_from_a_german_idea_over_real_http_to_media(smollm2_path: Path, tmp_path: Path, app_home: Path) -> None:
    shipped = Path(__file__).parents[3]
    async with serving(smollm2_path, tmp_path) as served, chain(served, shipped) as (assembly, modest):
        request = RunRequest(IDEA, "bauhaus", (OutputRequest("sketchbook_p5js"),), seed=7)
        drawn = await end_of(assembly, request)
        assert drawn.state == "finished", drawn.error
        done = models_of(drawn)
        assert done[StageName.TRANSLATION] == done[StageName.INTERCEPTION] == MODEL
        told = {stage.name: stage for stage in drawn.stages}
        assert told[StageName.TRANSLATION].facts["language"] == "de" and drawn.input_text == IDEA
        assert told[StageName.TRANSLATION].text not in ("", IDEA), "the original and the translation are both kept"
        assert {"p5", "image"} <= {entity.type for entity in drawn.entities}

        coded = await end_of(assembly, RunRequest("A red apple", "as_is", (OutputRequest("p5js_code"),), seed=7))
        written = next(stage for stage in coded.stages if stage.name is StageName.OPTIMISATION)
        assert written.model == MODEL and written.text
        repairs = [entity for entity in coded.entities if "repair" in entity.filename]
        # A model of this size hardly writes code that runs: then each round is there to be read, and the end is said.
        assert coded.state == "finished" or (len(repairs) == 3 and coded.error is not None)
    asked = [path for path in modest.paths if path == "/v1/chat/completions"]
    assert len(asked) == 3 + len(repairs) == len(modest.paths)
    assert files_with(served.key, app_home) == ["keys.json"]
