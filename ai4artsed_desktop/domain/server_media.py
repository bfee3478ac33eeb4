"""Pictures, films and sounds that a request would fetch from elsewhere: files on a server, addresses, a camera. Pure.

What a person gives to a run is uploaded under a name of its own. Every other medium that a graph loads is one that
nobody here has seen: it may be baked into an imported graph, or come by a parameter that does not look like a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from ai4artsed_desktop.domain.graph_links import Graph, class_of, inputs_of
from ai4artsed_desktop.domain.text import strings_in

#: Endings of what shows or sounds; ``.latent`` is a picture too, and so is a rendered 3D model.
_ENDINGS = (
    "apng|avif|bmp|exr|gif|hdr|heic|heif|ico|jfif|jpe?g|jxl|pdf|png|psd|svg|tga|tiff?|webp"
    "|avi|flv|m2ts|m4v|mkv|mov|mp4|mpe?g|mts|ogv|ts|webm|wmv"
    "|aac|aif[cf]?|flac|m4a|mka|mp3|oga|ogg|opus|wav|wma"
    "|latent|fbx|glb|gltf|obj|ply|spz|splat|stl|usdz"
)
#: A whole text that names a file: with folders, and with ComfyUI's mark of the folder ("a/b.png [output]").
_FILE = re.compile(rf"[^\n]{{0,400}}\.(?:{_ENDINGS})\s*(?:\[\w+\])?\s*", re.IGNORECASE)
#: A whole text that is an address or holds the medium itself. Base64 of every usual kind of picture begins so.
_ADDRESS = re.compile(
    r"\s*(?:(?:https?|ftp|file|s3|blob)://\S+|data:\S+|(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR|Qk0)[\w+/=\s]{40,})\s*",
    re.IGNORECASE,
)
#: Classes of nodes that bring something in, of which kind, and what is no medium although it is called after one.
_BRINGS = re.compile(
    r"load|fetch|import|base64|clipboard|webcam|capture|record|screen|url|from_?(?:path|folder|dir|file)",
    re.IGNORECASE,
)
_MEDIUM = re.compile(
    r"image|img|mask|picture|photo|video|movie|gif|frame|latent|audio|sound|voice|3d|dataset|webcam|screen|svg",
    re.IGNORECASE,
)
_NO_MEDIUM = re.compile(
    r"model|checkpoint|ckpt|lora|vae|unet|clip(?!board)|control_?net|encoder|adapter|style|gligen|photomaker|tokenizer"
    r"|upscale|embedding|save|preview|camerainfo|cameratrajectory",
    re.IGNORECASE,
)
#: Nodes whose texts are words for a model (not those that read a prompt out of a picture), and inputs that say where a
#: result is written.
_WORDS = re.compile(r"textencode|^(?!.*(?:read|load|fetch|import|url)).*prompt", re.IGNORECASE)
_RESULT_NAMES = frozenset({"filename_prefix"})


def media_in_graph(graph: Graph, own: Set[str], but: Set[tuple[str, str]] = frozenset()) -> Iterator[str]:
    """Yield what a graph would load that is not one of the run's ``own`` files, by name.

    Args:
        graph: ComfyUI's API format.
        but: Inputs (node id, name) that are not judged now; a loader with one of them neither.
    """
    for node_id, node in graph.items():
        kind, inputs = class_of(node), inputs_of(node)
        if _WORDS.search(kind):
            continue
        is_left_out = any((node_id, name) in but for name in inputs)
        judged = {name: value for name, value in inputs.items() if (node_id, name) not in but}
        texts = [text for name, value in judged.items() if name not in _RESULT_NAMES for text in strings_in(value)]
        named = [text for text in texts if text not in own and _is_medium(text)]
        yield from named
        # Its file may come by a link, a folder or a widget that nobody knows: only a file of ours is a good sign.
        if not named and not is_left_out and brings_media(kind) and own.isdisjoint(texts):
            yield kind


def media_in_body(body: object, own: Set[str] = frozenset()) -> Iterator[str]:
    """Yield the files and addresses that the body of a request names, which a service would fetch."""
    for text in strings_in(body):
        if text not in own and _is_medium(text):
            yield text[:200]


def brings_media(class_type: str) -> bool:
    """Tell by its name whether a node brings a picture, film or sound into a graph."""
    is_of_media = _BRINGS.search(class_type) and _MEDIUM.search(class_type)
    return bool(is_of_media) and _NO_MEDIUM.search(class_type) is None


def _is_medium(text: str) -> bool:
    return bool(_ADDRESS.fullmatch(text) or _FILE.fullmatch(text))
