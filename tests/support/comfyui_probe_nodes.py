# pyright: basic, reportMissingImports=false
# ruff: noqa: RUF012, ASYNC240 - nodes are declared as ComfyUI wants them, and its tests may wait
"""Test nodes for a real ComfyUI, copied into its ``custom_nodes``: they hold, pace and empty it for the suite.

Runs inside the server's own Python, never here; ``comfyui_real.py`` talks to its routes.
"""

from __future__ import annotations

import io
import itertools
import math
import struct
import time
import wave
from pathlib import Path
from shutil import rmtree

import comfy.model_management
import comfy.utils
import execution
import folder_paths
import torch
from aiohttp import web
from comfy_execution.graph import ExecutionBlocker
from comfy_execution.utils import get_executing_context
from PIL import Image
from server import PromptServer

_holds = {}
_pace = {"step_s": 0.0}
_numbers = itertools.count(1)
_routes = PromptServer.instance.routes


def _wait_at(node_id, step, *, can_be_interrupted):
    """Wait where a test asks for it; nodes without steps see no interrupt, as all of theirs do."""
    time.sleep(_pace["step_s"])
    for hold in list(_holds.values()):
        if (hold["node_id"], hold["step"]) == (node_id, step):
            hold["reached"] = True
            while not hold["released"]:
                if can_be_interrupted:
                    comfy.model_management.throw_exception_if_processing_interrupted()
                time.sleep(0.005)


_get_output_data = execution.get_output_data
_update_absolute = comfy.utils.ProgressBar.update_absolute


async def _held_output_data(prompt_id, node_id, node, inputs, execution_block_cb=None, pre_execute_cb=None, **more):
    def before(index):
        if pre_execute_cb is not None:
            pre_execute_cb(index)
        _wait_at(str(node_id), 0, can_be_interrupted=False)

    return await _get_output_data(prompt_id, node_id, node, inputs, execution_block_cb, before, **more)


def _held_update(self, value, total=None, preview=None):
    _update_absolute(self, value, total, preview)
    if (context := get_executing_context()) is not None:
        _wait_at(str(context.node_id), int(value), can_be_interrupted=True)


execution.get_output_data = _held_output_data
comfy.utils.ProgressBar.update_absolute = _held_update


@_routes.post("/probe/hold")
async def _hold(request):
    number = str(next(_numbers))
    _holds[number] = {**await request.json(), "reached": False, "released": False}
    return web.json_response({"id": number})


@_routes.get("/probe/holds")
async def _list(request):
    return web.json_response(_holds)


@_routes.post("/probe/release")
async def _release(request):
    wanted = (await request.json()).get("id")
    for number, hold in _holds.items():
        hold["released"] = hold["released"] or wanted in (None, number)
    return web.json_response({})


@_routes.post("/probe/pace")
async def _set_pace(request):
    _pace.update(await request.json())
    return web.json_response({})


@_routes.post("/probe/clear_files")
async def _clear(request):
    inputs = Path(folder_paths.get_input_directory())
    for folder in (inputs, folder_paths.get_output_directory(), folder_paths.get_temp_directory()):
        for path in Path(folder).glob("*"):
            rmtree(path) if path.is_dir() else path.unlink()
    (inputs / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (64, 48), (10, 200, 30)).save(inputs / "example.png")
    (inputs / "tone.wav").write_bytes(_tone())
    return web.json_response({})


def _tone():
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 44100, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(at / 16))) for at in range(22050)))
    return buffer.getvalue()


class _Probe:
    """What the probes share."""

    FUNCTION, CATEGORY, OUTPUT_NODE, RETURN_TYPES = "work", "probe", True, ()
    REQUIRED = {}

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": cls.REQUIRED}


class ProbeSleep(_Probe):
    """Takes its time and says nothing."""

    REQUIRED = {"seconds": ("FLOAT", {"default": 1.0}), "salt": ("INT", {"default": 0})}

    def work(self, seconds, salt):
        time.sleep(seconds)
        return {}


class ProbeSteps(_Probe):
    """Reports steps."""

    REQUIRED = {
        "steps": ("INT", {"default": 1, "max": 100_000}),
        "seconds": ("FLOAT", {"default": 1.0, "step": 0.001}),
        "salt": ("STRING", {"default": ""}),
    }

    def work(self, steps, seconds, salt):
        bar = comfy.utils.ProgressBar(steps)
        for step in range(steps):
            time.sleep(seconds)
            bar.update_absolute(step + 1)
        return {}


class ProbeSlowImage(ProbeSteps):
    """Reports steps and hands its picture on."""

    REQUIRED = {"image": ("IMAGE",), "steps": ProbeSteps.REQUIRED["steps"], "seconds": ProbeSteps.REQUIRED["seconds"]}
    OUTPUT_NODE, RETURN_TYPES = False, ("IMAGE",)

    def work(self, image, steps, seconds):
        super().work(steps, seconds, "")
        return (image,)


class ProbeRaise(_Probe):
    """Fails."""

    REQUIRED = {"text": ("STRING", {"default": ""})}

    def work(self, text):
        raise ValueError(text)


class ProbeUI(_Probe):
    """Shows things of any form, as some node packs do."""

    REQUIRED = {"salt": ("INT", {"default": 0})}

    def work(self, salt):
        file = {"filename": "x_00001.mp4", "subfolder": "", "type": "output", "frame_rate": 8.0}
        return {"ui": {"gifs": [file], "text": ["hello"], "numbers": [1, 2.5], "nested": [{"a": {"b": 1}}]}}


class ProbeBlock(_Probe):
    """Blocks what hangs on it."""

    REQUIRED = {"message": ("STRING", {"default": ""})}
    OUTPUT_NODE, RETURN_TYPES = False, ("IMAGE",)

    def work(self, message):
        return (ExecutionBlocker(message),)


class OutOfMemory(_Probe):
    """Finds no memory."""

    REQUIRED = {"samples": ("LATENT",)}
    OUTPUT_NODE, RETURN_TYPES = False, ("IMAGE",)

    def work(self, samples):
        raise torch.OutOfMemoryError("Allocation on device 0 would exceed allowed memory. (out of memory)")


_PROBES = (ProbeSleep, ProbeSteps, ProbeSlowImage, ProbeRaise, ProbeUI, ProbeBlock, OutOfMemory)
NODE_CLASS_MAPPINGS = {probe.__name__: probe for probe in _PROBES}
