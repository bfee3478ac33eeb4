"""Asemic writing: one brush stroke per word, readable as rhythm only; a seal shows the first thing."""

from ai4artsed_desktop.domain.sketchbook.colours import Oklch, to_hex
from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
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
  background(PAPER);
  paperFibres();
  enso();
  writing();
  seal();
}

// Short pale fibres, as in handmade paper.
function paperFibres() {
  const unit = min(width, height);
  for (let i = 0; i < 420; i++) {
    stroke(lerpColor(color(PAPER), color(INK), 0.07));
    strokeWeight(0.0011 * unit);
    const x = random(width),
      y = random(height),
      turn = random(TWO_PI);
    line(x, y, x + cos(turn) * 0.016 * unit, y + sin(turn) * 0.016 * unit);
  }
}

// A brush: many hairs side by side; press gives the width at every point of the way, 0 to 1.
function brush(path, press, wide, tint) {
  const hairs = 34;
  noFill();
  for (let hair = 0; hair < hairs; hair++) {
    const side = hair / (hairs - 1) - 0.5;
    const dryness = noise(hair * 0.35, path[0][0] * 0.01);
    const c = lerpColor(color(tint), color(PAPER), dryness * 0.32);
    c.setAlpha(215);
    stroke(c);
    strokeWeight((wide / hairs) * 1.9);
    for (let i = 1; i < path.length; i++) {
      const t = i / (path.length - 1);
      if (noise(hair * 0.6, t * 3.5, path[0][1] * 0.01) < DRY * t * t) continue;
      const [x0, y0] = path[i - 1],
        [x1, y1] = path[i];
      const angle = atan2(y1 - y0, x1 - x0) + HALF_PI;
      const off0 = side * wide * press((i - 1) / (path.length - 1)),
        off1 = side * wide * press(t);
      line(x0 + cos(angle) * off0, y0 + sin(angle) * off0, x1 + cos(angle) * off1, y1 + sin(angle) * off1);
    }
  }
}

// One large open circle in a single breath.
function enso() {
  const unit = min(width, height);
  const path = [];
  for (let i = 0; i <= 150; i++) {
    const angle = ENSO_START + (i / 150) * TWO_PI * 0.93;
    const r = ENSO * unit * (1 + 0.05 * (noise(i * 0.02) - 0.5));
    path.push([width / 2 + cos(angle) * r, height / 2 - 0.03 * unit + sin(angle) * r]);
  }
  brush(
    path,
    t => 0.35 + 0.65 * sin(PI * min(1, 0.18 + t * 0.8)),
    0.062 * unit,
    lerpColor(color(PAPER), color(COLOURS[0]), 0.85),
  );
}

// The text as strokes, from top to bottom in columns; a stroke bends as often as its word has syllables.
function writing() {
  const unit = min(width, height);
  const columns = ceil(WORDS.length / PER_COLUMN);
  WORDS.forEach((word, i) => {
    const column = floor(i / PER_COLUMN),
      place = i % PER_COLUMN;
    const inColumn = min(PER_COLUMN, WORDS.length - column * PER_COLUMN);
    const x = width / 2 + ((columns - 1) / 2 - column) * SPACING * unit;
    const y = height / 2 - 0.03 * unit + (place - (inColumn - 1) / 2) * (0.52 / PER_COLUMN) * unit;
    sign(x, y, word, (0.62 / PER_COLUMN) * unit);
  });
}

// One sign: a bending stroke, and a dot for a long word.
function sign(x, y, word, size) {
  const unit = min(width, height);
  const path = [];
  const lean = random(-0.5, 0.5),
    long = map(word.letters, 1, 14, 0.42, 0.85, true);
  for (let i = 0; i <= 40; i++) {
    const t = i / 40 - 0.5;
    const swing = sin(t * PI * word.syllables * 1.3 + lean * 4) * size * 0.42;
    path.push([x + swing + t * lean * size, y + t * size * long]);
  }
  brush(path, t => 0.25 + 0.75 * sin(PI * (0.15 + 0.8 * t)), min(0.036 * unit, size * 0.3), INK);
  if (word.letters > 7)
    brush(
      [
        [x + size * 0.45, y - size * 0.3],
        [x + size * 0.5, y - size * 0.22],
        [x + size * 0.49, y - size * 0.17],
      ],
      () => 1,
      size * 0.14,
      INK,
    );
}

// A red seal; the first thing is cut out of it in the colour of the paper.
function seal() {
  const unit = min(width, height);
  const size = 0.105 * unit,
    x = width - 0.13 * unit,
    y = height - 0.13 * unit;
  noStroke();
  fill(SEAL);
  rect(x - size / 2, y - size / 2, size, size, size * 0.09);
  if (THINGS.length === 0) return;
  push();
  translate(x, y);
  scale(size * 0.74);
  const thing = THINGS.find(one => !one.wide) || THINGS[0];
  thing.draw(PAPER);
  pop();
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    reading = plan.reading
    random = reading.chance("asemic_writing")
    pairs = list(zip(reading.words, reading.syllables, strict=True))[:24]
    per_column = 3 if len(pairs) <= 6 else 4 if len(pairs) <= 12 else 6
    return Composed(
        (
            Constant("WORDS", [{"letters": len(w), "syllables": s} for w, s in pairs], "one stroke each"),
            Constant("PER_COLUMN", per_column, "strokes in a column"),
            Constant("SPACING", 0.13 if len(pairs) > 8 else 0.17, "from column to column"),
            Constant("ENSO", round(random.uniform(0.32, 0.36), 3), "size of the circle"),
            Constant("ENSO_START", round(random.uniform(0, 6.28), 2), "where the circle begins, in radians"),
            Constant("DRY", round(0.45 + 0.25 * (reading.mood.energy + 1) / 2, 2), "how dry the brush is"),
            Constant("SEAL", to_hex(Oklch(0.55, 0.17, 30)), ""),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return 0.35 + 0.3 * max(0.0, -reading.mood.energy) + (0.15 if not reading.mentions else 0)


FAMILY = DrawingFamily(
    id="asemic_writing",
    name={"en": "Brush writing", "de": "Pinselschrift"},
    lineage="asemic writing: Henri Michaux, Mirtha Dermisache",
    affinity=_affinity,
    compose=_compose,
    shows_things=True,
)
