"""Elementary forms: circle, square, triangle and bars on a leaning axis; bars as long as the words."""

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

// Everything leans on one axis; overlapping forms mix like printing inks.
function draw() {
  const unit = min(width, height);
  background(PAPER);
  translate(width / 2, height / 2);
  rotate(LEAN);
  blendMode(IS_DARK ? SCREEN : MULTIPLY);
  noStroke();
  bigForms(unit);
  wordBars(unit);
  blendMode(BLEND);
  dotGrid(unit);
  axis(unit);
}

// One large circle, a half circle, a triangle and a square, in balance around the middle.
function bigForms(unit) {
  fill(COLOURS[0]);
  circle(DISC.x * unit, DISC.y * unit, DISC.size * unit);
  fill(COLOURS[1]);
  arc(-DISC.x * 0.9 * unit, -DISC.y * 0.6 * unit, 0.46 * unit, 0.46 * unit, ARC_TURN, ARC_TURN + PI);
  fill(COLOURS[2]);
  push();
  translate(-DISC.x * 1.5 * unit, DISC.y * 1.15 * unit);
  rotate(-LEAN * 2);
  triangle(0, -0.17 * unit, 0.16 * unit, 0.13 * unit, -0.16 * unit, 0.13 * unit);
  pop();
  fill(COLOURS[3]);
  push();
  translate(DISC.x * 1.35 * unit, -DISC.y * 1.2 * unit);
  rotate(QUARTER_PI / 2);
  square(-0.1 * unit, -0.1 * unit, 0.2 * unit);
  pop();
}

// One bar per word: as long as the word, stressed words are thicker.
function wordBars(unit) {
  const step = 0.72 / BARS.length;
  BARS.forEach((letters, i) => {
    const long = map(letters, 1, 16, 0.06, 0.62) * unit;
    const thick = min(0.03, step * (letters > 6 ? 0.75 : 0.4)) * unit;
    fill(COLOURS[(i * 2 + 4) % COLOURS.length]);
    rect((i % 2 ? -0.08 : 0.02) * unit - (i % 3 === 0 ? long : 0), (-0.36 + i * step) * unit, long, thick);
  });
}

// A quiet grid of dots, the counting side of the picture.
function dotGrid(unit) {
  fill(INK);
  for (let row = 0; row < GRID; row++)
    for (let column = 0; column < GRID; column++)
      circle((-DISC.x * 1.2 + column * 0.028) * unit, (-DISC.y * 1.5 + row * 0.028) * unit, 0.009 * unit);
}

// The long thin line that holds it together.
function axis(unit) {
  stroke(INK);
  strokeWeight(0.005 * unit);
  line(-0.02 * unit, -unit, -0.02 * unit, unit);
  strokeWeight(0.0022 * unit);
  line(-unit, 0.12 * unit, unit, 0.12 * unit);
  noFill();
  circle(DISC.x * unit, DISC.y * unit, (DISC.size + 0.07) * unit);
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("elementary_forms")
    disc = {
        "x": round(random.choice((-1, 1)) * random.uniform(0.1, 0.18), 3),
        "y": round(random.choice((-1, 1)) * random.uniform(0.12, 0.2), 3),
        "size": round(random.uniform(0.36, 0.52), 3),
    }
    lean = random.choice((-1, 1)) * (0.2 + 0.45 * plan.reading.mood.tension + random.uniform(0, 0.25))
    return Composed(
        (
            Constant("IS_DARK", plan.palette.is_dark, ""),
            Constant("BARS", [min(16, len(word)) for word in plan.reading.words[:18]], "letters of each word"),
            Constant("LEAN", round(lean, 3), "how far the axis leans, in radians"),
            Constant("DISC", disc, "the large circle; the other forms answer it"),
            Constant("ARC_TURN", round(random.uniform(0, 6.28), 2), "direction of the half circle"),
            Constant("GRID", random.randint(4, 7), "dots per side"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    built = reading.has("city", "machine", "house", "robot", "train", "car", "window", "ladder", "clock")
    return 0.3 + (0.25 if built else 0) + 0.2 * max(0.0, reading.mood.tension)


FAMILY = DrawingFamily(
    id="elementary_forms",
    name={"en": "Elementary forms", "de": "Grundformen"},
    lineage="Bauhaus and Constructivism: circle, square, triangle",
    affinity=_affinity,
    compose=_compose,
)
