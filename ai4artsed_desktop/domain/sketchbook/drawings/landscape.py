"""Landscape: a banded sky, hills one behind the other, weather, and the things in it."""

from dataclasses import replace

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.palettes import thing_colour
from ai4artsed_desktop.domain.sketchbook.reading import Reading
from ai4artsed_desktop.domain.sketchbook.stage import Stage, Thing

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  noiseSeed(SEED);
}

// Clouds drift, rain and snow fall; the land stays.
function draw() {
  randomSeed(SEED);
  sky();
  for (const thing of THINGS) if (thing.wide || thing.y < -0.05) place(drifting(thing));
  if (!HAS_BACKDROP) for (let i = 0; i < HILLS; i++) hills(i);
  for (const thing of THINGS) if (!thing.wide && thing.y >= -0.05) place(thing);
  if (WEATHER === "rain") rain();
  if (WEATHER === "snow") snow();
}

// The sky in flat bands, darker towards the top.
function sky() {
  noStroke();
  for (let i = 0; i < BANDS; i++) {
    fill(lerpColor(color(SKY_TOP), color(PAPER), i / (BANDS - 1)));
    rect(0, (height * 0.78 * i) / BANDS, width, height);
  }
  if (SHOW_LIGHT) {
    const unit = min(width, height);
    fill(LIGHT);
    circle(width / 2 + LIGHT_X * unit, height * 0.3, 0.2 * unit);
  }
}

// What floats moves a little to and fro.
function drifting(thing) {
  return thing.wide ? thing : { ...thing, x: thing.x + 0.012 * sin(frameCount * 0.02 + thing.y * 30) };
}

// One range of hills: a noise line, filled; nearer ones are lower, darker and rougher.
function hills(index) {
  const near = (index + 1) / HILLS;
  const base = height * (0.5 + 0.3 * near);
  fill(
    lerpColor(
      lerpColor(color(PAPER), color(COLOURS[LAND[index % LAND.length]]), 0.35 + 0.5 * near),
      color(INK),
      IS_DARK ? 0 : 0.12 * near,
    ),
  );
  noStroke();
  beginShape();
  vertex(0, height);
  for (let i = 0; i <= 120; i++) {
    const x = (i / 120) * width;
    const swell = noise((x / width) * (1.6 + ROUGH * near) + index * 7.3, index) - 0.5;
    vertex(x, base + swell * height * 0.3 * (1.15 - 0.6 * near));
  }
  vertex(width, height);
  endShape(CLOSE);
}

function rain() {
  const unit = min(width, height);
  stroke(IS_DARK ? "#ffffff66" : "#2b3a4a66");
  strokeWeight(0.002 * unit);
  for (let i = 0; i < 170; i++) {
    const speed = random(0.016, 0.024);
    const x = random(-0.1, 1.1) * width,
      y = ((random() + frameCount * speed) % 1.1) * height;
    line(x, y, x - 0.01 * unit, y + 0.04 * unit);
  }
}

function snow() {
  const unit = min(width, height);
  noStroke();
  fill(IS_DARK ? "#ffffffdd" : "#ffffff");
  for (let i = 0; i < 190; i++) {
    const speed = random(0.002, 0.005),
      start = random();
    const x = random() * width + sin(frameCount * 0.03 + i) * 0.012 * unit;
    circle(x, ((start + frameCount * speed) % 1.05) * height, random(0.004, 0.012) * unit);
  }
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    reading, palette = plan.reading, plan.palette
    random = reading.chance("landscape")
    cold = max(range(5), key=lambda index: random.random() + (1 if index in {1, 3} else 0))
    weather = "rain" if reading.has("rain", "lightning") else "snow" if reading.has("snow") else "none"
    constants = (
        Constant("IS_DARK", palette.is_dark, ""),
        Constant("SKY_TOP", palette.colours[cold], "the sky fades from this to PAPER"),
        Constant("BANDS", random.choice((5, 7, 9)), "bands of the sky"),
        Constant("HILLS", 4 + round(2 * reading.density), "ranges of hills"),
        Constant("ROUGH", round(2 + 5 * max(0.0, reading.mood.tension + 0.3 * reading.mood.energy), 2), "how jagged"),
        Constant("LAND", random.sample(range(5), 3), "which of COLOURS the hills take"),
        Constant("WEATHER", weather, "rain, snow or none"),
        Constant("SHOW_LIGHT", all(t.motif.habit != "sky" for t in plan.stage.things), "a sun or moon of its own"),
        Constant(
            "LIGHT",
            thing_colour("cream" if palette.is_dark else random.choice(("gold", "orange", "red")), palette, False),
            "",
        ),
        Constant("LIGHT_X", round(random.uniform(-0.28, 0.28), 2), "left or right of the middle"),
        Constant(
            "HAS_BACKDROP", any(t.motif.habit == "wide" for t in plan.stage.things), "sea, mountains … instead of hills"
        ),
    )
    return Composed(constants, _BODY, _outdoors(plan.stage))


def _outdoors(stage: Stage) -> Stage:
    """Things in a landscape are smaller; falling weather is animated by the family itself."""
    things: list[Thing] = []
    for thing in stage.things:
        if thing.motif.habit == "weather":
            continue
        if thing.is_wide or thing.motif.habit == "sky":
            things.append(thing)
            continue
        size = thing.size * 0.72
        things.append(replace(thing, x=thing.x * 0.86, y=thing.y * 0.72 + 0.1, size=size))
    return replace(stage, things=tuple(things))


def _affinity(reading: Reading) -> float:
    outdoors = reading.has(
        "mountain", "sea", "rain", "snow", "cloud", "sun", "moon", "forest", "grass", "island", "city", "rainbow"
    )
    return 0.75 if outdoors else 0.3


FAMILY = DrawingFamily(
    id="landscape",
    name={"en": "Landscape with weather", "de": "Landschaft mit Wetter"},
    lineage="layered landscapes, from woodblock prints to poster art",
    affinity=_affinity,
    compose=_compose,
    shows_things=True,
    moves=True,
)
