"""A server that is a real program: it takes ComfyUI's, SwarmUI's and Ollama's arguments and misbehaves on request.

Standard library only, because it is copied into made-up installations and run by itself. What it does stands in
``behaviour.json`` beside it; read anew at every start, so that a test can change it between two.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TextIO

HERE = Path(__file__).resolve().parent
STUBBORN = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
time.sleep(600)
"""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    behaviour: dict[str, Any]
    sessions: set[str]
    started_s: float


class Handler(BaseHTTPRequestHandler):
    """Answers as the three servers do, each under its own paths."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride] - it is made by this very server

    def do_GET(self) -> None:
        self._pause()
        if self.path == "/system_stats":
            argv = ["main.py", *sys.argv[1:]]
            self._say(200, {"system": {"comfyui_version": "9.9.9", "argv": argv}, "devices": [{"name": "cpu"}]})
        elif self.path == "/ComfyBackendDirect/system_stats" and not self.server.behaviour.get("comfyui_silent"):
            argv = ["main.py", "--port", "7821"]
            self._say(200, {"system": {"comfyui_version": "8.8.8", "argv": argv}, "devices": []})
        elif self.path == "/api/version":
            self._say(200, {"version": "0.30.1"})
        else:
            self._say(404, {})

    def do_POST(self) -> None:
        self._pause()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        route = self.path.removeprefix("/API/")
        if route == "GetNewSession":
            session = f"session-{len(self.server.sessions)}"
            self.server.sessions.add(session)
            self._say(200, {"session_id": session})
        elif body.get("session_id") not in self.server.sessions:
            self._say(401, {"error": "Invalid session ID.", "error_id": "invalid_session_id"})
        elif route == "GetCurrentStatus":
            age_s = time.monotonic() - self.server.started_s
            is_loading = age_s < self.server.behaviour.get("backend_loads_s", 0)
            state = "loading" if is_loading else self.server.behaviour.get("backend_status", "running")
            if self.server.behaviour.pop("forget_sessions", False):
                self.server.sessions.clear()
            self._say(
                200, {"status": {}, "backend_status": {"status": state, "message": "", "any_loading": is_loading}}
            )
        elif route == "ShutdownServer":
            self._say(200, {"success": True})
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            self._say(400, {"error_id": "bad_route", "error": "Unknown API route"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        del format, args

    def _pause(self) -> None:
        time.sleep(self.server.behaviour.get("answer_s", 0))

    def _say(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> int:
    """Do what ``behaviour.json`` says."""
    path = HERE / "behaviour.json"
    behaviour: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    with (HERE / "starts.txt").open("a") as starts:
        starts.write(f"{os.getpid()} {' '.join(sys.argv[1:])}\n")
    if behaviour.get("ignores_term"):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
    if behaviour.get("grandchild"):
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", STUBBORN])  # noqa: TID251 - not ours
        (HERE / "grandchild.txt").write_text(str(child.pid))
    _write(behaviour.get("writes", []))
    if "exits" in behaviour:
        _say(sys.stderr, "the reason is this")
        return int(behaviour["exits"])
    time.sleep(behaviour.get("starts_s", 0))
    try:
        server = Server(("127.0.0.1", _port()), Handler)
    except OSError as exc:
        _say(sys.stderr, f"Port {_port()} is already in use: {exc}")
        return 1
    server.behaviour, server.sessions, server.started_s = behaviour, set(), time.monotonic()
    _say(sys.stdout, f"Starting webserver on http://localhost:{server.server_address[1]}")
    if "crashes_after_s" in behaviour:
        threading.Timer(behaviour["crashes_after_s"], os._exit, (11,)).start()
    try:
        server.serve_forever(poll_interval=0.05)
    except KeyboardInterrupt:
        _say(sys.stderr, "Stopped server")
    return 0


def _port() -> int:
    if "--port" in sys.argv:
        return int(sys.argv[sys.argv.index("--port") + 1])
    return int(os.environ["OLLAMA_HOST"].rpartition(":")[2])


def _say(where: TextIO, text: str) -> None:
    where.write(text + "\n")
    where.flush()


def _write(what: list[str]) -> None:
    """Write what is hard to read."""
    out = sys.stderr.buffer
    for kind in what:
        if kind == "long":
            out.write(b"x" * 1_000_000 + b"\n")
        elif kind == "bars":
            out.write(b"".join(b"\r %d%%|###|" % percent for percent in range(0, 100, 5)) + b"\r100%|###|\n")
        elif kind == "bytes":
            out.write(b"broken \xff\xfe\xc3( text\n")
        elif kind == "flood":
            out.write(b"".join(b"line %d\n" % number for number in range(20_000)))
        else:
            out.write(kind.encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    sys.exit(main())
