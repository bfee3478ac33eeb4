"""Still life: the things on a table or floor before a quiet wall."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant, Name
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  randomSeed(SEED);
  noiseSeed(SEED);
  noLoop();
}

function draw() {
  paintRoom();
  for (const thing of THINGS) {
    if (!thing.wide && !FLOATING.includes(thing.draw)) shadowUnder(thing);
    place(thing);
  }
  grain(9000);
}

// A wall, a large calm form that holds the eye, and the floor or table the things stand on.
function paintRoom() {
  const unit = min(width, height);
  background(PAPER);
  noStroke();
  fill(lerpColor(color(PAPER), color(COLOURS[FORM_COLOUR]), 0.62));
  if (FORM === "disc") circle(width / 2 + FORM_SHIFT * unit, height / 2 - 0.08 * unit, 0.74 * unit);
  if (FORM === "arch")
    rect(
      width / 2 + (FORM_SHIFT - 0.31) * unit,
      height / 2 - 0.41 * unit,
      0.62 * unit,
      height,
      0.31 * unit,
      0.31 * unit,
      0,
      0,
    );
  if (FORM === "panel") rect(FORM_SHIFT > 0 ? width * 0.42 : 0, 0, width * 0.58, height);
  if (!HAS_FLOOR) return;
  const edge = height / 2 + FLOOR_Y * unit;
  fill(lerpColor(color(PAPER), color(COLOURS[FLOOR_COLOUR]), 0.5));
  rect(0, edge, width, height - edge);
  fill(lerpColor(color(PAPER), color(COLOURS[FLOOR_COLOUR]), 0.75));
  rect(0, edge, width, 0.007 * unit);
}

// Soft shadow to the right of whatever stands.
function shadowUnder(thing) {
  const unit = min(width, height);
  const x = width / 2 + (thing.x + thing.size * 0.1) * unit;
  const y = height / 2 + (thing.y + thing.size * 0.49) * unit;
  noStroke();
  for (let i = 5; i > 0; i--) {
    fill(20, 14, 10, 16);
    ellipse(x, y, thing.size * unit * (0.7 + i * 0.08), thing.size * unit * (0.05 + i * 0.014));
  }
}

// Fine dots, like pigment on rough paper.
function grain(count) {
  const unit = min(width, height);
  noStroke();
  for (let i = 0; i < count; i++) {
    fill(random() < 0.5 ? color(255, 22) : color(20, 12, 8, 20));
    circle(random(width), random(height), random(0.001, 0.0028) * unit);
  }
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("still_life")
    form_colour, floor_colour = random.sample(range(5), 2)
    floating = (t.motif.function for t in plan.stage.things if t.motif.habit in {"sky", "water"})
    floor_y = 0.26 if plan.stage.has_ground else 0.3
    return Composed(
        (
            Constant("FORM", random.choice(("disc", "arch", "panel", "disc")), "disc, arch, panel or none"),
            Constant("FORM_COLOUR", form_colour, "0 to 4: which of COLOURS"),
            Constant("FORM_SHIFT", round(random.uniform(-0.14, 0.14), 2), "left or right of the middle"),
            Constant("FLOOR_COLOUR", floor_colour, "0 to 4"),
            Constant("FLOOR_Y", floor_y, "below the middle, in shorter sides of the canvas"),
            Constant("HAS_FLOOR", plan.stage.has_ground, ""),
            Constant("FLOATING", [Name(name) for name in dict.fromkeys(floating)], "things without a shadow"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    tabletop = reading.has(
        "table", "apple", "pear", "lemon", "cup", "bottle", "bread", "bowl", "glass", "candle", "book"
    )
    return (0.75 if tabletop else 0.35) if reading.mentions else 0.1


FAMILY = DrawingFamily(
    id="still_life",
    name={"en": "Still life", "de": "Stillleben"},
    lineage="still life, from Dutch tables to Morandi",
    affinity=_affinity,
    compose=_compose,
    shows_things=True,
)
