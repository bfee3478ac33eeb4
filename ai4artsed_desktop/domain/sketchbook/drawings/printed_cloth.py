"""Printed cloth: the things in a half-drop repeat, with leaves and dots between them."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant, Name
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  randomSeed(SEED);
  noLoop();
}

// Columns of things; every second column is moved down by half a step.
function draw() {
  const unit = min(width, height);
  const step = unit / PER_SIDE;
  background(lerpColor(color(PAPER), color(COLOURS[GROUND]), GROUND_STRENGTH));
  const columns = ceil(width / step) + 2,
    rows = ceil(height / step) + 2;
  for (let column = -1; column < columns; column++)
    for (let row = -1; row < rows; row++) {
      const x = (column + 0.5) * step,
        y = (row + (column % 2 ? 0.5 : 0)) * step;
      sprig(x + step * 0.5, y + step * 0.25, step * 0.36, column + row);
      oneThing(x, y, step * 0.68, column, row);
    }
}

// One thing, turned a little; the order walks through PATTERN.
function oneThing(x, y, size, column, row) {
  const one = PATTERN[(((column * 2 + row) % PATTERN.length) + PATTERN.length) % PATTERN.length];
  push();
  translate(x, y);
  rotate(column % 2 ? TILT : -TILT);
  scale((MIRROR && row % 2 ? -1 : 1) * size, size);
  noStroke();
  one.draw(one.colour);
  pop();
}

// A little twig of three leaves and berries.
function sprig(x, y, size, index) {
  push();
  translate(x, y);
  rotate(HALF_PI * (((index % 4) + 4) % 4) + QUARTER_PI);
  noFill();
  stroke(LEAF);
  strokeWeight(size * 0.05);
  arc(0, size * 0.3, size * 0.5, size, PI + 0.5, TWO_PI - 0.2);
  noStroke();
  fill(LEAF);
  for (const [lx, ly, turn] of [
    [-0.2, -0.02, -0.9],
    [0.02, -0.3, 0.1],
    [0.25, 0, 0.9],
  ]) {
    push();
    translate(lx * size, ly * size);
    rotate(turn);
    ellipse(0, 0, size * 0.15, size * 0.34);
    pop();
  }
  fill(COLOURS[BERRY]);
  circle(-0.03 * size, 0.1 * size, size * 0.13);
  circle(0.15 * size, -0.24 * size, size * 0.09);
  pop();
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("printed_cloth")
    whole = {t.motif.id: t for t in plan.stage.things if not t.is_wide} or {t.motif.id: t for t in plan.stage.things}
    ground, leaf, berry = random.sample(range(5), 3)
    return Composed(
        (
            Constant(
                "PATTERN",
                [{"draw": Name(t.motif.function), "colour": t.colour} for t in whole.values()],
                "what repeats",
            ),
            Constant("PER_SIDE", random.choice((4, 5, 6)), "repeats along the shorter side"),
            Constant("TILT", round(random.uniform(0, 0.3), 2), "how far the things lean, in radians"),
            Constant("MIRROR", random.random() < 0.7, "every second one looks the other way"),
            Constant("GROUND", ground, "which of COLOURS tints the cloth"),
            Constant("GROUND_STRENGTH", random.choice((0.0, 0.12, 0.3)), "0 = bare paper"),
            Constant("LEAF", plan.palette.colours[leaf], ""),
            Constant("BERRY", berry, "which of COLOURS"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    if not reading.mentions:
        return 0.15
    return 0.22 + 0.15 * max(0.0, reading.mood.valence) + (0.15 if len(reading.mentions) in {2, 3} else 0)


FAMILY = DrawingFamily(
    id="printed_cloth",
    name={"en": "Printed cloth", "de": "Stoffdruck"},
    lineage="half-drop repeats of block-printed cloth and wallpaper",
    affinity=_affinity,
    compose=_compose,
    shows_things=True,
)
