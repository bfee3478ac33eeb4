"""A trainer for tests: a real process that says byte by byte what the real one was recorded saying, with its files.

It is copied into a folder as ``train_network.py`` and its sisters and run by a bare Python: standard library only.
The variable ``FAKE_TRAINER`` holds JSON:
  recording   path of the recorded stream
  gate        {text: file}: after the piece that holds the text, wait until the file exists
  fault       flood | cut_final | no_final | old_final (a wrong clock) | helper (a child deaf to TERM, as it is itself)
  lines       how many lines a flood has
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import tomllib
import zlib
from pathlib import Path
from typing import Any

WAIT_LIMIT_S = 60.0
#: Every recorded run wrote below ``<work>/out/<name>/`` under the name ``mylora``.
RECORDED = re.compile(r"<work>/out/[^/\s'\"]+/(mylora)?")


def setup_parser() -> argparse.ArgumentParser:
    """The real scripts offer this; ours is built from the recorded list beside the script."""
    parser = argparse.ArgumentParser()
    schema = json.loads((Path(__file__).parent / "schema" / f"{Path(__file__).stem}.json").read_text("utf-8"))
    kinds: dict[str, Any] = {"int": int, "float": float, "str": str, "int_or_float": int_or_float, "path": Path}
    for name, entry in schema.items():
        if entry["type"] == "bool":
            parser.add_argument(f"--{name}", action="store_true")
        else:
            more: dict[str, Any] = {"nargs": "*"} if entry.get("list") else {}
            parser.add_argument(f"--{name}", type=kinds[entry["type"]], choices=entry.get("choices"), **more)
    return parser


def int_or_float(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def masked_crc(data: bytes) -> int:
    """CRC-32C bit by bit, with TFRecord's mask."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def event_record(tag: str, step: int, value: float) -> bytes:
    """One TFRecord with one scalar."""
    scalar = b"\x0a" + varint(len(tag)) + tag.encode() + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + varint(len(scalar)) + scalar
    event = b"\x09" + struct.pack("<d", time.time()) + b"\x10" + varint(step) + b"\x2a" + varint(len(summary)) + summary
    length = struct.pack("<Q", len(event))
    return length + struct.pack("<I", masked_crc(length)) + event + struct.pack("<I", masked_crc(event))


def safetensors_bytes(name: str = "mylora") -> bytes:
    header = json.dumps(
        {
            "__metadata__": {"ss_network_dim": "4", "ss_base_model_version": "sd_v1", "ss_output_name": name},
            "lora_unet_x.lora_down.weight": {"dtype": "F16", "shape": [4, 64], "data_offsets": [0, 512]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(512)


def png_bytes() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(14))) + chunk(b"IEND", b"")


class Trainer:
    """Replays one recording in one output folder."""

    def __init__(self, options: dict[str, Any], order: dict[str, Any]) -> None:
        self.order = order
        self.output = Path(options["output_dir"])
        self.name = options["output_name"]
        resumed = re.search(r"step(\d+)-state", options.get("resume", ""))
        self.offset = int(resumed[1]) if resumed else 0
        logs = Path(options["logging_dir"]) / time.strftime("%Y%m%d%H%M%S") / "network_train"
        logs.mkdir(parents=True, exist_ok=True)
        self.events = logs / f"events.out.tfevents.{os.getpid()}"

    def run(self) -> int:
        code = 0
        for line in Path(self.order["recording"]).read_text("utf-8").splitlines():
            record = json.loads(line)
            if record["stream"] == "meta":
                code = record["returncode"] if record["event"] == "exit" else code
            else:
                self.say(record["stream"], record["data"])
        return code

    def say(self, stream: str, data: str) -> None:
        text = RECORDED.sub(lambda found: f"{self.output.as_posix()}/{self.name if found[1] else ''}", data)
        self.act_before(text)
        pipe = sys.stdout.buffer if stream == "stdout" else sys.stderr.buffer
        pipe.write(text.encode())
        pipe.flush()
        self.act_after(text)
        for sign, gate in self.order.get("gate", {}).items():
            if sign in text:
                wait_for(Path(gate))

    def act_before(self, text: str) -> None:
        if match := re.search(r"saving checkpoint: (.+?)\s*$", text):
            self.save(Path(match[1]))
        if match := re.search(r"Saving current state to (.+?-state)", text):
            state = Path(match[1])
            state.mkdir(parents=True, exist_ok=True)
            step = re.search(r"step(\d+)-state", state.name)
            facts = {"current_epoch": 1, "current_step": int(step[1]) if step else 10}
            (state / "train_state.json").write_text(json.dumps(facts))
            (state / "model.safetensors").write_bytes(safetensors_bytes())
        if match := re.search(r"Random states saved in (.+?random_states_0.pkl)", text):
            Path(match[1]).write_bytes(b"random")
        if match := re.search(r"removing old checkpoint: (.+?)\s*$", text):
            Path(match[1]).unlink(missing_ok=True)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_final = path.stem == self.name
        if is_final and self.order.get("fault") == "no_final":
            return
        data = safetensors_bytes(path.stem)
        path.write_bytes(data[:-100] if is_final and self.order.get("fault") == "cut_final" else data)
        if self.order.get("fault") == "old_final":
            os.utime(path, (1e9, 1e9))

    def act_after(self, text: str) -> None:
        if match := re.search(r"generating sample images at step .*?: (\d+)", text):
            folder = self.output / "sample"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self.name}_{int(match[1]):06d}_00_20261120131800.png").write_bytes(png_bytes())
        for match in re.finditer(r"steps: .*? (\d+)/\d+ .*?avr_loss=([\w.]+)", text):
            with self.events.open("ab") as file:
                step = self.offset + int(match[1])
                file.write(event_record("loss/current", step, float(match[2])))
                file.write(event_record("lr/unet", step, 0.0001))


def wait_for(gate: Path) -> None:
    give_up_s = time.monotonic() + WAIT_LIMIT_S
    while not gate.exists():
        if time.monotonic() > give_up_s:
            sys.exit("the gate was never opened")
        time.sleep(0.01)


def flood(lines: int) -> None:
    """Print numbered lines as fast as the pipe takes them."""
    for start in range(0, lines, 1000):
        block = "".join(f"noise {number} of the flood\n" for number in range(start, min(start + 1000, lines)))
        sys.stderr.write(block)
    sys.stderr.flush()


def main() -> None:
    order: dict[str, Any] = json.loads(os.environ["FAKE_TRAINER"])
    config = Path(sys.argv[sys.argv.index("--config_file") + 1])
    tables = tomllib.loads(config.read_text("utf-8"))
    options = {name: value for table in tables.values() for name, value in table.items()}
    fault = order.get("fault")
    if fault == "helper":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", sleeper], start_new_session=True)  # noqa: TID251 - what it plays does so too
    if fault == "flood":
        flood(order["lines"])
    sys.exit(Trainer(options, order).run())


if __name__ == "__main__":
    main()
