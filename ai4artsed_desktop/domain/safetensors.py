"""What a safetensors file says about itself in its header. Pure: bytes in, facts out.

Format: 8 bytes length (little-endian), then that many bytes of JSON: name → {dtype, shape, data_offsets}, and
``__metadata__`` (texts only). Source: the safetensors project's format description; its limit is 100 MB of header.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, cast

MAX_HEADER_BYTES = 100_000_000
#: A preview beyond this is no thumbnail.
MAX_PREVIEW_BYTES = 4_000_000
_LENGTH = struct.Struct("<Q")
#: First bytes of the pictures that trainers embed.
_IMAGE_STARTS = {
    rb"\x89PNG\r\n\x1a\n": "image/png",
    rb"\xff\xd8\xff": "image/jpeg",
    rb"RIFF....WEBP": "image/webp",
}


class SafetensorsError(ValueError):
    """The bytes are no safetensors header."""


class SafetensorsIncompleteError(SafetensorsError):
    """The header is longer than the bytes given: give at least ``needed_bytes``, or the file is cut."""

    def __init__(self, needed_bytes: int) -> None:
        super().__init__(f"the header needs {needed_bytes} bytes")
        self.needed_bytes = needed_bytes


class ModelFamily(StrEnum):
    """Models whose LoRAs fit each other: sizes of one model differ in width, so a LoRA of one does not fit the other.

    Some have no chunk here: their LoRAs are to be recognised and refused.
    """

    SD15 = "sd15"
    SD2 = "sd2"
    SDXL = "sdxl"
    SD3 = "sd3"
    SD35_LARGE = "sd35_large"
    SD35_MEDIUM = "sd35_medium"
    FLUX1 = "flux1"
    FLUX2 = "flux2"
    FLUX2_KLEIN = "flux2_klein"
    CHROMA = "chroma"
    Z_IMAGE = "z_image"
    QWEN_IMAGE = "qwen_image"
    WAN_5B = "wan_5b"
    WAN_14B = "wan_14b"
    LTXV = "ltxv"
    LTX2 = "ltx2"
    ACE_STEP = "ace_step"
    STABLE_AUDIO = "stable_audio"


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of the file."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """A parsed header. ``file_bytes``: the file must be at least this long, or weights are missing."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture that a trainer put into the header."""

    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class LoraFacts:
    """What a header tells about a LoRA; None or empty = it does not say.

    Attributes:
        rank: Its most common width.
        trigger_words: Words that its maker names, best first.
        frequent_tags: Most frequent words of the captions it was trained on, most frequent first.
    """

    is_lora: bool
    family: ModelFamily | None = None
    base_model: str = ""
    rank: int | None = None
    alpha: float | None = None
    title: str = ""
    trigger_words: tuple[str, ...] = ()
    frequent_tags: tuple[str, ...] = ()
    preview: Preview | None = field(default=None, repr=False)


def parse_safetensors_header(data: bytes) -> SafetensorsHeader:
    """Read the header at the start of a file.

    Args:
        data: The file's first bytes.

    Raises:
        SafetensorsIncompleteError: The header is longer than ``data``.
        SafetensorsError: This is no safetensors file, or a damaged one.
    """
    if len(data) < _LENGTH.size:
        raise SafetensorsIncompleteError(_LENGTH.size)
    (length,) = _LENGTH.unpack_from(data)
    if not 2 <= length <= MAX_HEADER_BYTES:
        raise SafetensorsError(f"a header of {length} bytes cannot be right")
    end = _LENGTH.size + length
    if data[_LENGTH.size : _LENGTH.size + 1] not in (b"{", b""):
        raise SafetensorsError("the header does not begin with {")
    if len(data) < end:
        raise SafetensorsIncompleteError(end)
    try:
        raw = json.loads(data[_LENGTH.size : end])
    except (ValueError, RecursionError) as exc:  # bad JSON, bad UTF-8, numbers or nesting beyond all bounds
        raise SafetensorsError(f"the header is no JSON: {exc}") from exc
    if not isinstance(raw, dict):
        raise SafetensorsError("the header is no JSON object")
    entries = cast("dict[str, Any]", raw)
    metadata = entries.pop("__metadata__", None)
    tensors: dict[str, TensorInfo] = {}
    data_bytes = 0
    for name, entry in entries.items():
        tensors[name], tensor_end = _tensor(name, entry)
        data_bytes = max(data_bytes, tensor_end)
    return SafetensorsHeader(MappingProxyType(tensors), MappingProxyType(_texts(metadata)), end + data_bytes)


