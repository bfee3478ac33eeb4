"""What the double's nodes do: their order, steps, results and failures, as seen on the real servers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from PIL import Image

from tests.support.comfyui_records import recorded

Graph = dict[str, Any]
FileKey = tuple[str, str, str]

_PROBE_OUTPUTS = {"ProbeSleep", "ProbeSteps", "ProbeRaise", "ProbeUI"}
_SAVERS = {
    "SaveImage": ("images", "_.png"),
    "PreviewImage": ("images", "_.png"),
    "SaveVideo": ("images", "_.mp4"),
    "SaveWEBM": ("images", "_.webm"),
    "SaveAudio": ("audio", ".flac"),
    "SaveAudioMP3": ("audio", ".mp3"),
    "SaveAudioOpus": ("audio", ".opus"),
    "PreviewAudio": ("audio", ".flac"),
    "SaveLatent": ("latents", "_.latent"),
}
_HEADS = {"flac": b"fLaC", "mp3": b"ID3", "opus": b"OggS", "mp4": b"\0\0\0\x18ftypmp42", "webm": b"\x1aE\xdf\xa3"}


def links(graph: Graph, node_id: str) -> list[str]:
    """Return the ids of the nodes that a node's inputs come from, in the order of the inputs."""
    values: list[Any] = [value for value in graph[node_id]["inputs"].values() if isinstance(value, list)]
    return [str(value[0]) for value in values if len(value) == 2]


def is_output(class_type: str) -> bool:
    return class_type.startswith(("Save", "Preview")) or class_type in _PROBE_OUTPUTS


def run_order(graph: Graph, outputs: list[str], cached: set[str]) -> list[str]:
    """Return the order in which nodes run: of those that can, the one met first on a walk back from each output, the
    newest link first; an output goes before the others."""
    met: list[str] = []
    for output in outputs:
        waiting = [output]
        while waiting:
            node_id = waiting.pop()
            if node_id not in met and node_id not in cached:
                met.append(node_id)
                waiting += links(graph, node_id)
    order: list[str] = []
    while len(order) < len(met):
        ready = [n for n in met if n not in order and all(s in order or s in cached for s in links(graph, n))]
        order.append(next((n for n in ready if is_output(graph[n]["class_type"])), ready[0]))
    return order


def signature(graph: Graph, node_id: str) -> str:
    """Return what makes a node's result the same as an earlier one: its class, values and all that it depends on."""
    node = graph[node_id]
    sources = [signature(graph, source) for source in links(graph, node_id) if source in graph]
    plain = {name: value for name, value in node["inputs"].items() if not isinstance(value, list)}
    return json.dumps([node["class_type"], plain, sources], sort_keys=True)


#: What ComfyUI reports when PyTorch has no memory left (not recorded: no graphics card was there).
_OUT_OF_MEMORY: dict[str, Any] = {
    "exception_message": "Allocation on device 0 would exceed allowed memory. (out of memory)\n",
    "exception_type": "torch.OutOfMemoryError",
    "traceback": [],
    "current_inputs": {},
    "current_outputs": [],
}


class NodeError(Exception):
    """A node's exception as the server reports it."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields["exception_message"])
        self.fields = fields


class Disk:
    """The files of the double's server; counters as the real one keeps them: the highest number there plus one."""

    def __init__(self) -> None:
        self.files: dict[FileKey, bytes] = {}

    def save(self, graph: Graph, node_id: str, trailing_dash: bool) -> dict[str, Any]:
        """Write a saver node's files; return its ``ui``."""
        class_type, inputs = graph[node_id]["class_type"], graph[node_id]["inputs"]
        key, ending = _SAVERS[class_type]
        if key == "audio" and trailing_dash:
            ending = "_" + ending
        kind = "temp" if class_type.startswith("Preview") else "output"
        prefix = inputs.get("filename_prefix", "ComfyUI_temp_shnpn")
        subfolder, _, stem = prefix.rpartition("/")
        many = _batch(graph, node_id) if class_type in ("SaveImage", "PreviewImage") else 1
        items: list[dict[str, str]] = []
        for index in range(many):
            name = f"{stem}_{self._count(kind, subfolder, stem) + 1:05}{ending}"
            self.files[kind, subfolder, name] = content(graph, node_id, name, index)
            items.append({"filename": name, "subfolder": subfolder, "type": kind})
        animated = {"animated": [True]} if class_type in ("SaveVideo", "SaveWEBM") else {}
        return {key: items, **animated}

    def _count(self, kind: str, subfolder: str, stem: str) -> int:
        names = [n for k, s, n in self.files if (k, s) == (kind, subfolder) and n.startswith(f"{stem}_")]
        return max((int(n.removeprefix(f"{stem}_")[:5]) for n in names), default=0)


