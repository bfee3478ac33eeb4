"""Constellation: stars along the outline of the things, joined by fine lines, named with the words."""

from ai4artsed_desktop.domain.sketchbook.colours import Oklch, to_hex
from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const stars = [];
const links = [];

function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  randomSeed(SEED);
  rememberThings();
  findStars();
  findLinks();
}

// The sky is drawn new in every frame, so that the stars can twinkle.
function draw() {
  const unit = min(width, height);
  randomSeed(SEED);
  nightSky(unit);
  joinStars(unit);
  stars.forEach((star, i) => shine(star, i, unit));
  labels(unit);
}

// Stars sit on the edges of the hidden picture, never closer than GAP.
function findStars() {
  const unit = min(width, height);
  const d = 0.006 * unit;
  for (let i = 0; i < 60000 && stars.length < STARS; i++) {
    const x = random(0.07 * width, 0.93 * width),
      y = random(0.07 * height, 0.9 * height);
    const tint = hiddenColour(x, y);
    if (tint === null || !isEdge(x, y, d, tint)) continue;
    if (stars.every(star => dist(star.x, star.y, x, y) > GAP * unit)) stars.push({ x, y, tint, big: random() ** 3 });
  }
}

// An edge: a step to the side leads out of the thing or into another colour.
function isEdge(x, y, d, tint) {
  for (const [dx, dy] of [
    [d, 0],
    [-d, 0],
    [0, d],
    [0, -d],
  ]) {
    const next = hiddenColour(x + dx, y + dy);
    if (next === null) return true;
    if (abs(lightness(next) - lightness(tint)) > 26) return true;
  }
  return false;
}

// A deep sky with a milky way of dust and the rings of a star chart.
function nightSky(unit) {
  background(NIGHT);
  noStroke();
  for (let i = 0; i < 1500; i++) {
    const along = random(-0.8, 0.8),
      off = randomGaussian(0, 0.11);
    const x = width / 2 + (along * cos(WAY) - off * sin(WAY)) * unit * 1.2,
      y = height / 2 + (along * sin(WAY) + off * cos(WAY)) * unit * 1.2;
    fill(255, random(12, 90));
    circle(x, y, random(0.0008, 0.0026) * unit);
  }
  noFill();
  stroke(255, 30);
  strokeWeight(0.0012 * unit);
  for (const r of [0.5, 0.7, 0.88]) circle(width / 2, height / 2, r * unit);
  for (let i = 0; i < 12; i++)
    line(
      width / 2,
      height / 2,
      width / 2 + cos((i * PI) / 6) * 0.44 * unit,
      height / 2 + sin((i * PI) / 6) * 0.44 * unit,
    );
}

// Each star is joined to its two nearest neighbours, if they are near enough.
function findLinks() {
  const unit = min(width, height);
  const gap = (a, b) => dist(a.x, a.y, b.x, b.y);
  for (const star of stars) {
    const near = stars.filter(other => other !== star && gap(other, star) < 0.11 * unit);
    near.sort((a, b) => gap(a, star) - gap(b, star));
    for (const other of near.slice(0, 2)) links.push([star, other]);
  }
}

function joinStars(unit) {
  strokeWeight(0.0018 * unit);
  for (const [star, other] of links) {
    stroke(lerpColor(star.tint, color(255), 0.35));
    line(star.x, star.y, other.x, other.y);
  }
}

// A point of light with a faint halo; the big ones have rays.
function shine(star, index, unit) {
  const glow = 0.8 + 0.2 * sin(frameCount * 0.06 + index * 1.7);
  const r = (0.0045 + 0.008 * star.big) * unit * glow;
  const c = lerpColor(star.tint, color(255), 0.55);
  noStroke();
  c.setAlpha(40);
  fill(c);
  circle(star.x, star.y, r * 4.5);
  c.setAlpha(255);
  fill(c);
  circle(star.x, star.y, r * 1.3);
  if (star.big < 0.4) return;
  stroke(c);
  strokeWeight(0.0014 * unit);
  line(star.x - r * 2.6, star.y, star.x + r * 2.6, star.y);
  line(star.x, star.y - r * 2.6, star.x, star.y + r * 2.6);
}

// The words, small, around the outer ring of the chart.
function labels(unit) {
  textFont("Georgia,serif");
  textStyle(ITALIC);
  textSize(0.019 * unit);
  textAlign(CENTER, CENTER);
  noStroke();
  fill(255, 190);
  WORDS.forEach((word, i) => {
    push();
    const angle = -HALF_PI + (i / WORDS.length) * TWO_PI;
    translate(width / 2 + cos(angle) * 0.462 * unit, height / 2 + sin(angle) * 0.462 * unit);
    rotate(angle + (sin(angle) > 0.01 ? -HALF_PI : HALF_PI));
    text(word, 0, 0);
    pop();
  });
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("constellation")
    hue = random.choice((255, 265, 280, 215, 300))
    night = plan.palette.paper if plan.palette.is_dark else to_hex(Oklch(0.22, 0.05, hue))
    return Composed(
        (
            Constant("NIGHT", night, "colour of the sky"),
            Constant("WORDS", list(plan.reading.keywords[:10]), "written around the chart"),
            Constant("STARS", 190, "how many at most"),
            Constant("GAP", 0.019, "stars are never closer than this"),
            Constant("WAY", round(random.uniform(0, 3.14), 2), "direction of the milky way"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    celestial = reading.has("star", "moon", "planet", "rocket", "owl", "ghost")
    return 0.25 + 0.45 * reading.mood.darkness + (0.25 if celestial else 0)


FAMILY = DrawingFamily(
    id="constellation",
    name={"en": "Constellation", "de": "Sternbild"},
    lineage="star charts since Johann Bayer's Uranometria (1603)",
    affinity=_affinity,
    compose=_compose,
    hides_things=True,
    moves=True,
)
