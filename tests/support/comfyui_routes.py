"""The HTTP answers of the double, as the real servers give them."""

from __future__ import annotations

import email.parser
import email.policy
import json
import mimetypes
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, cast

from tests.support.comfyui_worker import QueuedJob, outputs_of
from tests.support.object_info import object_info

if TYPE_CHECKING:
    from tests.support.comfyui_double import ComfyUiDouble

_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
_TROUBLE = "500 Internal Server Error\n\nServer got itself in trouble"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MIMES = {"flac": "audio/flac", "opus": "audio/ogg", "wav": "audio/x-wav", "latent": "application/octet-stream"}


@dataclass
class Request:
    """One request; ``raw`` is its head as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    raw: bytes


@dataclass
class Answer:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @staticmethod
    def json(value: Any, status: int = 200) -> Answer:
        return Answer(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    @staticmethod
    def text(status: int, text: str) -> Answer:
        return Answer(status, text.encode(), "text/plain; charset=utf-8")

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Internal Server Error')}"]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}", "Server: Python/3.11 aiohttp/3.14.5", "", ""]
        return "\r\n".join(lines).encode("latin-1")


_MODEL_FILES = {
    "checkpoints": ["tiny-sd15-random.safetensors"],
    "loras": ["mismatched-lora.safetensors", "tiny-sd15-lora.safetensors"],
}
#: As recorded; a file without metadata is a 404.
_LORA_METADATA = {
    "ss_network_alpha": "2.0",
    "ss_network_module": "networks.lora",
    "modelspec.architecture": "stable-diffusion-v1/lora",
    "ss_tag_frequency": '{"10_testtoken": {"testtoken": 10}}',
    "modelspec.trigger_phrase": "testtoken",
    "ss_output_name": "tiny-sd15-lora",
    "modelspec.title": "tiny-sd15-lora",
    "ss_base_model_version": "sd_v1",
    "ss_network_dim": "2",
}


def route(double: ComfyUiDouble, request: Request) -> Answer:
    """Return the answer to a request; what the real server trips over is its 500."""
    name = f"{'GET' if request.method == 'HEAD' else request.method} {request.path}"
    try:
        if name.startswith("GET /history/"):
            return _history(double, request.path.removeprefix("/history/"))
        if name.startswith("GET /object_info"):
            return Answer.json(_object_info(double, request.path.removeprefix("/object_info").strip("/")))
        if name.startswith("GET /models/"):
            return _models(double, request.path.removeprefix("/models/"))
        if name == "GET /view_metadata/loras":
            is_known = request.query["filename"] == "tiny-sd15-lora.safetensors"
            return Answer.json(_LORA_METADATA) if is_known else Answer(404)
        if cancel := re.fullmatch(r"POST /api/jobs/(.+)/cancel", name):
            return _cancel(double, cancel[1])
        handler = _ROUTES.get(name)
        return Answer(404) if handler is None else handler(double, request)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer.text(500, _TROUBLE)


def _prompt(double: ComfyUiDouble, request: Request) -> Answer:
    parsed = json.loads(request.body)
    number = double.worker.next_number()
    if not isinstance(parsed, dict) or "prompt" not in parsed:
        return _error("no_prompt", "No prompt provided", "No prompt provided")
    body = cast("dict[str, Any]", parsed)
    double.posted.append(body)
    graph: dict[str, Any] = body["prompt"]
    prompt_id: str = str(uuid.uuid4()) if double.faults.chooses_ids else body.get("prompt_id") or str(uuid.uuid4())
    if double.generation == "new" and not _UUID.fullmatch(prompt_id):
        return _error(
            "invalid_prompt_id",
            "prompt_id must be a valid UUID",
            "prompt_id must be a UUID string in canonical lowercase hyphenated form; "
            "omit it to let the server generate one",
        )
    status, refusal = double.refusals.get(json.dumps(graph, sort_keys=True), (200, {"node_errors": {}}))
    if status == 400:
        return Answer.json(refusal, 400)
    bad = {output for error in refusal["node_errors"].values() for output in error["dependent_outputs"]}
    outputs = [node_id for node_id in outputs_of(graph) if node_id not in bad]
    if not outputs:
        return _error("prompt_no_outputs", "Prompt has no outputs", "")
    if double.worker.is_reversed:
        outputs.reverse()
    extra: dict[str, Any] = dict(body.get("extra_data", {}))
    if "client_id" in body:
        extra["client_id"] = body["client_id"]
    if double.generation == "new":
        extra["create_time"] = int(time.time() * 1000)
    rank: int | float = body.get("number", -number if body.get("front") else number)
    double.worker.put(
        QueuedJob(float(rank) if isinstance(rank, float) else int(rank), prompt_id, graph, extra, outputs)
    )
    return Answer.json({"prompt_id": prompt_id, "number": rank, "node_errors": refusal["node_errors"]})


def _error(kind: str, message: str, details: str) -> Answer:
    error: dict[str, Any] = {"type": kind, "message": message, "details": details, "extra_info": {}}
    return Answer.json({"error": error, "node_errors": {}}, 400)


def _queue(double: ComfyUiDouble, request: Request) -> Answer:
    worker = double.worker
    running = [] if worker.running is None else [worker.running.listed()]
    return Answer.json({"queue_running": running, "queue_pending": [job.listed() for job in worker.pending]})


def _change_queue(double: ComfyUiDouble, request: Request) -> Answer:
    body = json.loads(request.body)
    wanted = [job.prompt_id for job in double.worker.pending] if body.get("clear") else body.get("delete", [])
    double.worker.delete(wanted)
    return Answer(200)


def _interrupt(double: ComfyUiDouble, request: Request) -> Answer:
    try:
        wanted = json.loads(request.body).get("prompt_id")
    except ValueError:
        wanted = None
    running = double.worker.running
    if double.faults.interrupts_anything or wanted is None or (running is not None and running.prompt_id == wanted):
        double.worker.interrupt()
    return Answer(200)


def _cancel(double: ComfyUiDouble, prompt_id: str) -> Answer:
    if double.generation == "old":
        return Answer.text(405, "405: Method Not Allowed")
    worker = double.worker
    is_running = worker.running is not None and worker.running.prompt_id == prompt_id
    is_waiting = any(job.prompt_id == prompt_id for job in worker.pending)
    if is_running:
        worker.interrupt()
    worker.delete([prompt_id])
    return Answer.json({"cancelled": is_running or is_waiting})


def _history(double: ComfyUiDouble, prompt_id: str) -> Answer:
    entry = double.worker.history.get(prompt_id)
    return Answer.json({} if entry is None else {prompt_id: entry})


def _view(double: ComfyUiDouble, request: Request) -> Answer:
    name, kind = request.query.get("filename"), request.query.get("type", "output")
    subfolder = request.query.get("subfolder", "")
    if name is None:
        return Answer(404)
    if not name or ".." in name or name.startswith("/") or kind not in ("output", "temp", "input"):
        return Answer(400)
    if ".." in subfolder or subfolder.startswith("/"):
        return Answer(403)
    data = double.worker.disk.files.get((kind, subfolder, name))
    if data is None:
        return Answer(404)
    mime = _MIMES.get(name.rpartition(".")[2]) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Answer(200, data, mime, {"Content-Disposition": f'filename="{name}"'})


def _upload(double: ComfyUiDouble, request: Request) -> Answer:
    if len(request.body) > double.max_upload_bytes:
        return Answer.text(413, f"Maximum request body size {double.max_upload_bytes} exceeded.")
    fields, filename, data = _form(request)
    if data is None:
        return Answer(400)
    if request.path == "/upload/mask":
        original = json.loads(fields["original_ref"])
        key = original.get("type", "output"), original.get("subfolder", ""), original["filename"]
        kept = key in double.worker.disk.files
    else:
        kept = True
    kind, subfolder = fields.get("type", "input"), fields.get("subfolder", "")
    files = double.worker.disk.files
    stem, dot, ending = filename.rpartition(".")
    count = 1
    while fields.get("overwrite") not in ("true", "1") and files.get((kind, subfolder, filename), data) != data:
        filename = f"{stem} ({count}){dot}{ending}"
        count += 1
    if kept:
        files[kind, subfolder, filename] = data
    return Answer.json({"name": filename, "subfolder": subfolder, "type": kind})


def _form(request: Request) -> tuple[dict[str, str], str, bytes | None]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    fields: dict[str, str] = {}
    filename, data = "", None
    for part in cast("list[EmailMessage]", message.get_payload()):
        name = str(part.get_param("name", header="content-disposition"))
        content = cast("bytes", part.get_payload(decode=True))
        if name == "image":
            filename, data = part.get_filename() or "", content
        else:
            fields[name] = content.decode()
    return fields, filename, data


def _stats(double: ComfyUiDouble, request: Request) -> Answer:
    version = "0.33.0" if double.generation == "new" else "0.3.64"
    device = {"name": "cpu", "type": "cpu", "index": None, "vram_total": 1 << 34, "vram_free": 1 << 33}
    return Answer.json(
        {"system": {"os": "linux", "comfyui_version": version, "argv": ["main.py"]}, "devices": [device]}
    )


def _models(double: ComfyUiDouble, folder: str) -> Answer:
    """The same files that the loaders' nodes list: both follow the disk."""
    if folder not in _MODEL_FILES:
        return Answer(404)
    more = double.more_checkpoints if folder == "checkpoints" else []
    return Answer.json([*_MODEL_FILES[folder], *more])


