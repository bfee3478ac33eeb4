"""One language model in a process of its own: ``python -m ai4artsed_desktop.adapters.llm_child '<json>'``.

llama.cpp's own HTTP server (through xllamacpp) on 127.0.0.1 with a random port. What kills it (a damaged file, a pulled
stick, missing processor instructions, too little memory) kills this process and not the window.

The job is a JSON object: ``model`` (path), ``alias``, ``context_tokens``, ``threads``, ``may_vanish`` (the file lies on
removable media: do not map it). The first line of stdin is the key that requests must carry: not an argument, because
those are seen by every user of the machine. The job ``"devices"`` loads nothing and tells how many graphics cards this
build of llama.cpp can use: ``{"cards": n}``. One JSON line on stdout: ``{"ready": url, "load_s": seconds}`` or
``{"failed": reason}``. The process ends with TERM, or when stdin ends (its parent has died).

xllamacpp's defaults are for public servers (8 GB of prompt cache, a web page, any origin); ours are for one person.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import psutil


def main() -> NoReturn:
    """Load the model, serve until the parent is gone."""
    job: dict[str, Any] | str = json.loads(sys.argv[-1])
    if job == "devices":
        _tell_cards()
    assert isinstance(job, dict)
    key = _read_line()
    # Interpreter shutdown while a thread reads stdin aborts; os._exit is the only clean end, here and below.
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    start_s = time.monotonic()
    try:
        server = _serve(job, key)
    except ImportError as exc:
        _say(failed=f"xllamacpp cannot be loaded: {exc}")
        os._exit(1)
    except (RuntimeError, ValueError, OSError, MemoryError) as exc:
        _say(failed=str(exc))
        os._exit(1)
    _say(ready=server.listening_address, load_s=round(time.monotonic() - start_s, 3))
    threading.Event().wait()
    os._exit(0)


def _tell_cards() -> NoReturn:
    try:
        _say(cards=_count_cards(importlib.import_module("xllamacpp")))
    except (ImportError, RuntimeError, OSError) as exc:
        _say(failed=str(exc))
    os._exit(0)  # a driver's library may have started threads


def _serve(job: dict[str, Any], key: str) -> Any:
    xllamacpp = importlib.import_module("xllamacpp")  # late: what it dies of must not stop the error's way out
    _check_memory(xllamacpp, job["model"])
    params = xllamacpp.CommonParams()
    params.model.path = job["model"]
    params.model_alias = {job["alias"]}
    params.n_ctx = job["context_tokens"]
    params.n_parallel = 1
    params.cpuparams.n_threads = job["threads"]
    params.cpuparams_batch.n_threads = job["threads"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.ui = False
    params.cors_origins = ""
    params.cors_credentials = False
    params.endpoint_props = False
    params.cache_ram_mib = 0  # requests never reuse a cached prompt: the same request gives the same text
    params.verbosity = 1
    if job["may_vanish"]:
        params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    # n_gpu_layers stays -1: all that fit, in builds that know a GPU.
    return xllamacpp.Server(params)


def _check_memory(xllamacpp: Any, path: str) -> None:
    """Raise MemoryError if the weights do not fit: a machine that swaps its model in and out stands still for minutes.

    Graphics memory is llama.cpp's own affair: it loads as many layers there as fit.
    """
    if _count_cards(xllamacpp):
        return
    needed, free = Path(path).stat().st_size, psutil.virtual_memory().available
    if needed > free:
        raise MemoryError(f"the weights need {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free")


def _count_cards(xllamacpp: Any) -> int:
    kinds = xllamacpp.ggml_backend_dev_type
    graphics = {kinds.GGML_BACKEND_DEVICE_TYPE_GPU, kinds.GGML_BACKEND_DEVICE_TYPE_IGPU}
    return sum(device["type"] in graphics for device in xllamacpp.get_device_info())


def _read_line() -> str:
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := os.read(0, 1)):
            os._exit(0)
        line += byte
    return line.decode().strip()


def _exit_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def _say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
