"""Cut paper: panels of colour, organic cut-outs, the things as paper shapes with a soft shadow."""

from collections.abc import Callable

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
  background(PAPER);
  panels();
  liftPaper();
  for (let i = 0; i < LEAVES; i++) seaweed(i);
  for (const thing of THINGS) place(thing);
}

// Coloured sheets glued side by side, with a margin of bare paper.
function panels() {
  const margin = 0.045 * min(width, height);
  const w = (width - 2 * margin) / COLUMNS.length;
  noStroke();
  COLUMNS.forEach((cuts, column) => {
    let y = margin;
    cuts.forEach((share, row) => {
      const h = (height - 2 * margin) * share;
      const c = color(COLOURS[(column * 2 + row * 3 + SHIFT) % COLOURS.length]);
      fill(lerpColor(color(PAPER), c, (column + row) % 2 ? 0.55 : 0.9));
      rect(margin + column * w - 0.5, y - 0.5, w + 1, h + 1);
      y += h;
    });
  });
}

// From here on everything throws the small shadow of a sheet of paper.
function liftPaper() {
  const unit = min(width, height);
  drawingContext.shadowColor = "rgba(20, 12, 8, 0.32)";
  drawingContext.shadowBlur = 0.008 * unit;
  drawingContext.shadowOffsetX = 0.003 * unit;
  drawingContext.shadowOffsetY = 0.005 * unit;
}

// A form with rounded lobes on both sides of a stem, as scissors find it, near the edge of the picture.
function seaweed(index) {
  const unit = min(width, height);
  const angle = (index / LEAVES) * TWO_PI + random(-0.25, 0.25);
  const lobes = floor(random(3, 6));
  const reach = random(0.12, 0.2) * unit;
  push();
  translate(width / 2 + cos(angle) * 0.39 * width, height / 2 + sin(angle) * 0.39 * height);
  rotate(angle + HALF_PI + random(-0.5, 0.5));
  noStroke();
  fill(random() < 0.3 ? PAPER : random(COLOURS));
  beginShape();
  const steps = lobes * 24;
  for (let i = 0; i < steps; i++) {
    const turn = (i / steps) * TWO_PI;
    const lobe = 0.42 + 0.58 * pow(abs(cos((turn * lobes) / 2)), 0.65);
    curveVertex(sin(turn) * reach * 0.62 * lobe, -cos(turn) * reach * lobe);
  }
  endShape(CLOSE);
  pop();
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("cut_paper")
    columns = [_shares(random.choice((1, 2, 2, 3)), random.random) for _ in range(random.choice((2, 3, 3)))]
    leaves = 5 + round(6 * max(plan.reading.density, 0.5 + 0.5 * plan.reading.mood.energy))
    return Composed(
        (
            Constant("COLUMNS", columns, "columns of sheets; the shares of their heights"),
            Constant("SHIFT", random.randrange(5), "moves the colours on"),
            Constant("LEAVES", leaves, "cut-outs around the things"),
        ),
        _BODY,
    )


def _shares(count: int, draw: Callable[[], float]) -> list[float]:
    weights = [0.6 + draw() for _ in range(count)]
    return [round(weight / sum(weights), 3) for weight in weights]


def _affinity(reading: Reading) -> float:
    return (
        0.3
        + 0.25 * max(0.0, reading.mood.valence)
        + (0.2 if reading.has("leaf", "flower", "bird", "dancer", "fish") else 0)
    )


FAMILY = DrawingFamily(
    id="cut_paper",
    name={"en": "Cut paper", "de": "Scherenschnitt"},
    lineage="painting with scissors: Arp, Matisse",
    affinity=_affinity,
    compose=_compose,
    shows_things=True,
)
