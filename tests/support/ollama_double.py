"""A double of an Ollama server, built from the shapes in ``ollama_shapes.json`` (read from source, never recorded)."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tests.support.openai_double import Heard, HttpDouble, Reply, json_reply

_SHAPES = Path(__file__).with_name("ollama_shapes.json")

NDJSON = {"content-type": "application/x-ndjson"}


def shape(name: str) -> dict[str, Any]:
    """Return one exchange."""
    return next(entry for entry in json.loads(_SHAPES.read_text("utf-8"))["entries"] if entry["name"] == name)


def lines(*objects: object) -> Reply:
    """Return a stream of lines; a string goes out as it is."""
    texts = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in objects]
    return Reply(200, tuple(f"{text}\n".encode() for text in texts), NDJSON)


def shaped(name: str) -> Reply:
    """Return an exchange's answer."""
    entry = shape(name)
    if "lines" in entry:
        return lines(*entry["lines"])
    return json_reply(entry["body"], entry["status"]) if "body" in entry else Reply(entry["status"])


class OllamaDouble(HttpDouble):
    """Lists models, loads and unloads them, chats, pulls, takes blobs.

    Attributes:
        models: Entries of ``/api/tags``.
        loaded: Name → entry of ``/api/ps``.
        unload_after: So many looks at ``/api/ps`` still show a model that was told to go.
        blobs: Digests that the store holds.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.models = [tag(name) for name in names or ("llama3.2:latest",)]
        self.loaded: dict[str, dict[str, Any]] = {}
        self.unload_after = 0
        self.blobs: set[str] = set()
        self._leaving: dict[str, int] = {}

    def answer(self, request: Heard) -> Reply:
        match request.method, request.path:
            case "GET", "/api/version":
                return json_reply({"version": "0.12.6"})
            case "GET", "/api/tags":
                return json_reply({"models": self.models})
            case "GET", "/api/ps":
                return json_reply({"models": self._shown()})
            case "POST", "/api/show":
                return self._show(request)
            case "POST", "/api/chat":
                return self._generate(request, shaped("chat stream"))
            case "POST", "/api/generate":
                return self._generate(request, shaped("generate stream"))
            case "POST", "/api/pull":
                return shaped("pull")
            case "DELETE", "/api/delete":
                return shaped("delete" if self._knows(request) else "delete not found")
            case "POST", "/api/create":
                return shaped("create from GGUF")
            case method, path if path.startswith("/api/blobs/"):
                return self._blob(method, path.removeprefix("/api/blobs/"), request)
            case _:
                return super().answer(request)

    def load(self, name: str, **facts: Any) -> None:
        """Have a model in memory."""
        self.loaded[name] = {**shape("ps")["body"]["models"][0], "name": name, "model": name, **facts}

    def _knows(self, request: Heard) -> bool:
        return any(model["name"] == request.json.get("model") for model in self.models)

    def _show(self, request: Heard) -> Reply:
        return shaped("show" if self._knows(request) else "show not found")

    def _generate(self, request: Heard, stream: Reply) -> Reply:
        if not self._knows(request):
            return shaped("model not found (generate, chat)")
        name = request.json["model"]
        has_words = request.json.get("messages") or request.json.get("prompt")
        if not has_words and request.json["keep_alive"] != 0:
            self.load(name)
            return shaped("load only")
        if not has_words:
            self._leaving[name] = self.unload_after
            return shaped("unload")
        self.load(name, context_length=request.json["options"]["num_ctx"])
        return stream

    def _shown(self) -> list[dict[str, Any]]:
        for name, looks in list(self._leaving.items()):
            if looks == 0:
                self.loaded.pop(name, None)
                del self._leaving[name]
            else:
                self._leaving[name] = looks - 1
        return list(self.loaded.values())

    def _blob(self, method: str, digest: str, request: Heard) -> Reply:
        if method == "HEAD":
            return Reply(200 if digest in self.blobs else 404)
        if f"sha256:{hashlib.sha256(request.body).hexdigest()}" != digest:
            return json_reply({"error": f"digest mismatch, expected {digest!r}"}, 400)
        self.blobs.add(digest)
        return Reply(201)


def tag(name: str, **facts: Any) -> dict[str, Any]:
    """Return an entry of ``/api/tags``; its digest stands for its name."""
    entry = shape("tags")["body"]["models"][0]
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {**entry, "name": name, "model": name, "digest": digest, **facts}


def make_store(store: Path, name: str = "qwen3:8b", sizes: tuple[int, ...] = (40, 200_000, 300)) -> list[Path]:
    """Write a store with one model and return its blobs, the config first."""
    blobs: list[Path] = []
    entries: list[dict[str, object]] = []
    (store / "blobs").mkdir(parents=True)
    for size in sizes:
        data = os.urandom(size)
        digest = hashlib.sha256(data).hexdigest()
        blobs.append(store / "blobs" / f"sha256-{digest}")
        blobs[-1].write_bytes(data)
        entries.append({"mediaType": "application/x", "digest": f"sha256:{digest}", "size": size})
    model, _, tag = name.partition(":")
    path = store / "manifests" / "registry.ollama.ai" / "library" / model / tag
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schemaVersion": 2, "config": entries[0], "layers": entries[1:]}))
    return blobs
