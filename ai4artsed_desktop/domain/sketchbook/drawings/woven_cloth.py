"""Woven cloth: threads over and under; the things are woven in, the stripes count syllables."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  randomSeed(SEED);
  noLoop();
}

function draw() {
  rememberThings();
  const unit = min(width, height);
  const cell = (0.86 * unit) / THREADS;
  const columns = floor((width - 0.14 * unit) / cell),
    rows = floor((height - 0.14 * unit) / cell);
  const left = (width - columns * cell) / 2,
    top = (height - rows * cell) / 2;
  fringe(left, top, columns, rows, cell);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      stitch(left + column * cell, top + row * cell, cell, column, row);
}

// Warp threads hang out at both ends.
function fringe(left, top, columns, rows, cell) {
  strokeWeight(cell * 0.34);
  for (let column = 0; column < columns; column++) {
    stroke(stripe(column));
    const x = left + (column + 0.5) * cell;
    line(x, top - cell * random(1.2, 2.2), x, top);
    line(x, top + rows * cell, x + random(-0.2, 0.2) * cell, top + (rows + random(1.2, 2.2)) * cell);
  }
}

// Colour of a warp thread: stripes as wide as the words have syllables, mirrored in the middle of the cloth.
function stripe(column) {
  const total = STRIPES.reduce((sum, n) => sum + n, 0);
  let at = column % (2 * total);
  if (at >= total) at = 2 * total - 1 - at;
  let i = 0;
  while (at >= STRIPES[i]) at -= STRIPES[i++];
  return lerpColor(color(PAPER), color(COLOURS[i % COLOURS.length]), 0.42);
}

// One crossing: the thread on top is a rounded bar with a light side and a shadow.
function stitch(x, y, cell, column, row) {
  const tint = hiddenColour(x + cell / 2, y + cell / 2);
  const isWarp = tint ? (column + row) % 2 === 0 : (column + row * TWILL) % 4 < 2;
  const weft = lerpColor(color(PAPER), color(COLOURS[WEFT]), 0.3);
  const thread = lerpColor(tint ? tint : isWarp ? stripe(column) : weft, color(INK), random(0.09));
  noStroke();
  fill(lerpColor(thread, color(0), 0.45));
  rect(x, y, cell + 0.4, cell + 0.4);
  fill(thread);
  if (isWarp) rect(x + cell * 0.07, y - cell * 0.04, cell * 0.86, cell * 1.08, cell * 0.36);
  else rect(x - cell * 0.04, y + cell * 0.07, cell * 1.08, cell * 0.86, cell * 0.36);
  fill(255, 46);
  if (isWarp) rect(x + cell * 0.2, y + cell * 0.1, cell * 0.18, cell * 0.8, cell * 0.1);
  else rect(x + cell * 0.1, y + cell * 0.2, cell * 0.8, cell * 0.18, cell * 0.1);
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("woven_cloth")
    stripes = [syllables + 1 for syllables in plan.reading.syllables[:14]]
    return Composed(
        (
            Constant("THREADS", random.choice((68, 76, 84)), "threads along the shorter side"),
            Constant("STRIPES", stripes, "width of each stripe: syllables of each word, plus one"),
            Constant("TWILL", random.choice((1, 1, 3)), "direction of the weave, 1 or 3"),
            Constant("WEFT", random.randrange(5), "which of COLOURS runs across"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    homely = reading.has("house", "cat", "bird", "flower", "heart", "horse", "tree", "person", "child")
    return 0.3 + (0.2 if homely else 0) + 0.1 * (1 - reading.unrest)


FAMILY = DrawingFamily(
    id="woven_cloth",
    name={"en": "Woven cloth", "de": "Gewebe"},
    lineage="weaving, the oldest pixel art; Anni Albers",
    affinity=_affinity,
    compose=_compose,
    hides_things=True,
)
