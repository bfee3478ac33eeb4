"""What a motif is, and the small drawing kit that all motif functions share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from textwrap import dedent, indent
from typing import Literal

from ai4artsed_desktop.domain.sketchbook import motifs
from ai4artsed_desktop.domain.sketchbook.discovery import modules

#: Where a thing belongs in a picture. ``wide`` things span the canvas, ``small`` ones can lie on others.
Habit = Literal["small", "ground", "sky", "water", "wide", "weather"]


@dataclass(frozen=True, slots=True)
class Motif:
    """One thing that can be drawn.

    Attributes:
        id: English noun.
        words: Forms that name it, German and English, lower case; ``reading`` adds inflection and compounds.
        habit: Where it belongs.
        size: Natural size beside other things, as a fraction of the picture's shorter side.
        colour: Its natural colour, a key of ``colours.COLOURS``.
        draw: JavaScript function, named ``function``, that draws it in the colour ``c`` into the square from
            (-0.5, -0.5) to (0.5, 0.5); what stands touches y = 0.5.
        top: y of the surface that carries other things, or None.
    """

    id: str
    words: frozenset[str]
    habit: Habit
    size: float
    colour: str
    draw: str
    top: float | None = None

    @property
    def function(self) -> str:
        """Name of the JavaScript function; prefixed, because browsers own names such as ``window``."""
        return f"draw{self.id.capitalize()}"


def motif(
    id: str,  # noqa: A002 - it is the motif's id
    words: str,
    habit: Habit,
    size: float,
    colour: str,
    draw: str,
    top: float | None = None,
) -> Motif:
    """Return a motif; ``words`` are separated by spaces, ``draw`` is the body of its function."""
    source = f"function draw{id.capitalize()}(c) {{\n{indent(dedent(draw).strip(), '  ')}\n}}"
    return Motif(id, frozenset(words.split()), habit, size, colour, source, top)


#: Helpers every motif function may call; placed above the motifs in a sketch that uses any.
KIT = """
// Darker (amount < 0) or lighter (amount > 0) than the colour c; -1 is almost black, 1 almost white.
function shade(c, amount) {
  return lerpColor(color(c), color(amount < 0 ? "#17120f" : "#fffaf0"), abs(amount));
}

// A smooth closed form through points [x, y].
function blob(c, ...points) {
  fill(c);
  beginShape();
  for (const [x, y] of [points[points.length - 1], ...points, points[0], points[1]]) curveVertex(x, y);
  endShape(); // the curve ends where it began; CLOSE would add one more piece
}

// A form with straight edges.
function cut(c, ...points) {
  fill(c);
  beginShape();
  for (const [x, y] of points) vertex(x, y);
  endShape(CLOSE);
}

// A bent line of width w through points [x, y].
function bend(c, w, ...points) {
  push();
  noFill();
  stroke(c);
  strokeWeight(w);
  beginShape();
  for (const [x, y] of [points[0], ...points, points[points.length - 1]]) curveVertex(x, y);
  endShape();
  pop();
}

// A round dot or oval.
function dot(c, x, y, w, h = w) {
  fill(c);
  ellipse(x, y, w, h);
}

// A box from its centre, with rounded corners r.
function box2(c, x, y, w, h, r = 0) {
  fill(c);
  rect(x - w / 2, y - h / 2, w, h, r);
}

// Draw one thing of THINGS. Its x, y and size count in shorter sides of the canvas from the centre;
// wide things span the canvas.
function place(thing, grow = 1) {
  const unit = min(width, height);
  push();
  const [w, h] = thing.wide ? [width, height] : [unit, unit];
  translate(width / 2 + thing.x * w, height / 2 + thing.y * h);
  rotate(thing.tilt);
  scale(w * thing.size * grow, h * thing.size * grow);
  noStroke();
  thing.draw(thing.colour);
  pop();
}
""".strip()


@cache
def all_motifs() -> dict[str, Motif]:
    """Return ``{id: motif}`` of all files in this package."""
    listed: list[Motif] = [found for module in modules(motifs) for found in module.MOTIFS]
    return {found.id: found for found in listed}