def content(graph: Graph, node_id: str, name: str, index: int) -> bytes:
    """Return a file's bytes: a real PNG that says its graph, or the right beginning for other kinds."""
    extension = name.rpartition(".")[2]
    if extension == "png":
        return png(graph, node_id, index)
    return _HEADS.get(extension, b"") + f" {name} {signature(graph, node_id)}".encode()


def png(graph: Graph, node_id: str, index: int = 0) -> bytes:
    """Return a picture in the size and colour of the EmptyImage it comes from."""
    above = [graph[n] for n in _above(graph, node_id)]
    sources: list[dict[str, Any]] = [node["inputs"] for node in above if node["class_type"] == "EmptyImage"]
    source: dict[str, Any] = sources[0] if sources else {}
    size = int(source.get("width", 64)), int(source.get("height", 64))
    colour = int(source.get("color", 0))
    picture = Image.new("RGB", size, (colour >> 16 & 255, colour >> 8 & 255, colour + index & 255))
    buffer = io.BytesIO()
    picture.save(buffer, "png")
    return buffer.getvalue()


def _above(graph: Graph, node_id: str) -> Iterator[str]:
    yield node_id
    for source in links(graph, node_id):
        yield from _above(graph, source)


def _batch(graph: Graph, node_id: str) -> int:
    sizes = (graph[n]["inputs"].get("batch_size") for n in _above(graph, node_id))
    return next((int(size) for size in sizes if size is not None), 1)


def ui_of(graph: Graph, node_id: str, disk: Disk, trailing_dash: bool) -> dict[str, Any] | None:
    """Return what a node shows and saves, None if it has nothing of the kind."""
    class_type = graph[node_id]["class_type"]
    if class_type in _SAVERS:
        return disk.save(graph, node_id, trailing_dash)
    if class_type == "ProbeUI":
        return recorded("new", "history-entries")["12"]["outputs"]["1"]
    if class_type == "PreviewAny":
        return {"text": [str(_text_of(graph, links(graph, node_id)[0]))]}
    if class_type == "SaveText":
        name = f"{graph[node_id]['inputs']['filename_prefix']}_00001{'_' if trailing_dash else ''}.txt"
        text = str(_text_of(graph, links(graph, node_id)[0]))
        disk.files["output", "", name] = text.encode()
        return {"text": [text], "files": [{"filename": name, "subfolder": "", "type": "output"}]}
    return None


def _text_of(graph: Graph, node_id: str) -> object:
    inputs = graph[node_id]["inputs"]
    if graph[node_id]["class_type"] == "GetImageSize":
        return graph[links(graph, node_id)[0]]["inputs"]["width"]
    return inputs.get("value", "")


def note_of(graph: Graph, node_id: str) -> str | None:
    """Return the text a node shows while it works (binary event 3)."""
    if graph[node_id]["class_type"] != "GetImageSize":
        return None
    size = graph[links(graph, node_id)[0]]["inputs"]
    return f"width: {size['width']}, height: {size['height']}\n batch size: {size['batch_size']}"


def steps_of(graph: Graph, node_id: str) -> tuple[int, int]:
    """Return how many steps a node reports, and how long one took on the real server, in ms."""
    inputs = graph[node_id]["inputs"]
    match graph[node_id]["class_type"]:
        case "KSampler":
            return int(inputs["steps"]), 1000
        case "ProbeSteps":
            return int(inputs["steps"]), round(float(inputs["seconds"]) * 1000)
        case _:
            return 0, 0


def failure_of(graph: Graph, node_id: str) -> NodeError | None:
    """Return how a node fails, as recorded; None if it works."""
    class_type, inputs = graph[node_id]["class_type"], graph[node_id]["inputs"]
    scenario = {"LoadImage": "09", "ProbeRaise": "10"}.get(class_type)
    if class_type == "OutOfMemory":
        return NodeError(_OUT_OF_MEMORY)
    if scenario is None or (class_type == "LoadImage" and inputs["image"] != "broken.png"):
        return None
    return NodeError(recorded_error(scenario))


def recorded_error(scenario: str) -> dict[str, Any]:
    """Return the exception of a recorded run that failed."""
    messages = recorded("new", "history-entries")[scenario]["status"]["messages"]
    data = next(data for name, data in messages if name == "execution_error")
    return {name: data[name] for name in data if name.startswith(("exception_", "traceback", "current_"))}
