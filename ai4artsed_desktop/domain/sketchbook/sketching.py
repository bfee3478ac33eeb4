"""From a text to a p5.js drawing: the Sketchbook's first door."""

from __future__ import annotations

from dataclasses import dataclass

from ai4artsed_desktop.domain.sketchbook.families import DrawingFamily, DrawingPlan, all_drawing_families, choose
from ai4artsed_desktop.domain.sketchbook.javascript import Constant, Name, comment_line, declare
from ai4artsed_desktop.domain.sketchbook.motifs.base import KIT
from ai4artsed_desktop.domain.sketchbook.palettes import Palette, make_palette
from ai4artsed_desktop.domain.sketchbook.reading import Reading, read
from ai4artsed_desktop.domain.sketchbook.stage import Stage, Thing, set_stage

_HIDDEN_PICTURE = """
// The picture behind the picture: draw the things once, remember every pixel, wipe the paper.
let hidden;
function rememberThings() {
  clear();
  for (const thing of THINGS) place(thing);
  loadPixels();
  hidden = pixels.slice();
  background(PAPER);
}

// The hidden picture's colour at a point, or null where nothing stands.
function hiddenColour(x, y) {
  if (x < 0 || y < 0 || x >= width || y >= height) return null;
  const i = 4 * (floor(x) + width * floor(y));
  return hidden[i + 3] < 128 ? null : color(hidden[i], hidden[i + 1], hidden[i + 2]);
}
""".strip()


#: What a family loses that shows none of the things a text names.
_BLIND_PENALTY = 0.25


@dataclass(frozen=True, slots=True)
class Sketch:
    """A finished p5.js sketch and what it was made from."""

    code: str
    family: DrawingFamily
    palette: Palette
    reading: Reading


def compose_sketch(text: str, seed: int, width_px: int, height_px: int, family_id: str = "auto") -> Sketch:
    """Compose a drawing for ``text``; the same arguments give the same code.

    Raises:
        ValueError: If the text has no visible character.
        KeyError: If there is no family ``family_id``.
    """
    reading = read(text, seed)
    families = all_drawing_families()
    family = choose(families.values(), reading, "family", _suits) if family_id == "auto" else families[family_id]
    palette = make_palette(reading)
    stage = set_stage(reading, palette)
    composed = family.compose(DrawingPlan(reading, palette, stage))
    stage = composed.stage or stage
    constants = [
        Constant("WIDTH", width_px, "canvas, in pixels"),
        Constant("HEIGHT", height_px, ""),
        Constant("SEED", seed, "another number: another drawing of the same kind"),
        Constant("PAPER", palette.paper, ""),
        Constant("INK", palette.ink, ""),
        Constant("COLOURS", list(palette.colours), f"{palette.scheme}, from the {palette.source}"),
        *composed.constants,
    ]
    parts = [_heading(family, reading), "\n".join(declare(constant) for constant in constants)]
    if family.shows_things or family.hides_things:
        parts.append(declare(_things_constant(stage)))
    parts.append(composed.body.strip())
    if family.hides_things:
        parts.append(_HIDDEN_PICTURE)
    if family.shows_things or family.hides_things:
        used = {thing.motif.id: thing.motif for thing in stage.things}
        parts += [KIT, *(motif.draw for motif in used.values())]
    return Sketch("\n\n".join(parts) + "\n", family, palette, reading)


def _suits(family: DrawingFamily, reading: Reading) -> float:
    """Who names things wants to see them: then families without things stand back."""
    is_blind = bool(reading.mentions) and not (family.shows_things or family.hides_things)
    return family.affinity(reading) - (_BLIND_PENALTY if is_blind else 0.0)


def _heading(family: DrawingFamily, reading: Reading) -> str:
    words = " ".join(reading.words)
    shown = words if len(words) <= 90 else words[:90].rsplit(" ", 1)[0] + " …"
    return "\n".join(
        [
            f"// Sketchbook: {family.name['en']}. Code art by rules from words; no AI model made this picture.",
            comment_line(f"Words: {shown}"),
            comment_line(f"Kind: {family.lineage}"),
            "// Change the values below and run it again.",
        ]
    )


def _things_constant(stage: Stage) -> Constant:
    origin = "suggested by the mood" if stage.is_suggested else "named in the text"
    return Constant("THINGS", [_thing_value(thing) for thing in stage.things], f"things {origin}, those behind first")


def _thing_value(thing: Thing) -> dict[str, object]:
    value: dict[str, object] = {
        "draw": Name(thing.motif.function),
        "x": thing.x,
        "y": thing.y,
        "size": thing.size,
        "colour": thing.colour,
        "tilt": thing.tilt,
    }
    if thing.is_wide:
        value["wide"] = True
    return value
