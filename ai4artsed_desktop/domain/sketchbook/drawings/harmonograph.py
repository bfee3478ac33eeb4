"""Harmonograph: the curve of four swinging pendulums; their beats are the beats of the words."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
let drawn = 0;

function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  background(PAPER);
  noFill();
  frameLine();
  measure();
}

// The pen needs 60 frames for its way.
function draw() {
  const goal = floor((POINTS * min(frameCount, 60)) / 60);
  const unit = min(width, height);
  for (let pen = 0; pen < PENS; pen++) {
    for (let i = drawn; i < goal; i++) {
      const t = (i / POINTS) * SWINGS * TWO_PI;
      const [x, y] = onTable(penAt(t, pen)),
        [nx, ny] = onTable(penAt(t + (SWINGS * TWO_PI) / POINTS, pen));
      const c = lerpColor(
        color(COLOURS[pen % COLOURS.length]),
        color(COLOURS[(pen + 2) % COLOURS.length]),
        i / POINTS,
      );
      c.setAlpha(225);
      stroke(c);
      strokeWeight((0.0009 + 0.0016 * exp((-i / POINTS) * 2)) * unit);
      line(x, y, nx, ny);
    }
  }
  drawn = goal;
  if (drawn >= POINTS) noLoop();
}

// Two pendulums move the pen left and right, two up and down; each swing is a little smaller than the last.
function penAt(t, pen) {
  const fade = exp(-t * FADE);
  const turn = pen * PEN_STEP;
  const x = sin(BEATS[0] * t + PHASES[0] + turn) + sin(BEATS[1] * DETUNE * t + PHASES[1]);
  const y = sin(BEATS[2] * DETUNE * t + PHASES[2] - turn) + sin(BEATS[3] * t + PHASES[3]);
  return [x * fade, y * fade];
}

// How far the curve reaches, so that it fills the frame.
let box = [0, 0, 0, 0];
function measure() {
  for (let pen = 0; pen < PENS; pen++)
    for (let i = 0; i < POINTS; i += 3) {
      const [x, y] = penAt((i / POINTS) * SWINGS * TWO_PI, pen);
      box = [min(box[0], x), max(box[1], x), min(box[2], y), max(box[3], y)];
    }
}

// From pendulum to canvas: centred, as large as the frame allows, at most twice as wide as high or high as wide.
function onTable([x, y]) {
  const w = box[1] - box[0],
    h = box[3] - box[2];
  const sx = (0.8 * width) / max(w, h * 0.6),
    sy = (0.8 * height) / max(h, w * 0.6);
  return [width / 2 + (x - (box[0] + box[1]) / 2) * sx, height / 2 + (y - (box[2] + box[3]) / 2) * sy];
}

// A thin frame, like the edge of the drawing table.
function frameLine() {
  const unit = min(width, height);
  stroke(INK);
  strokeWeight(0.0016 * unit);
  rect(0.045 * unit, 0.045 * unit, width - 0.09 * unit, height - 0.09 * unit);
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    reading = plan.reading
    random = reading.chance("harmonograph")
    syllables = [min(5, count) for count in (*reading.syllables, 2, 3, 1, 2)]
    beats = [syllables[0], syllables[1], syllables[len(reading.syllables) // 2], syllables[len(reading.syllables) - 1]]
    if beats[0] == beats[2]:
        beats[2] += 1  # equal beats in both directions give a bare line
    return Composed(
        (
            Constant("BEATS", beats, "syllables of four words: how often each pendulum swings"),
            Constant("PHASES", [round(random.uniform(0, 6.28), 2) for _ in range(4)], "where each pendulum starts"),
            Constant("DETUNE", round(1 + random.choice((-1, 1)) * random.uniform(0.0015, 0.006), 4), "1 = it closes"),
            Constant("FADE", round(0.0035 + 0.004 * (1 - reading.mood.energy) / 2, 4), "how fast it comes to rest"),
            Constant("SWINGS", 34 + round(14 * reading.density), ""),
            Constant("POINTS", 6000, "points of each curve"),
            Constant("PENS", random.choice((2, 3)), "how many pens draw at once"),
            Constant("PEN_STEP", round(random.uniform(0.25, 0.8), 2), "from pen to pen, in radians"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return (
        0.25
        + (0.2 if not reading.mentions else 0)
        + (0.3 if reading.has("guitar", "bell", "dancer", "clock", "planet") else 0)
    )


FAMILY = DrawingFamily(
    id="harmonograph",
    name={"en": "Harmonograph", "de": "Harmonograph"},
    lineage="drawing pendulums of the 19th century, after Lissajous (1857)",
    affinity=_affinity,
    compose=_compose,
    moves=True,
)
