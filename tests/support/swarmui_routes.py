"""The double's answers below ``/API``."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from tests.support.comfyui_routes import Answer, Request
from tests.support.swarmui_work import status_of

if TYPE_CHECKING:
    from tests.support.swarmui_double import SwarmUiDouble

_WITHOUT_SESSION = {"getnewsession"}


def failed(error: str | None, error_id: str | None, status: int) -> Answer:
    """An answer that says what went wrong."""
    body = {"error": error, "error_id": error_id}
    return Answer.json({name: said for name, said in body.items() if said is not None}, status)


def unknown_session() -> Answer:
    return failed("Invalid session ID. You may need to refresh the page.", "invalid_session_id", 401)


async def route(double: SwarmUiDouble, request: Request) -> Answer:
    """Return the answer to a request that no fault took."""
    if request.method == "GET" and not request.path.startswith("/API/"):
        return _picture(double, unquote(request.path).removeprefix("/"))
    if request.method == "GET":
        return Answer(302, headers={"Location": "/Error/NoGetAPI"})
    if problem := _problem_of(request):
        return failed(problem, "basic_api", 400)
    name = request.path.removeprefix("/API/").lower()
    body = cast("dict[str, Any]", json.loads(request.body))
    if name not in _WITHOUT_SESSION:
        if "session_id" not in body:
            return failed("missing session id", "basic_api", 400)
        if double.faults.unknown_sessions > 0:
            double.faults.unknown_sessions -= 1
            double.sessions.discard(body["session_id"])
        if body["session_id"] not in double.sessions:
            return unknown_session()
    if name.endswith("ws"):
        return failed("API route needs websocket, request is HTTP", "bad_request_method", 400)
    if name == "generatetext2image":
        return Answer.json(await double.work.whole(double, body))
    handler = _ROUTES.get(name)
    return failed("Unknown API route", "bad_route", 400) if handler is None else handler(double, body)


def _problem_of(request: Request) -> str | None:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return "Wrong content type"
    return None if int(request.headers.get("content-length", "0")) > 0 else "bad content length"


def _picture(double: SwarmUiDouble, path: str) -> Answer:
    data = double.work.files.get(path)
    if data is None:
        return failed("404, file not found.", "file_not_found", 404)
    if double.faults.half_pictures > 0:
        double.faults.half_pictures -= 1
        data = data[: len(data) // 2]
    return Answer(200, data, "image/png")


def _new_session(double: SwarmUiDouble, body: dict[str, Any]) -> Answer:
    session = uuid.uuid4().hex.upper() + "58AA69CE"
    double.sessions.add(session)
    facts = {"user_id": "local", "output_append_user": True, "version": "0.9.8.2.GIT-062407c7"}
    return Answer.json({"session_id": session, **facts, "server_id": double.server_id, "permissions": ["fundamental"]})


def _status(double: SwarmUiDouble, body: dict[str, Any]) -> Answer:
    return Answer.json(status_of(double, body["session_id"]))


def _backends(double: SwarmUiDouble, body: dict[str, Any]) -> Answer:
    return Answer.json(
        {
            server_id: {
                "type": "comfyui_selfstart",
                "status": state,
                "id": int(server_id),
                "settings": {"StartScript": "dlbackend/comfy/ComfyUI/main.py"},
                "modcount": 0,
                "features": ["comfyui"],
                "enabled": state != "disabled",
                "title": "",
            }
            for server_id, state in double.states.items()
        }
    )


def _models(double: SwarmUiDouble, body: dict[str, Any]) -> Answer:
    if "path" not in body or "depth" not in body:
        return Answer.json({"error": "Missing required parameter 'path'"})
    kinds = {"Stable-Diffusion": ["SDXL/base.safetensors", "tiny-sd15-random.safetensors"], "LoRA": ["a.safetensors"]}
    names = kinds.get(body.get("subtype", "Stable-Diffusion"))
    if names is None:
        return Answer.json({"error": "Invalid sub-type."})
    return Answer.json({"folders": ["SDXL"], "files": [{"name": name, "title": name} for name in names]})


def _interrupt(double: SwarmUiDouble, body: dict[str, Any]) -> Answer:
    if double.faults.lost_interrupts > 0:
        double.faults.lost_interrupts -= 1
    else:
        double.work.interrupt(body["session_id"])
    return Answer.json({"success": True})


def _free(double: SwarmUiDouble, body: dict[str, Any]) -> Answer:
    count = sum(state == "running" for state in double.states.values())
    double.freed.append(body)
    return Answer.json({"result": count > 0, "count": count})


def _refresh(double: SwarmUiDouble, body: dict[str, Any]) -> Answer:
    return Answer.json({"list": [], "groups": [], "models": {"LoRA": [["a.safetensors", None]]}})


_ROUTES = {
    "getnewsession": _new_session,
    "getcurrentstatus": _status,
    "listbackends": _backends,
    "listmodels": _models,
    "interruptall": _interrupt,
    "freebackendmemory": _free,
    "triggerrefresh": _refresh,
}
