"""Flow field: fine lines follow a hidden current and take the colours of the things they cross."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
let lines = 0;

function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  randomSeed(SEED);
  noiseSeed(SEED);
  rememberThings();
}

// LINES lines in 60 frames, then it rests.
function draw() {
  const goal = LINES * min(1, frameCount / 60);
  while (lines < goal) follow(random(width), random(height), lines++);
  if (lines >= LINES) noLoop();
}

// The direction of the current at a point, an angle.
function current(x, y) {
  const unit = min(width, height);
  const turn = noise((x / unit) * SCALE, (y / unit) * SCALE) * TWO_PI * TURNS;
  return turn + SLANT;
}

// One line: over a thing in the thing's colour, elsewhere in a palette colour; it ends where the thing ends.
function follow(x, y, index) {
  const unit = min(width, height);
  const own = hiddenColour(x, y);
  if (!own && random() < 0.45) return; // more lines where something stands
  const zone = floor(noise(x / unit + 9, (y / unit) * 1.3, 4) * 11) % COLOURS.length;
  const tint = own ? own : lerpColor(color(PAPER), color(COLOURS[zone]), random(0.25, 0.8));
  const steps = own ? 18 : floor(random(20, 75));
  noFill();
  stroke(tint);
  strokeWeight(unit * (own ? random(0.0022, 0.0042) : random(0.0008, 0.0026)));
  beginShape();
  for (let i = 0; i < steps; i++) {
    vertex(x, y);
    const angle = current(x, y);
    x += cos(angle) * unit * 0.005;
    y += sin(angle) * unit * 0.005;
    if (insideMargin(x, y) || (hiddenColour(x, y) === null) !== (own === null)) break;
  }
  endShape();
}

// True in the bare margin around the picture.
function insideMargin(x, y) {
  const margin = 0.05 * min(width, height);
  return x < margin || y < margin || x > width - margin || y > height - margin;
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("flow_field")
    mood = plan.reading.mood
    return Composed(
        (
            Constant("LINES", 9500 + round(3500 * plan.reading.density), "how many lines"),
            Constant(
                "SCALE", round(1.1 + 1.2 * (mood.energy + 1) / 2 + random.uniform(0, 0.5), 2), "small = wide waves"
            ),
            Constant("TURNS", round(0.8 + 1.4 * mood.tension + random.uniform(0, 0.5), 2), "how wildly it turns"),
            Constant("SLANT", round(random.uniform(0, 6.28), 2), "main direction, an angle in radians"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    moving = reading.has("sea", "fish", "bird", "whale", "fire", "ghost", "cloud", "dancer")
    return 0.3 + (0.3 if moving else 0) + 0.15 * abs(reading.mood.energy)


FAMILY = DrawingFamily(
    id="flow_field",
    name={"en": "Flow field", "de": "Strömungsfeld"},
    lineage="flow fields, a classic of computer drawing since the 1960s",
    affinity=_affinity,
    compose=_compose,
    hides_things=True,
    moves=True,
)
