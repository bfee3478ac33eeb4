"""A folder of about 200 broken catalogue files: each kind of defect that a person, an editor or a bad disk can make."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

INTERCEPTION: Json = {
    "pipeline": "text_transformation",
    "name": {"en": "X"},
    "description": {"en": "X"},
    "context": {"en": "Rewrite it."},
}
OUTPUT: Json = {
    "pipeline": "single_text_media_generation",
    "name": {"en": "X"},
    "description": {"en": "X"},
    "parameters": {"OUTPUT_CHUNK": "output_code_p5js"},
}
PIPELINE: Json = {"kind": "text", "name": "X", "description": "X", "chunks": ["interception"]}
GRAPH_CHUNK: Json = {
    "type": "output_chunk",
    "backend_type": "comfyui",
    "media_type": "image",
    "workflow": {
        "1": {"class_type": "KSampler", "inputs": {"steps": 20, "text": "{{PREVIOUS_OUTPUT}}", "model": ["2", 0]}},
        "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    },
    "input_mappings": {"steps": {"node_id": "1", "field": "inputs.steps", "type": "int", "default": 20, "max": 100}},
}
API_CHUNK: Json = {
    "type": "api_output_chunk",
    "media_type": "image",
    "api_config": {
        "provider": "p",
        "model": "m",
        "endpoint": "http://127.0.0.1/x",
        "request_body": {"messages": [{"content": "{{PREVIOUS_OUTPUT}}"}]},
    },
    "output_mapping": {"type": "images_api_base64"},
}
TEXT_CHUNK: Json = {"type": "processing_chunk", "prompt": "{{INPUT_TEXT}}"}
PYTHON_HEAD = 'CHUNK = {"type": "python_chunk", "media_type": "image"}\n'
PYTHON_TAIL = "async def execute(context):\n    return []\n"


@dataclass(frozen=True)
class Defect:
    """One broken file: its folder when files are sorted into folders, its ending, and how it is made."""

    name: str
    folder: str
    ending: str
    make: Callable[[Path], object]


def make_broken_catalog(folder: Path, *, flat: bool, mark: Path) -> dict[str, Path]:
    """Fill ``folder`` with broken files and return them by defect.

    Args:
        flat: All in one folder, where the file alone tells what it is meant to be.
        mark: A file that python chunks make when they are run, which they must not be.
    """
    made: dict[str, Path] = {}
    for defect in defects(mark):
        path = folder / ("" if flat else defect.folder) / f"{defect.name}{defect.ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        defect.make(path)
        made[defect.name] = path
    return made


def defects(mark: Path) -> Iterator[Defect]:
    """Yield every defect."""
    kinds = (
        ("interception", "configs/interception", INTERCEPTION),
        ("output", "configs/output", OUTPUT),
        ("pipeline", "configs/pipelines", PIPELINE),
        ("graph", "chunks", GRAPH_CHUNK),
        ("api", "chunks", API_CHUNK),
        ("processing", "chunks", TEXT_CHUNK),
    )
    for kind, place, good in kinds:
        for name, make in _unreadable(good):
            yield Defect(f"{kind}_{name}", place, ".json", make)
        for name, data in _misshapen(good):
            yield Defect(f"{kind}_{name}", place, ".json", _writer(json.dumps(data)))
    for name, place, data in (*_misfits(), *_broken_references(), *_broken_graphs()):
        yield Defect(name, place, ".json", _writer(json.dumps(data)))
    for name, source in _python(mark):
        yield Defect(f"python_{name}", "chunks", ".py", _writer(source))


def _writer(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, encoding="utf-8")


def _bytes(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def _unreadable(good: Json) -> Iterator[tuple[str, Callable[[Path], object]]]:
    whole = json.dumps(good)
    yield "truncated", _writer(whole[:-9])
    yield "empty", _bytes(b"")
    yield "blank", _writer(" \n\t")
    yield "bom_only", _bytes(b"\xef\xbb\xbf")
    yield "utf16", _bytes(whole.encode("utf-16"))
    yield "latin1", _bytes((whole[:-1] + ', "tags": {"de": ["Ä"]}}').encode("latin-1"))
    yield "binary", _bytes(bytes(range(256)) * 40)
    yield "nul", _bytes(b"\x00" * 500)
    yield "nan", _writer(whole[:-1] + ', "parameters": {"temperature": NaN}}')
    yield "infinity", _writer(whole[:-1] + ', "parameters": {"temperature": -Infinity}}')
    yield "too_large_number", _writer(whole[:-1] + ', "parameters": {"temperature": 1e999}}')
    yield "endless_number", _writer(whole[:-1] + ', "x": ' + "9" * 6000 + "}")
    yield "double_key", _writer('{"name": "a", ' + whole[1:-1] + ', "name": "b"}')
    yield "deep_lists", _writer('{"name": ' + "[" * 100_000)
    yield "deep_objects", _writer('{"a":' * 100_000)
    yield "five_megabytes", _writer(whole[:-1] + ', "x": "' + "y" * 5_000_000 + '"}')
    yield "comment", _writer("// a comment\n" + whole)
    yield "single_quotes", _writer(whole.replace('"', "'"))
    yield "two_values", _writer(whole + whole)
    if sys.platform != "win32":
        yield "fifo", os.mkfifo
        yield "dangling_link", lambda path: path.symlink_to("nowhere.json")
        yield "link_to_itself", lambda path: path.symlink_to(path.name)
    yield "is_a_folder", lambda path: path.mkdir()


def _misshapen(good: Json) -> Iterator[tuple[str, Any]]:
    yield "list", [good]
    yield "number", 5
    yield "null", None
    yield "text", "text"
    yield "unknown_key", {**good, "from_the_future": 1}
    yield "wrong_type", {**good, "description": 5, "meta": "no"}
    yield "wrong_identity", {**good, "type" if "type" in good else "id": "something_else"}
    yield "surrogates", {**good, "\ud800": "\udfff"}


def _misfits() -> Iterator[tuple[str, str, Any]]:
    place = "configs/interception"
    yield "interception_no_name", place, {k: v for k, v in INTERCEPTION.items() if k != "name"}
    yield "interception_empty_name", place, {**INTERCEPTION, "name": {}}
    yield "interception_bad_colour", place, {**INTERCEPTION, "display": {"color": "red"}}
    yield "interception_bad_age", place, {**INTERCEPTION, "audience": {"min_age": -1}}
    yield "interception_bad_lora", place, {**INTERCEPTION, "meta": {"loras": [{"name": "x", "strength": 99}]}}
    yield (
        "interception_one_example",
        place,
        {
            **INTERCEPTION,
            "examples": {"label": "x", "pairs": [{"idea": "a", "text": "b"}]},
        },
    )
    yield "interception_bad_parameter", place, {**INTERCEPTION, "parameters": {"temprature": 1}}
    yield "interception_text_for_number", place, {**INTERCEPTION, "parameters": {"temperature": "hot"}}
    yield "interception_truth_for_number", place, {**INTERCEPTION, "parameters": {"temperature": True}}
    place = "chunks"
    yield "chunk_no_type", place, {"prompt": "x", "chunks_of": "nothing"}
    yield "chunk_unknown_type", place, {"type": "magic"}
    yield "chunk_no_prompt", place, {"type": "processing_chunk"}
    yield "chunk_code_without_framework", place, {"type": "text_passthrough", "media_type": "code"}
    yield "chunk_empty_workflow", place, {**GRAPH_CHUNK, "workflow": {}}
    yield "chunk_bad_media_type", place, {**GRAPH_CHUNK, "media_type": "smell"}
    yield "pipeline_bad_kind", "configs/pipelines", {**PIPELINE, "kind": "smell"}
    yield "nothing_known", "misc", {"hello": "world"}
    yield "no_keys", "misc", {}


def _broken_references() -> Iterator[tuple[str, str, Any]]:
    place = "configs/interception"
    yield "interception_missing_pipeline", place, {**INTERCEPTION, "pipeline": "nowhere"}
    yield "interception_media_pipeline", place, {**INTERCEPTION, "pipeline": "single_text_media_generation"}
    yield "interception_missing_output", place, {**INTERCEPTION, "media_preferences": {"output_config": "nowhere"}}
    yield (
        "interception_missing_procedure",
        place,
        {
            **INTERCEPTION,
            "pipeline": "text_procedure",
            "parameters": {"PROCEDURE": "nowhere"},
        },
    )
    place = "configs/output"
    yield "output_missing_pipeline", place, {**OUTPUT, "pipeline": "nowhere"}
    yield "output_text_pipeline", place, {**OUTPUT, "pipeline": "text_transformation"}
    for name, parameters in {
        "missing_chunk": {"OUTPUT_CHUNK": "nowhere"},
        "itself_as_chunk": {"OUTPUT_CHUNK": "output_itself_as_chunk"},
        "no_chunk": {"OUTPUT_CHUNK": ""},
        "text_chunk": {"OUTPUT_CHUNK": "interception"},
        "proxy_chunk": {"OUTPUT_CHUNK": "output_media"},
        "unknown_parameter": {"OUTPUT_CHUNK": "output_code_p5js", "STPES": 5},
        "zero_width": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": 0},
        "text_width": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": "wide"},
        "list_width": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": [512]},
        "object_width": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": {"px": 512}},
        "truth_width": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": True},
        "half_pixel": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": 512.5},
        "huge_width": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": 10**400},
        "width_twice": {"OUTPUT_CHUNK": "output_code_p5js", "WIDTH": 512, "width": 1024},
    }.items():
        yield f"output_{name}", place, {**OUTPUT, "parameters": parameters}
    place = "configs/pipelines"
    yield "pipeline_missing_chunk", place, {**PIPELINE, "chunks": ["nowhere"]}
    yield "pipeline_of_itself", place, {**PIPELINE, "chunks": ["pipeline_of_itself"]}
    yield "pipeline_without_proxy", place, {**PIPELINE, "kind": "media"}


def _broken_graphs() -> Iterator[tuple[str, str, Any]]:
    for name, place in {
        "missing_node": {"node_id": "99", "field": "inputs.steps"},
        "missing_field": {"node_id": "1", "field": "inputs.nothing"},
        "bad_path": {"node_id": "1", "field": "inputs..steps["},
        "empty_path": {"node_id": "1", "field": ""},
        "bad_default": {"node_id": "1", "field": "inputs.steps", "default": "many"},
        "default_out_of_range": {"node_id": "1", "field": "inputs.steps", "default": 0, "min": 1},
        "no_choices": {"node_id": "1", "field": "inputs.steps", "type": "choice"},
        "unknown_source": {"node_id": "1", "field": "inputs.steps", "source": "{{NOBODY}}"},
    }.items():
        mappings = {"steps": {"type": "int", "default": 20, **place}}
        yield f"graph_{name}", "chunks", {**GRAPH_CHUNK, "input_mappings": mappings}
    twice = {"Steps": {"default": 1}, "steps": {"default": 2}}
    yield "graph_same_name_twice", "chunks", {**GRAPH_CHUNK, "input_mappings": twice}
    deep: Any = "{{NOBODY}}"
    for _ in range(400):
        deep = [deep]
    for name, inputs in {
        "link_to_nowhere": {"model": ["9", 0]},
        "placeholder": {"text": "{{NOBODY}}"},
        "odd_placeholder": {"text": "{{no-body.x}}"},
        "nested_placeholder": {"all": {"texts": ["a", "{{NOBODY}}"]}},
        "deep_placeholder": {"all": deep},
    }.items():
        nodes = {**GRAPH_CHUNK["workflow"], "3": {"class_type": "C", "inputs": inputs}}
        yield f"graph_{name}", "chunks", {**GRAPH_CHUNK, "workflow": nodes}
    yield from _broken_requests()


def _broken_requests() -> Iterator[tuple[str, str, Any]]:
    body = {**API_CHUNK["api_config"], "request_body": {"messages": [{"content": "{{NOBODY}}"}]}}
    yield "api_placeholder", "chunks", {**API_CHUNK, "api_config": body}
    yield (
        "api_missing_index",
        "chunks",
        {
            **API_CHUNK,
            "input_mappings": {"prompt": {"field": "request_body.messages[1].content"}},
        },
    )
    yield "processing_placeholder", "chunks", {**TEXT_CHUNK, "system": "{{NOBODY}}"}


def _python(mark: Path) -> Iterator[tuple[str, str]]:
    effect = f"open({str(mark)!r}, 'w').close()\n"
    yield "syntax_error", f"{effect}def broken(:\n"
    yield "no_chunk", effect + PYTHON_TAIL
    yield "no_execute", effect + PYTHON_HEAD
    yield "execute_not_async", effect + PYTHON_HEAD + "def execute(context):\n    return []\n"
    yield "chunk_is_a_call", f"{effect}CHUNK = dict(type='python_chunk')\n" + PYTHON_TAIL
    yield "chunk_reads_a_file", "CHUNK = __import__('os').system('true')\n" + PYTHON_TAIL
    yield "chunk_is_a_list", "CHUNK = ['python_chunk']\n" + PYTHON_TAIL
    yield "chunk_is_in_a_function", f"def make():\n    {PYTHON_HEAD}\n{PYTHON_TAIL}"
    yield "wrong_type", 'CHUNK = {"type": "python_chunk", "media_type": "smell"}\n' + PYTHON_TAIL
    yield "wrong_name", 'CHUNK = {"name": "x", "type": "python_chunk", "media_type": "image"}\n' + PYTHON_TAIL
    yield "keys_that_are_no_text", 'CHUNK = {1: 2, None: {3}, "type": "python_chunk"}\n' + PYTHON_TAIL
    yield "unhashable", "CHUNK = {[]: 1}\n" + PYTHON_TAIL
    yield "unknown_key", 'CHUNK = {"type": "python_chunk", "media_type": "image", "x": 1}\n' + PYTHON_TAIL
    yield "deep", "CHUNK = " + "[" * 5000 + "\n"
    yield "deep_signs", "CHUNK = " + "-" * 50_000 + "1\n"
    yield "deep_sum", "CHUNK = " + "+".join("1" for _ in range(20_000)) + "\n"
    yield "nul", PYTHON_HEAD + "\x00\n"
    yield "tabs", "if 1:\n\tx = 1\n        y = 2\n"
    yield "empty", ""
