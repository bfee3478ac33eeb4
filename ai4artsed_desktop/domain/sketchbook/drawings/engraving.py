"""Engraving: parallel waves whose lines swell where something stands, like an engraved banknote."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  noiseSeed(SEED);
  noLoop();
}

function draw() {
  rememberThings();
  const unit = min(width, height);
  const margin = 0.06 * unit;
  const reach = dist(0, 0, width, height) / 2;
  noStroke();
  for (let offset = -reach; offset < reach; offset += GAP * unit) waveLine(offset, reach, unit, margin);
}

// A point of the line: it runs along the slanted axis and bends with two slow waves.
function pointOn(offset, along, unit) {
  const bend =
    BEND *
    unit *
    (sin((along / unit) * WAVES + (offset / unit) * 2.2) + noise((along / unit) * 1.6, (offset / unit) * 1.6) - 0.5);
  const x = width / 2 + cos(SLANT) * along - sin(SLANT) * (offset + bend);
  const y = height / 2 + sin(SLANT) * along + cos(SLANT) * (offset + bend);
  return [x, y];
}

// A line made of short pieces, each as thick as the hidden picture asks.
function waveLine(offset, reach, unit, margin) {
  const step = 0.0042 * unit;
  let [px, py] = pointOn(offset, -reach, unit);
  let thick = 0;
  for (let along = -reach + step; along < reach; along += step) {
    const [x, y] = pointOn(offset, along, unit);
    const tint = hiddenColour(x, y);
    const wish = tint ? map(lightness(tint), 0, 100, 0.88, 0.52) : THIN;
    thick += (wish - thick) * 0.5;
    if (x > margin && x < width - margin && y > margin && y < height - margin) {
      stroke(tint ? tint : lerpColor(color(PAPER), color(COLOURS[BACK]), 0.75));
      strokeWeight(thick * GAP * unit);
      line(px, py, x, y);
    }
    [px, py] = [x, y];
  }
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("engraving")
    mood = plan.reading.mood
    return Composed(
        (
            Constant("GAP", round(random.uniform(0.0085, 0.0115), 4), "from line to line"),
            Constant(
                "SLANT", round(random.choice((0.0, 0.3, -0.35, 0.785)) + random.uniform(-0.1, 0.1), 2), "in radians"
            ),
            Constant(
                "WAVES", round(2 + 4 * (mood.energy + 1) / 2 + random.uniform(0, 1), 2), "waves across the picture"
            ),
            Constant("BEND", round(0.02 + 0.05 * mood.tension + random.uniform(0, 0.03), 3), "height of the waves"),
            Constant("THIN", round(random.uniform(0.13, 0.22), 2), "thickness between the things, of a gap"),
            Constant("BACK", random.randrange(5), "which of COLOURS draws the background"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return (
        0.32 + 0.25 * max(0.0, reading.mood.tension - 0.1) + (0.2 if reading.has("face", "hand", "eye", "crown") else 0)
    )


FAMILY = DrawingFamily(
    id="engraving",
    name={"en": "Swelling lines", "de": "Schwelllinien"},
    lineage="line engraving since Claude Mellan (1649), and Op art",
    affinity=_affinity,
    compose=_compose,
    hides_things=True,
)
