"""Truchet tiles: quarter circles turned by chance; finer tiles where a thing stands."""

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
  rememberThings();
  const unit = min(width, height);
  const tile = (unit * 0.9) / TILES;
  const columns = floor((width * 0.9 + 1) / tile),
    rows = floor((height * 0.9 + 1) / tile);
  const left = (width - columns * tile) / 2,
    top = (height - rows * tile) / 2;
  noStroke();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) tileAt(left + column * tile, top + row * tile, tile, 0);
}

// A tile; if it touches a thing it is divided into four smaller ones, twice.
function tileAt(x, y, size, depth) {
  const busy = standsIn(x, y, size);
  if (depth < 2 && busy) {
    const half = size / 2;
    for (const [dx, dy] of [
      [0, 0],
      [half, 0],
      [0, half],
      [half, half],
    ])
      tileAt(x + dx, y + dy, half, depth + 1);
    return;
  }
  const here = hiddenColour(x + size / 2, y + size / 2);
  const zone = floor(noise((x / width) * 2.4, (y / height) * 2.4) * 9) % COLOURS.length;
  const wave = lerpColor(color(PAPER), color(COLOURS[zone]), 0.42);
  paintTile(
    x,
    y,
    size,
    here ? here : lerpColor(wave, color(PAPER), 0.72),
    here ? lerpColor(here, color(PAPER), 0.35) : wave,
  );
}

// True if a thing stands anywhere in the square.
function standsIn(x, y, size) {
  for (let i = 0; i <= 4; i++)
    for (let j = 0; j <= 4; j++) if (hiddenColour(x + (i / 4) * size, y + (j / 4) * size)) return true;
  return false;
}

// Two bands around opposite corners; which corners is chance.
function paintTile(x, y, size, back, front) {
  push();
  translate(x + size / 2, y + size / 2);
  rotate(random() < 0.5 ? 0 : HALF_PI);
  const h = size / 2;
  fill(back);
  rect(-h - 0.3, -h - 0.3, size + 0.6, size + 0.6);
  noFill();
  stroke(front);
  strokeCap(SQUARE);
  for (let band = 0; band < BANDS; band++) {
    strokeWeight((size * 0.52) / (BANDS * 1.7));
    const reach = size * (BANDS === 1 ? 1 : 0.6 + (0.8 * band) / (BANDS - 1));
    arc(-h, -h, reach, reach, 0, HALF_PI);
    arc(h, h, reach, reach, PI, PI + HALF_PI);
  }
  pop();
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("truchet_tiles")
    return Composed(
        (
            Constant("TILES", random.choice((10, 12, 14)), "tiles along the shorter side"),
            Constant("BANDS", random.choice((1, 2, 3)), "bands per tile"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return 0.38 + 0.2 * max(0.0, reading.mood.tension - 0.2) + (0.1 if reading.has("snake", "city", "machine") else 0)


FAMILY = DrawingFamily(
    id="truchet_tiles",
    name={"en": "Truchet tiles", "de": "Truchet-Fliesen"},
    lineage="tiles of Sébastien Truchet (1704), with Cyril Smith's arcs (1987)",
    affinity=_affinity,
    compose=_compose,
    hides_things=True,
)
