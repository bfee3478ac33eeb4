"""The few files a sketch's page consists of, made in memory from one job. No Qt here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from ai4artsed_desktop.domain.code_art import Framework

#: Opens the function around a Tone.js sketch, on the sketch's first line, so that every line keeps its number.
COMPOSE_OPENING = "window.__compose = async function (Tone) {"
# Hands ``compose`` or ``setup`` to the host if the sketch declares one. Neither ``return`` nor ``await``: with a brace
# too many in the sketch this stands outside the function, and the message must be about the brace.
_COMPOSE_CLOSING = (
    '\n;arguments[2](typeof compose === "function" ? compose : typeof setup === "function" ? setup : null);}\n'
)

#: Library file of each framework, below the folder with the bundled libraries.
LIBRARY_FILES: dict[Framework, str] = {"p5js": "p5/p5.min.js", "tonejs": "tone/Tone.js"}

_SCRIPTS: dict[Framework, tuple[str, ...]] = {
    "p5js": ("job.js", "chance.js", "clock.js", "size.js", "library.js", "p5_host.js", "sketch.js"),
    "tonejs": ("job.js", "chance.js", "clock.js", "mixing.js", "library.js", "sketch.js", "tone_host.js"),
}
# On the real clock and at the sketch's own size, for a person who watches and listens.
_LIVE_SCRIPTS: dict[Framework, tuple[str, ...]] = {
    "p5js": ("job.js", "chance.js", "library.js", "sketch.js"),
    "tonejs": ("job.js", "chance.js", "library.js", "sketch.js", "tone_live.js"),
}


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page's own scripts need to know of a job."""

    seed: int
    width_px: int
    height_px: int
    duration_s: float
    sample_rate_hz: int

    def script(self) -> str:
        """Return the script that makes them known to the page, unchangeable."""
        values = {
            "seed": self.seed,
            "width": self.width_px,
            "height": self.height_px,
            "durationS": self.duration_s,
            "sampleRateHz": self.sample_rate_hz,
        }
        job = f'Object.defineProperty(window, "__job", {{ value: Object.freeze({json.dumps(values)}) }});\n'
        # Tone.js otherwise prints its version as if the sketch had said something.
        return job + "window.TONE_SILENCE_LOGGING = true;\n"


def own_script(name: str) -> str:
    """Return one of the renderer's own scripts."""
    return (package_files("ai4artsed_desktop.code_art") / "js" / name).read_text(encoding="utf-8")


def build_files(
    framework: Framework, code: str, settings: PageSettings, libraries_dir: Path, *, is_live: bool = False
) -> dict[str, bytes]:
    """Return the page's files by path, ``/`` being the page itself; ``is_live`` for a page that a person watches.

    Raises:
        OSError: The bundled library cannot be read.
    """
    scripts = (_LIVE_SCRIPTS if is_live else _SCRIPTS)[framework]
    made = {"job.js": settings.script(), "sketch.js": _wrap(framework, code)}
    files: dict[str, bytes] = {"/": _page(scripts).encode()}
    for name in scripts:
        if name == "library.js":
            files["/library.js"] = (libraries_dir / LIBRARY_FILES[framework]).read_bytes()
        else:
            text = made.get(name) or own_script(name)
            # A lone surrogate in the code must not stop the program; the sketch shows a replacement character.
            files[f"/{name}"] = text.encode("utf-8", "replace")
    return files


def _wrap(framework: Framework, code: str) -> str:
    return f"{COMPOSE_OPENING}{code}{_COMPOSE_CLOSING}" if framework == "tonejs" else code + "\n"


def _page(scripts: tuple[str, ...]) -> str:
    # crossorigin: the sandboxed page has an origin of its own, and errors in scripts of another one come without words.
    tags = "".join(f'<script crossorigin src="/{name}"></script>' for name in scripts)
    # A canvas larger than the live view is shown whole; the picture taken of it keeps its own size.
    fit = (
        "canvas{display:block;margin:auto;max-width:100vw;max-height:100vh;width:auto!important;height:auto!important}"
    )
    style = f"<style>html,body{{margin:0;overflow:hidden}}{fit}</style>"
    return f'<!doctype html><html lang="en"><head><meta charset="utf-8">{style}</head><body>{tags}</body></html>'
