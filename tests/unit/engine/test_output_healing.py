"""A server that dies under a job: once more when the supervisor brought it back, else reported; nothing twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from ai4artsed_desktop.domain.backend_errors import BackendStoppedError, JobLostError
from ai4artsed_desktop.domain.chunks import Chunk, OutputChunk
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.errors import BackendError, StorageError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.steps.base import OutputJob, Services
from ai4artsed_desktop.engine.steps.output_chunk import STEP

CHUNK = OutputChunk.model_validate(
    {
        "name": "output_test",
        "type": "output_chunk",
        "backend_type": "comfyui",
        "media_type": "image",
        "workflow": {"1": {"class_type": "SaveImage", "inputs": {}}},
        "output_mapping": {"node_ids": ["1"]},
    }
)
CONFIG = OutputConfig.model_validate(
    {
        "id": "test",
        "pipeline": "single_text_media_generation",
        "name": {"en": "Test"},
        "description": {"en": "Test"},
        "parameters": {"OUTPUT_CHUNK": "output_test"},
        "media_preferences": {"default_output": "image", "supported_types": ["image"]},
    }
)
PICTURE = ProducedMedium("image", "image/png", "png", data=b"a picture")


@dataclass
class DyingBackend:
    """Gives what its plan says: media, then an error, then the next attempt."""

    plan: list[list[ProducedMedium | BackendError]]
    attempts: int = 0
    id: str = "comfyui"
    is_local: bool = True

    async def problem(self, chunk: Chunk) -> Reason | None:
        return None

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        self.attempts += 1
        for item in self.plan[self.attempts - 1]:
            if isinstance(item, BackendError):
                raise item
            yield item

    async def aclose(self) -> None: ...


@dataclass
class Healer:
    """A supervisor that brings a service back, or not."""

    comes_back: bool = True
    restarts: bool = True
    count: int = 1
    asked: list[str] = field(default_factory=list[str])

    def service_of(self, backend_type: str) -> str:
        return backend_type

    def starts(self, name: str) -> int:
        return self.count

    async def heal(self, name: str) -> bool:
        self.asked.append(name)
        self.count += self.comes_back and self.restarts
        return self.comes_back


async def run(
    backend: DyingBackend, healer: Healer | None, save: Callable[[ProducedMedium], None] | None = None
) -> list[ProducedMedium]:
    """Run the step; return what was saved."""
    saved: list[ProducedMedium] = []

    async def on_save(medium: ProducedMedium) -> None:
        if save is not None:
            save(medium)
        saved.append(medium)

    async def flush() -> None: ...

    nothing = cast("Any", None)
    services = Services(nothing, nothing, nothing, nothing, {}, {"comfyui": backend}, healer=healer)
    job = OutputJob(
        "run_1",
        CONFIG,
        CHUNK,
        "",
        True,
        "text",
        "en",
        1,
        {},
        {},
        lambda: Path(),
        lambda _: None,
        on_save,
        lambda name, value: None,
        flush,
        flush,
        services,
    )
    await STEP.run(job)
    return saved


STOPPED = BackendStoppedError("gone", backend="ComfyUI")
LOST = JobLostError("unknown", backend="ComfyUI")


@pytest.mark.parametrize("error", [STOPPED, LOST])
async def test_the_job_is_done_once_more_when_the_server_is_back(error: BackendError) -> None:
    backend, healer = DyingBackend([[error], [PICTURE]]), Healer()
    assert await run(backend, healer) == [PICTURE]
    assert (backend.attempts, healer.asked) == (2, ["comfyui"])


async def test_a_second_death_is_reported() -> None:
    backend = DyingBackend([[STOPPED], [BackendStoppedError("again", backend="ComfyUI")], [PICTURE]])
    with pytest.raises(BackendStoppedError, match="again"):
        await run(backend, Healer())
    assert backend.attempts == 2


async def test_without_its_server_the_job_is_reported() -> None:
    backend = DyingBackend([[STOPPED], [PICTURE]])
    with pytest.raises(BackendStoppedError):
        await run(backend, Healer(comes_back=False))
    assert backend.attempts == 1


async def test_nothing_is_saved_twice() -> None:
    backend, healer = DyingBackend([[PICTURE, STOPPED], [PICTURE, PICTURE]]), Healer()
    with pytest.raises(BackendStoppedError):
        await run(backend, healer)
    assert (backend.attempts, healer.asked) == (1, [])


async def test_a_job_that_somebody_deleted_is_not_done_again() -> None:
    backend = DyingBackend([[LOST], [PICTURE]])
    with pytest.raises(JobLostError):
        await run(backend, Healer(restarts=False))
    assert backend.attempts == 1


async def test_a_full_disk_is_no_reason_to_ask_the_server_again() -> None:
    def full(_: ProducedMedium) -> None:
        raise StorageError(path="disk")

    backend, healer = DyingBackend([[PICTURE], [PICTURE]]), Healer()
    with pytest.raises(StorageError):
        await run(backend, healer, full)
    assert (backend.attempts, healer.asked) == (1, [])


async def test_without_a_supervisor_everything_is_as_before() -> None:
    backend = DyingBackend([[STOPPED], [PICTURE]])
    with pytest.raises(BackendStoppedError):
        await run(backend, None)
