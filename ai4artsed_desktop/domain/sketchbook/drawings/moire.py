"""Moiré: two families of rings and rays whose overlap makes a third pattern."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  frameRate(30);
}

// The second pattern drifts slowly over the first; what seems to move is neither of them.
function draw() {
  const unit = min(width, height);
  const drift = sin(frameCount * 0.0175) * DRIFT;
  background(PAPER);
  noFill();
  drawingContext.save();
  drawingContext.beginPath();
  if (FRAME === "disc") drawingContext.arc(width / 2, height / 2, 0.44 * unit, 0, TWO_PI);
  else drawingContext.rect(0.06 * unit, 0.06 * unit, width - 0.12 * unit, height - 0.12 * unit);
  drawingContext.clip();
  CENTRES.forEach((centre, i) => {
    const x = width / 2 + (centre.x + (i ? drift : 0)) * unit,
      y = height / 2 + centre.y * unit;
    stroke(i === 0 ? INK : COLOURS[i - 1]);
    if (centre.rays) rays(x, y, centre.rays, unit);
    else rings(x, y, centre.gap * unit, unit);
  });
  drawingContext.restore();
}

// Rings at equal distances.
function rings(x, y, gap, unit) {
  strokeWeight(gap * LINE);
  for (let r = gap; r < 1.3 * max(width, height); r += gap) circle(x, y, 2 * r);
}

// Rays that grow wider outwards.
function rays(x, y, count, unit) {
  const far = 1.5 * max(width, height);
  push();
  translate(x, y);
  noStroke();
  fill(COLOURS[0]);
  for (let i = 0; i < count; i++) {
    const angle = (i / count) * TWO_PI,
      half = (LINE * 0.5 * TWO_PI) / count;
    triangle(
      0,
      0,
      cos(angle - half) * far,
      sin(angle - half) * far,
      cos(angle + half) * far,
      sin(angle + half) * far,
    );
  }
  noFill();
  pop();
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("moire")
    lengths = [len(word) for word in plan.reading.words[:8]]
    gap = 0.011 + 0.0015 * (sum(lengths) % 5)
    centres: list[dict[str, object]] = [{"x": 0.0, "y": 0.0, "gap": round(gap, 4)}]
    for index in range(random.choice((1, 2))):
        x, y = round(random.uniform(-0.16, 0.16), 3), round(random.uniform(-0.12, 0.12), 3)
        if index == 0 and random.random() < 0.35:
            centres.append({"x": x, "y": y, "rays": 72 + 6 * (len(lengths) % 5)})
        else:
            centres.append({"x": x, "y": y, "gap": round(gap * random.uniform(0.93, 1.08), 4)})
    return Composed(
        (
            Constant("CENTRES", centres, "where the rings or rays start; gap from ring to ring"),
            Constant("LINE", 0.46, "thickness of a line, of its gap"),
            Constant("DRIFT", 0.02, "how far the second pattern moves"),
            Constant("FRAME", random.choice(("disc", "sheet")), "disc or sheet"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return 0.42 + 0.3 * reading.mood.tension + (0.1 if not reading.mentions else -0.1)


FAMILY = DrawingFamily(
    id="moire",
    name={"en": "Moiré", "de": "Moiré"},
    lineage="Op art of the 1960s: patterns that only the eye makes",
    affinity=_affinity,
    compose=_compose,
    moves=True,
)
