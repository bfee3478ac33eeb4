"""Concrete poem: the words as a poster, arranged by what they feel like."""

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
  textFont("Helvetica,Arial,sans-serif");
  noStroke();
  if (ARRANGEMENT === "wheel") wheel();
  if (ARRANGEMENT === "steps") steps();
  if (ARRANGEMENT === "echo") echo();
  if (ARRANGEMENT === "column") column();
}

// Set the text size so that a word is as wide as asked, but not higher than allowed.
function fit(word, wide, high) {
  textSize(100);
  textSize(min((100 * wide) / max(1, textWidth(word)), high));
}

// Words as the spokes of a wheel.
function wheel() {
  const unit = min(width, height);
  const spokes = max(14, WORDS.length * 2);
  translate(width / 2, height / 2);
  fill(COLOURS[0]);
  circle(0, 0, 0.2 * unit);
  textAlign(LEFT, CENTER);
  textStyle(BOLD);
  for (let i = 0; i < spokes; i++) {
    const word = WORDS[i % WORDS.length];
    push();
    rotate((i / spokes) * TWO_PI);
    fill(i % 4 === 0 ? COLOURS[1] : i % 4 === 2 ? COLOURS[0] : INK);
    fit(word, 0.32 * unit, (2.4 / spokes) * 0.24 * unit * (i % 2 ? 1.6 : 2.6));
    text(word, (i % 2 ? 0.145 : 0.125) * unit, 0);
    pop();
  }
}

// A staircase of words, each in its own block.
function steps() {
  const unit = min(width, height);
  const margin = 0.07 * unit;
  const rows = min(WORDS.length, 9);
  const high = (height - 2 * margin) / rows;
  textAlign(LEFT, CENTER);
  textStyle(BOLD);
  for (let i = 0; i < rows; i++) {
    fit(WORDS[i], width * 0.62, high * 0.82);
    const wide = textWidth(WORDS[i]) + high * 0.36;
    const x = map(i, 0, max(1, rows - 1), margin, width - margin - wide);
    const block = COLOURS[i % COLOURS.length];
    fill(block);
    rect(constrain(x, margin, width - margin - wide), margin + i * high, wide, high * 0.94);
    fill(brightness(color(block)) > 62 && lightness(color(block)) > 48 ? "#1d1917" : "#fffaf0");
    text(WORDS[i], constrain(x, margin, width - margin - wide) + high * 0.18, margin + i * high + high * 0.48);
  }
}

// One word many times, its size swelling and shrinking like a voice.
function echo() {
  const unit = min(width, height);
  const margin = 0.07 * unit;
  let y = margin;
  textAlign(CENTER, TOP);
  textStyle(BOLD);
  for (let i = 0; y < height - margin; i++) {
    const swell = 0.5 - 0.5 * cos(((y - margin) / (height - 2 * margin)) * TWO_PI);
    const word = i % 5 === 4 ? WORDS[(1 + floor(i / 5)) % WORDS.length] : WORDS[0];
    fit(word, width * (0.2 + 0.66 * swell), unit * 0.2);
    const high = textSize() * 0.82;
    if (y + high > height - margin * 0.6) break;
    fill(i % 5 === 4 ? COLOURS[i % COLOURS.length] : lerpColor(color(PAPER), color(INK), 0.2 + 0.8 * swell));
    text(word, width / 2 + sin(i * 0.7) * 0.05 * unit, y);
    y += high;
  }
}

// A justified column: every word as wide as the page, its height by its length.
function column() {
  const unit = min(width, height);
  const margin = 0.08 * unit;
  const words = WORDS.slice(0, 10);
  textStyle(BOLD);
  textAlign(LEFT, BASELINE);
  const sizes = words.map(word => {
    fit(word, width - 2 * margin, 0.3 * unit);
    return textSize();
  });
  const squeeze = min(1, (height - 2 * margin) / (sizes.reduce((a, b) => a + b, 0) * 0.84));
  let y = margin + max(0, height - 2 * margin - sizes.reduce((a, b) => a + b, 0) * 0.84 * squeeze) / 2;
  words.forEach((word, i) => {
    push();
    y += sizes[i] * 0.84 * squeeze;
    textSize(sizes[i]);
    translate(margin, y);
    scale((width - 2 * margin) / max(1, textWidth(word)), squeeze);
    fill(i === LOUD % words.length ? COLOURS[0] : i % 3 === 1 ? COLOURS[1] : INK);
    text(word, 0, -sizes[i] * 0.06);
    pop();
  });
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("concrete_poem")
    mood = plan.reading.mood
    if len(plan.reading.keywords) < 3:
        arrangement = random.choice(("echo", "wheel"))
    elif mood.energy > 0.35:
        arrangement = random.choice(("wheel", "steps"))
    else:
        arrangement = random.choice(("column", "column", "steps", "echo"))
    return Composed(
        (
            Constant("WORDS", list(plan.reading.keywords[:16]), "the words"),
            Constant("ARRANGEMENT", arrangement, "wheel, steps, echo or column"),
            Constant("LOUD", random.randrange(6), "which word of a column is the loud one"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return 0.3 + (0.25 if not reading.mentions else 0) + (0.1 if reading.mood.energy > 0.3 else 0)


FAMILY = DrawingFamily(
    id="concrete_poem",
    name={"en": "Concrete poem", "de": "Konkrete Poesie"},
    lineage="concrete poetry of the 1950s: Gomringer, the Noigandres group",
    affinity=_affinity,
    compose=_compose,
)
