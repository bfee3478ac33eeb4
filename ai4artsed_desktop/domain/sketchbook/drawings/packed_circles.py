"""Packed circles: dots of all sizes that never touch; the things appear in their colours."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const circles = [];

function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  randomSeed(SEED);
  rememberThings();
  noStroke();
}

// More and smaller circles in every frame, until nothing fits any more.
function draw() {
  for (let i = 0; i < TRIES / 60; i++) tryCircle();
  if (frameCount >= 60) noLoop();
}

// Put one circle at a random place, as large as its neighbours leave room for.
function tryCircle() {
  const unit = min(width, height);
  const x = random(0.05 * unit, width - 0.05 * unit),
    y = random(0.05 * unit, height - 0.05 * unit);
  const tint = hiddenColour(x, y);
  let room = (tint ? LARGEST_INSIDE : LARGEST) * unit;
  for (const other of nearby(x, y)) {
    room = min(room, dist(x, y, other.x, other.y) - other.r - 0.0014 * unit);
    if (room < 0.0022 * unit) return;
  }
  if (
    (hiddenColour(x + room, y) === null) !== (tint === null) ||
    (hiddenColour(x, y + room) === null) !== (tint === null)
  )
    room *= 0.5;
  if (room < 0.0022 * unit) return;
  remember({ x, y, r: room });
  paintCircle(x, y, room, tint);
}

function paintCircle(x, y, r, tint) {
  const quiet = lerpColor(color(PAPER), color(COLOURS[QUIET[circles.length % QUIET.length]]), random(0.16, 0.42));
  fill(tint ? lerpColor(tint, color(random() < 0.5 ? PAPER : INK), random(0.16)) : quiet);
  circle(x, y, r * 2);
  if (r > 0.012 * min(width, height) && random() < RINGS) {
    fill(PAPER);
    circle(x, y, r * 1.15);
    fill(tint ? tint : quiet);
    circle(x, y, r * 0.62);
  }
}

// Neighbours are found through a coarse grid, so that thousands of circles stay quick.
const grid = new Map();
const cellOf = v => floor(v / (LARGEST * min(width, height) * 2));

function remember(one) {
  circles.push(one);
  const key = cellOf(one.x) + ":" + cellOf(one.y);
  if (!grid.has(key)) grid.set(key, []);
  grid.get(key).push(one);
}

function nearby(x, y) {
  const found = [];
  for (let i = -1; i <= 1; i++)
    for (let j = -1; j <= 1; j++) found.push(...(grid.get(cellOf(x) + i + ":" + (cellOf(y) + j)) || []));
  return found;
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("packed_circles")
    return Composed(
        (
            Constant("TRIES", 42000, "how often a place is tried"),
            Constant("LARGEST", round(random.uniform(0.022, 0.036), 4), "largest circle between the things"),
            Constant("LARGEST_INSIDE", round(random.uniform(0.012, 0.017), 4), "largest circle in a thing"),
            Constant("QUIET", random.sample(range(5), 3), "which of COLOURS fill the space between"),
            Constant("RINGS", round(random.choice((0.0, 0.25, 0.5)), 2), "how many large circles are rings"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    rounded = reading.has("balloon", "cherry", "orange", "snow", "egg", "bee", "planet", "eye", "butterfly")
    return 0.52 + (0.25 if rounded else 0) + 0.12 * max(0.0, reading.mood.valence)


FAMILY = DrawingFamily(
    id="packed_circles",
    name={"en": "Packed circles", "de": "Kreispackung"},
    lineage="circle packing; pointillism and colour-vision plates",
    affinity=_affinity,
    compose=_compose,
    hides_things=True,
    moves=True,
)