def _object_info(double: ComfyUiDouble, class_type: str) -> dict[str, Any]:
    """The recorded description of the nodes, trimmed to those that our graphs use."""
    info = object_info(double.generation)
    info["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0] += double.more_checkpoints
    info["OutOfMemory"] = {**info["VAEDecode"], "input": {"required": {"samples": ["LATENT"]}}, "name": "OutOfMemory"}
    return {name: info[name] for name in info if class_type in ("", name)}


def _remaining(double: ComfyUiDouble, request: Request) -> Answer:
    return Answer.json({"exec_info": {"queue_remaining": double.worker.remaining}})


def _whole_history(double: ComfyUiDouble, request: Request) -> Answer:
    return Answer.json(double.worker.history)


def _features(double: ComfyUiDouble, request: Request) -> Answer:
    return Answer.json(double.features)


def _free(double: ComfyUiDouble, request: Request) -> Answer:
    if json.loads(request.body).get("free_memory"):
        double.worker.forget_cache()
    return Answer(200)


_ROUTES: dict[str, Callable[[ComfyUiDouble, Request], Answer]] = {
    "POST /prompt": _prompt,
    "GET /prompt": _remaining,
    "GET /queue": _queue,
    "POST /queue": _change_queue,
    "POST /interrupt": _interrupt,
    "GET /history": _whole_history,
    "GET /view": _view,
    "POST /upload/image": _upload,
    "POST /upload/mask": _upload,
    "GET /system_stats": _stats,
    "GET /features": _features,
    "POST /free": _free,
}
