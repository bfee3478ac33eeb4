"""What people pick: interception configs (the HOW) and output configs (the medium), one JSON file each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ai4artsed_desktop.domain.text import LocalizedText

MediaType = Literal["image", "audio", "music", "video", "code", "text"]
Complexity = Literal["simple", "medium", "advanced"]
HexColor = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


class Strict(BaseModel):
    """Base of everything read from catalogue files: frozen, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class MediaPreferences(Strict):
    """Which media suit a config; ``output_config`` names one output config outright."""

    default_output: MediaType = "image"
    supported_types: tuple[MediaType, ...] = ()
    output_config: str | None = None


class LoraUse(Strict):
    """One LoRA that a config brings along; 0.6 is a good start, above 0.8 its style takes over."""

    name: str = Field(min_length=1)
    strength: float = Field(default=0.6, ge=-4, le=4)


class Display(Strict):
    """How a config looks in the pickers. ``color`` is the 4 px edge of its card."""

    icon: str = "shapes"
    color: HexColor = "#8A8178"
    category: str = ""
    difficulty: int = Field(default=1, ge=1, le=5)
    order: int = 1000
    hidden: bool = False


class Audience(Strict):
    """Whom a config suits; ``min_age`` in years."""

    workshop_suitable: bool = True
    min_age: int = Field(default=0, ge=0, le=99)
    complexity: Complexity = "simple"


class ExamplePair(Strict):
    """One idea and what the interception makes of it, one line each, English."""

    idea: str = Field(min_length=1)
    text: str = Field(min_length=1)

    @field_validator("idea", "text")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if "\n" in value:
            raise ValueError("must be one line: the few-shot format stops at a line end")
        return value


class FewShotExamples(Strict):
    """Examples for tiny models that only continue a pattern; ``label`` stands before each result."""

    label: str = Field(min_length=1, max_length=40)
    pairs: tuple[ExamplePair, ...] = Field(min_length=2)


class ChainStep(Strict):
    """One round of a chain such as the Telephone game; its rules get the text of the round before."""

    name: LocalizedText
    context: LocalizedText


class InterceptionMeta(Strict):
    """Where an interception comes from and how it runs.

    ``model`` is the id of the text model that does it instead of the one that the settings name; a choice for the run
    goes before it, and a model that is not there is an error, never another one.
    """

    loras: tuple[LoraUse, ...] = ()
    model: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*/\S.*$")
    skip_interception: bool = False
    force_local: bool = False
    sources: tuple[str, ...] = ()
    stance: LocalizedText | None = None
    author: str = ""
    is_ai: bool = True
    licence: str | None = None


class ConfigBase(Strict):
    """What interception and output configs share. ``id`` is the file's name without ``.json``."""

    id: str
    pipeline: str
    name: LocalizedText
    description: LocalizedText
    display: Display = Display()
    tags: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    audience: Audience = Audience()


class InterceptionConfig(ConfigBase):
    """One file in ``configs/interception``: what happens to the text."""

    category: LocalizedText | None = None
    context: LocalizedText | Literal[""] = ""
    instruction_type: str = "transformation"
    properties: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    media_preferences: MediaPreferences = MediaPreferences()
    meta: InterceptionMeta = InterceptionMeta()
    examples: FewShotExamples | None = None
    steps: tuple[ChainStep, ...] = ()


class ModelFile(Strict):
    """One file that a model needs, where it belongs and how big it is."""

    name: str = Field(min_length=1)
    folder: str = ""
    size_gb: float | None = Field(default=None, ge=0)
    source: str | None = None
    licence: str | None = None


class Price(Strict):
    """What a service asks for one medium, as it stated on ``as_of`` (YYYY-MM-DD); prices change."""

    amount: float = Field(ge=0)
    currency: Literal["USD", "EUR"] = "USD"
    as_of: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")


class OutputMeta(Strict):
    """Facts about the model behind an output config, measured or documented; None = unknown."""

    model: str = ""
    model_files: tuple[ModelFile, ...] = ()
    requires_gpu: bool = False
    requires_api_key: bool = False
    price: Price | None = None
    vram_gb: float | None = Field(default=None, ge=0)
    estimated_duration_seconds: float | None = Field(default=None, ge=0)
    licence: str | None = None
    force_local: bool = False
    is_ai: bool = True
    optimization_instruction: LocalizedText | None = None
    optimization_model: str | None = None
    optimization_is_optional: bool = Field(
        default=False, description="without a model for it the text goes on as it is, and the run says so"
    )
    sources: tuple[str, ...] = ()
    author: str = ""


class OutputConfig(ConfigBase):
    """One file in ``configs/output``: a use of an output chunk. ``parameters`` holds ``OUTPUT_CHUNK`` and overrides."""

    parameters: dict[str, Any]
    media_preferences: MediaPreferences = MediaPreferences()
    meta: OutputMeta = OutputMeta()

    @property
    def chunk(self) -> str:
        """Name of the chunk that makes the medium, ``""`` if the file names none."""
        return next((str(value) for key, value in self.parameters.items() if key.upper() == "OUTPUT_CHUNK"), "")

    @property
    def overrides(self) -> dict[str, Any]:
        """The parameters without ``OUTPUT_CHUNK``."""
        return {key: value for key, value in self.parameters.items() if key.upper() != "OUTPUT_CHUNK"}


class Pipeline(Strict):
    """One file in ``configs/pipelines``: an order of chunks that knows neither backend nor medium.

    ``kind`` says where it may stand: interception configs name a ``text`` pipeline, output configs a ``media`` one.
    """

    id: str
    kind: Literal["text", "media"]
    name: LocalizedText
    description: LocalizedText
    chunks: tuple[str, ...]
    inputs: tuple[Literal["text", "secondary_text", "image", "images"], ...] = ("text",)


class MediaDefaults(Strict):
    """The default output configs of one medium.

    ``cloud`` None = no cloud default: the local one is used, and shown as local.
    """

    local: str | None = None
    cloud: str | None = None


class OutputDefaults(Strict):
    """``configs/output_config_defaults.json``."""

    image: MediaDefaults = MediaDefaults()
    audio: MediaDefaults = MediaDefaults()
    music: MediaDefaults = MediaDefaults()
    video: MediaDefaults = MediaDefaults()
    code: MediaDefaults = MediaDefaults()
    text: MediaDefaults = MediaDefaults()