def _tensor(name: str, entry: Any) -> tuple[TensorInfo, int]:
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if begin <= end:
            if all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
                return TensorInfo(dtype, tuple(shape)), end
        case _:
            pass
    raise SafetensorsError(f"the tensor {name[:100]!r} is not described as it must be")


def _texts(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    return {key: value for key, value in cast("dict[str, object]", metadata).items() if isinstance(value, str)}


def lora_facts(header: SafetensorsHeader) -> LoraFacts:
    """Return what the header tells about a LoRA. Never raises: what cannot be read is left out.

    Source of the keys: ``ss_*`` are kohya's sd-scripts, ``modelspec.*`` Stability's ModelSpec 1.0.
    """
    said = header.metadata
    base = said.get("ss_base_model_version") or said.get("modelspec.architecture") or ""
    return LoraFacts(
        is_lora=any(_is_lora_key(name) for name in header.tensors),
        family=_family_said(said) or _family_of_tensors(header.tensors),
        base_model=base,
        rank=_rank_of_tensors(header.tensors) or _whole(said.get("ss_network_dim")),
        alpha=_number(said.get("ss_network_alpha")),
        title=said.get("modelspec.title") or said.get("ss_output_name") or "",
        trigger_words=_trigger_words(said),
        frequent_tags=_frequent_tags(said),
        preview=_preview(said.get("modelspec.thumbnail", "")),
    )


#: Parts of what trainers write as base model, first match wins. Source: ``ss_base_model_version`` of kohya's
#: sd-scripts (sd_v1, sdxl_base_v1-0, flux1 …) and ai-toolkit (flux2_klein_4b, wan_2.2_14b …), ModelSpec architectures.
_SAID: tuple[tuple[str, ModelFamily], ...] = (
    ("sdxl", ModelFamily.SDXL),
    ("stablediffusionxl", ModelFamily.SDXL),
    ("pony", ModelFamily.SDXL),
    ("illustrious", ModelFamily.SDXL),
    ("sd35large", ModelFamily.SD35_LARGE),
    ("stablediffusion35large", ModelFamily.SD35_LARGE),
    ("sd35medium", ModelFamily.SD35_MEDIUM),
    ("stablediffusion35medium", ModelFamily.SD35_MEDIUM),
    ("sd3m", ModelFamily.SD3),
    ("stablediffusion3m", ModelFamily.SD3),
    ("flux2klein", ModelFamily.FLUX2_KLEIN),
    ("chroma", ModelFamily.CHROMA),
    ("zimage", ModelFamily.Z_IMAGE),
    ("flux2", ModelFamily.FLUX2),
    ("flux1", ModelFamily.FLUX1),
    ("qwenimage", ModelFamily.QWEN_IMAGE),
    ("wan225b", ModelFamily.WAN_5B),
    ("ti2v5b", ModelFamily.WAN_5B),
    ("wan2214b", ModelFamily.WAN_14B),
    ("wan2114b", ModelFamily.WAN_14B),
    ("ltx2", ModelFamily.LTX2),
    ("ltxv", ModelFamily.LTXV),
    ("ltxvideo", ModelFamily.LTXV),
    ("acestep", ModelFamily.ACE_STEP),
    ("stableaudio", ModelFamily.STABLE_AUDIO),
    ("sdv1", ModelFamily.SD15),
    ("sd15", ModelFamily.SD15),
    ("stablediffusionv1", ModelFamily.SD15),
    ("sdv2", ModelFamily.SD2),
    ("stablediffusionv2", ModelFamily.SD2),
)


def _family_said(said: Mapping[str, str]) -> ModelFamily | None:
    for key in ("ss_base_model_version", "modelspec.architecture"):
        plain = "".join(c for c in said.get(key, "").lower() if c.isalnum())
        for part, family in _SAID:
            if part in plain:
                return family
    return None


#: Width of the text that a UNet's cross-attention reads. Source: the models' configs (``cross_attention_dim``).
_UNET_WIDTHS = {768: ModelFamily.SD15, 1024: ModelFamily.SD2, 2048: ModelFamily.SDXL}
#: Parts of tensor names (all must occur) and the model width that tells sizes apart (None = any). Source: layer names
#: and widths of the models' published weights.
_LAYERS: tuple[tuple[tuple[str, ...], int | None, ModelFamily], ...] = (
    (("double_blocks", "img_attn"), 3072, ModelFamily.FLUX1),
    (("double_blocks", "img_attn"), 6144, ModelFamily.FLUX2),
    (("single_transformer_blocks", "attn"), 3072, ModelFamily.FLUX1),
    (("single_transformer_blocks", "attn"), 6144, ModelFamily.FLUX2),
    (("joint_blocks", "x_block"), 2432, ModelFamily.SD35_LARGE),
    (("joint_blocks", "x_block"), 1536, ModelFamily.SD35_MEDIUM),
    (("transformer_blocks", "img_mlp"), None, ModelFamily.QWEN_IMAGE),
    (("blocks", "cross_attn"), 5120, ModelFamily.WAN_14B),
    (("blocks", "cross_attn"), 3072, ModelFamily.WAN_5B),
)
_DOWN = (".lora_down.weight", ".lora_A.weight", ".lora_A.default.weight", ".lora.down.weight")
_UP = (".lora_up.weight", ".lora_B.weight", ".lora_B.default.weight", ".lora.up.weight")


def _is_lora_key(name: str) -> bool:
    return name.endswith((*_DOWN, *_UP)) or ".hada_w" in name or ".lokr_w" in name


def _family_of_tensors(tensors: Mapping[str, TensorInfo]) -> ModelFamily | None:
    for name, tensor in tensors.items():
        if not name.endswith(_DOWN) or len(tensor.shape) < 2:
            continue
        width = tensor.shape[1]
        if "attn2" in name and "to_k" in name and "down_blocks" in name:
            return _UNET_WIDTHS.get(width)
        for parts, wanted, family in _LAYERS:
            if all(part in name for part in parts) and wanted in (None, width):
                return family
    return None


def _rank_of_tensors(tensors: Mapping[str, TensorInfo]) -> int | None:
    ranks = Counter(t.shape[0] for name, t in tensors.items() if name.endswith(_DOWN) and t.shape)
    return ranks.most_common(1)[0][0] if ranks else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _trigger_words(said: Mapping[str, str]) -> tuple[str, ...]:
    phrase = said.get("modelspec.trigger_phrase") or said.get("ss_trigger_words") or ""
    words = [word.strip() for word in phrase.split(",")]
    # kohya's data folders are named "<repeats>_<token> <class>": the token is what the LoRA was taught to answer to.
    for folder in _tag_counts(said):
        repeats, _, rest = folder.partition("_")
        if repeats.isdigit() and rest:
            words.append(rest.strip())
    return tuple(dict.fromkeys(word for word in words if word))[:16]


def _frequent_tags(said: Mapping[str, str]) -> tuple[str, ...]:
    total: Counter[str] = Counter()
    for counts in _tag_counts(said).values():
        total.update(counts)
    return tuple(tag for tag, _ in total.most_common(24))


def _tag_counts(said: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return kohya's ``ss_tag_frequency``: data folder → caption word → how often."""
    try:
        raw: object = json.loads(said.get("ss_tag_frequency", "{}"))
    except (ValueError, RecursionError):
        return {}
    folders = cast("dict[str, object]", raw) if isinstance(raw, dict) else {}
    return {
        folder: {
            tag.strip(): count
            for tag, count in cast("dict[str, object]", counts).items()
            if type(count) is int and tag.strip()
        }
        for folder, counts in folders.items()
        if isinstance(counts, dict)
    }


def _preview(uri: str) -> Preview | None:
    head, _, body = uri.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64") or len(body) > MAX_PREVIEW_BYTES * 4 // 3:
        return None
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
    # The bytes decide, not what the file claims: this goes to a picture decoder.
    return next(
        (Preview(mime, data) for start, mime in _IMAGE_STARTS.items() if re.match(start, data, re.DOTALL)), None
    )
