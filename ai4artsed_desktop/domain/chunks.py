"""What backends execute: one chunk per model or procedure, with default values."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field, TypeAdapter, model_validator

from ai4artsed_desktop.domain.code_art import Framework
from ai4artsed_desktop.domain.configs import MediaType, Strict
from ai4artsed_desktop.domain.text import LocalizedText

ParameterType = Literal["int", "float", "str", "bool", "choice", "seed", "image"]


class InputMapping(Strict):
    """One typed parameter and the place its value goes to.

    ``node_id`` and ``field`` address a node of a ComfyUI graph (``inputs.steps``); ``field`` alone a path in an API
    request (``request_body.messages[1].content``); neither = a keyword argument of the backend. ``source`` names the
    text that fills it when nobody set a value, such as ``{{PREVIOUS_OUTPUT}}``.
    """

    node_id: str | None = None
    field: str | None = None
    default: int | float | bool | str | None = None
    type: ParameterType = "str"
    min: float | None = None
    max: float | None = None
    step: float | None = None
    choices: tuple[str | int | float, ...] = ()
    advanced: bool = False
    required: bool = False
    source: str | None = None
    unit: str = ""
    name: LocalizedText | None = None
    description: LocalizedText | None = None

    @model_validator(mode="before")
    @classmethod
    def _infer_type(cls, data: object) -> object:
        """A mapping without a type has its default's: a number must not become text on its way to the backend."""
        if not isinstance(data, dict) or "type" in data:
            return data  # pyright: ignore[reportUnknownVariableType] - raw file content
        raw = cast("dict[str, object]", data)
        kinds: tuple[tuple[type, ParameterType], ...] = ((bool, "bool"), (int, "int"), (float, "float"))
        default = raw.get("default")
        return {**raw, "type": next((kind for python, kind in kinds if isinstance(default, python)), "str")}


Mappings = dict[str, InputMapping | tuple[InputMapping, ...]]


class OutputMapping(Strict):
    """How a backend's answer becomes media."""

    type: Literal[
        "comfyui_outputs", "chat_completion_with_image", "images_api_base64", "polled_url", "text", "code", "files"
    ] = "comfyui_outputs"
    extract_path: str | None = None
    node_ids: tuple[str, ...] = ()
    mime: str | None = None


class ChunkBase(Strict):
    """What all chunks share. ``name`` is the file's name without its extension."""

    name: str
    description: LocalizedText | None = None


class ProcessingChunk(ChunkBase):
    """Text in, text out, by a text model or a procedure.

    ``model`` names a stage whose model the settings choose (``interception``, ``optimisation``, ``coding`` …) or one
    model outright. A chunk whose parameters hold ``"output_chunk": "{{OUTPUT_CHUNK}}"`` is a proxy: it stands for the
    named output chunk.
    """

    type: Literal["processing_chunk"]
    backend_type: Literal["text_model", "procedure", "proxy"] = "text_model"
    model: str = "interception"
    system: str | None = None
    prompt: str | None = None
    template: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_proxy(self) -> bool:
        """True if the chunk only stands for the output chunk that the config names."""
        return "output_chunk" in self.parameters


class GraphNode(Strict):
    """One node of a ComfyUI graph in API format; a link is ``[node id, output index]``."""

    class_type: str = Field(min_length=1)
    inputs: dict[str, Any] = Field(default_factory=dict)
    meta: dict[str, Any] = Field(default_factory=dict, alias="_meta")


class OutputChunk(ChunkBase):
    """A ComfyUI graph, run by ComfyUI itself or through SwarmUI."""

    type: Literal["output_chunk"]
    backend_type: Literal["comfyui", "swarmui"]
    media_type: MediaType
    workflow: dict[str, GraphNode] = Field(min_length=1)
    input_mappings: Mappings = Field(default_factory=dict)
    output_mapping: OutputMapping = OutputMapping()
    meta: dict[str, Any] = Field(default_factory=dict)


class AsyncPolling(Strict):
    """How to ask for a job that is not done at once: every ``interval_s`` until ``status_path`` holds a final value.

    In the endpoints ``{id}`` stands for what ``id_path`` of the first answer holds. The medium's address is at the
    output mapping's ``extract_path`` of the last status; with a ``result_endpoint`` the medium itself is fetched there.
    What ``error_path`` holds is the service's own reason; a ``cancel_endpoint`` is called when the person cancels.
    """

    status_endpoint: str
    result_endpoint: str | None = None
    cancel_endpoint: str | None = None
    error_path: str = "error"
    progress_path: str | None = None
    id_path: str = "id"
    status_path: str = "status"
    done_values: tuple[str, ...] = ("completed", "succeeded")
    failed_values: tuple[str, ...] = ("failed", "cancelled")
    interval_s: float = Field(default=2.0, gt=0)
    limit_s: float = Field(default=900.0, gt=0)


class ApiConfig(Strict):
    """One HTTP request of a cloud service. Keys never stand here: ``provider`` names the keyring entry.

    The key goes into ``key_header`` as ``key_format`` says. Media are fetched from ``media_hosts`` and their subdomains
    only, without the key: an answer could name any address.
    """

    provider: str
    model: str
    endpoint: str
    method: Literal["POST", "GET"] = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    request_body: dict[str, Any] = Field(default_factory=dict)
    body_format: Literal["json", "multipart"] = "json"
    key_header: str = "Authorization"
    key_format: str = "Bearer {key}"
    media_hosts: tuple[str, ...] = ()
    async_polling: AsyncPolling | None = None


class ApiOutputChunk(ChunkBase):
    """A cloud service's medium: one generic HTTP step, no code."""

    type: Literal["api_output_chunk"]
    backend_type: Literal["api"] = "api"
    media_type: MediaType
    api_config: ApiConfig
    input_mappings: Mappings = Field(default_factory=dict)
    output_mapping: OutputMapping
    meta: dict[str, Any] = Field(default_factory=dict)


class PythonChunk(ChunkBase):
    """The ``CHUNK`` dict of a ``.py`` file; read as a literal, without running the file."""

    type: Literal["python_chunk"]
    backend_type: Literal["python"] = "python"
    media_type: MediaType
    framework: Framework | None = None
    input_mappings: Mappings = Field(default_factory=dict)
    meta: dict[str, Any] = Field(default_factory=dict)


class TextPassthroughChunk(ChunkBase):
    """The stage text is the medium: code that a model wrote, rendered by the sandbox."""

    type: Literal["text_passthrough"]
    media_type: Literal["code", "text"] = "code"
    framework: Framework | None = None
    input_mappings: Mappings = Field(default_factory=dict)
    meta: dict[str, Any] = Field(default_factory=dict)


Chunk = Annotated[
    ProcessingChunk | OutputChunk | ApiOutputChunk | PythonChunk | TextPassthroughChunk, Field(discriminator="type")
]
chunk_reader: TypeAdapter[Chunk] = TypeAdapter(Chunk)


def mappings_of(chunk: Chunk) -> dict[str, tuple[InputMapping, ...]]:
    """Return the parameters of a chunk, each as a tuple of the places it goes to."""
    if isinstance(chunk, ProcessingChunk):
        return {}
    return {name: m if isinstance(m, tuple) else (m,) for name, m in chunk.input_mappings.items()}
