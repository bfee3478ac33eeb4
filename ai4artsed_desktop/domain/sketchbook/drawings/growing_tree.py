"""A tree that branches by rule; small things hang in it as fruit, the others stand beneath or fly above."""

from dataclasses import replace

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant, Name
from ai4artsed_desktop.domain.sketchbook.reading import Reading
from ai4artsed_desktop.domain.sketchbook.stage import Stage, Thing

_BODY = """
const tips = [];

function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
}

// It grows for 60 frames, then the leaves keep trembling.
function draw() {
  const grown = min(1, frameCount / 58);
  const unit = min(width, height);
  randomSeed(SEED);
  tips.length = 0;
  background(PAPER);
  noStroke();
  fill(lerpColor(color(PAPER), color(COLOURS[2]), 0.35));
  circle(width / 2 - ROOT_X * unit, height / 2 - 0.1 * unit, 0.68 * unit);
  for (const thing of THINGS) if (thing.wide || BEHIND.includes(thing.draw)) place(thing);
  hill(unit);
  push();
  translate(width / 2 + ROOT_X * unit, height / 2 + 0.41 * unit);
  branch(TRUNK * unit, 0.034 * unit, DEPTH, grown * (DEPTH + 1), -HALF_PI);
  pop();
  leaves(unit, grown);
  for (const thing of THINGS) if (BEFORE.includes(thing.draw)) place(thing, grown);
}

// The round hill it stands on.
function hill(unit) {
  noStroke();
  fill(lerpColor(color(PAPER), color(COLOURS[1]), 0.7));
  ellipse(width / 2 + ROOT_X * unit, height / 2 + 0.72 * unit, max(width, height) * 1.5, 0.66 * unit);
}

// One branch: a tapering line that ends in two or three thinner ones. life counts down from the trunk to the tips.
function branch(long, thick, depth, life, heading) {
  if (life <= 0) return;
  const part = min(1, life);
  const end = long * part;
  const x = cos(heading) * end,
    y = sin(heading) * end;
  stroke(INK);
  strokeWeight(thick);
  line(0, 0, x, y);
  push();
  translate(x, y);
  if (depth === 0) rememberTip(part);
  else {
    const forks = random() < FORKS ? 3 : 2;
    for (let i = 0; i < forks; i++) {
      const lean = map(i, 0, forks - 1, -SPREAD, SPREAD) * random(0.6, 1.3);
      const lift = -0.06 * cos(heading);
      branch(long * random(0.68, 0.86), thick * 0.68, depth - 1, life - 1, heading + lean + lift);
    }
  }
  pop();
}

// Where a branch ends on the canvas.
function rememberTip(part) {
  const m = drawingContext.getTransform();
  tips.push({ x: m.e, y: m.f, part });
}

// Leaves around every tip, fruit on some of them.
function leaves(unit, grown) {
  noStroke();
  tips.forEach((tip, i) => {
    for (let k = 0; k < LEAVES; k++) {
      const c = color(COLOURS[LEAF_COLOURS[(i + k) % LEAF_COLOURS.length]]);
      c.setAlpha(215);
      fill(c);
      const tremble = sin(frameCount * 0.05 + i) * 0.002;
      const x = tip.x + (randomGaussian(0, 0.014) + tremble) * unit,
        y = tip.y + randomGaussian(0, 0.014) * unit;
      push();
      translate(x, y);
      rotate(random(TWO_PI));
      ellipse(0, 0, random(0.012, 0.022) * unit * tip.part, random(0.006, 0.012) * unit * tip.part);
      pop();
    }
  });
  if (FRUIT.length === 0 || grown < 0.9) return;
  const every = max(1, floor(tips.length / 16));
  tips.forEach((tip, i) => {
    if (i % every !== 0 || tip.y > height / 2 + 0.26 * unit) return;
    const fruit = FRUIT[floor(i / every) % FRUIT.length];
    push();
    translate(tip.x, tip.y + 0.03 * unit);
    scale(0.075 * unit);
    noStroke();
    fruit.draw(fruit.colour);
    pop();
  });
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("growing_tree")
    mood = plan.reading.mood
    fruit = {t.motif.id: {"draw": Name(t.motif.function), "colour": t.colour} for t in plan.stage.things if _hangs(t)}
    constants = (
        Constant("DEPTH", 8 if mood.energy < 0.2 else 9, "how often it branches"),
        Constant("SPREAD", round(0.3 + 0.18 * (mood.energy + 1) / 2 + random.uniform(0, 0.1), 2), "angle of a fork"),
        Constant("FORKS", 0.12, "how often a fork has three branches"),
        Constant("TRUNK", 0.172, "length of the trunk"),
        Constant("ROOT_X", round(random.uniform(-0.1, 0.1), 2), "left or right of the middle"),
        Constant("LEAVES", 1 if mood.valence < -0.35 else 3, "leaves per tip"),
        Constant("LEAF_COLOURS", random.sample(range(5), 3), "which of COLOURS"),
        Constant("FRUIT", list(fruit.values()), "what hangs in the tree"),
        Constant("BEHIND", [Name(name) for name in _functions(plan, {"sky"}, True)], "things behind the tree"),
        Constant(
            "BEFORE", [Name(name) for name in _functions(plan, {"ground", "water", "sky"}, False)], "and before it"
        ),
    )
    return Composed(constants, _BODY, _rearranged(plan.stage))


_LIGHTS = {"sun", "moon", "star", "planet", "rainbow", "cloud", "lightning"}


def _hangs(thing: Thing) -> bool:
    return thing.motif.habit == "small"


def _functions(plan: DrawingPlan, habits: set[str], are_lights: bool) -> list[str]:
    motifs = [t.motif for t in plan.stage.things if t.motif.habit in habits and t.motif.id != "tree"]
    return list(dict.fromkeys(m.function for m in motifs if (m.id in _LIGHTS) == are_lights))


def _rearranged(stage: Stage) -> Stage:
    """Make room for the tree: what stands goes left and right of the trunk, lights go to the upper corners."""
    things: list[Thing] = []
    placed = 0
    for thing in stage.things:
        if thing.is_wide or _hangs(thing) or thing.motif.id == "tree":
            things.append(thing)
            continue
        size = min(thing.size, 0.2)
        side, place = (-1 if placed % 2 else 1), placed // 2
        placed += 1
        if thing.motif.habit == "sky":
            things.append(replace(thing, x=side * (0.38 - 0.15 * place), y=-0.33 - 0.04 * place, size=size))
        else:
            things.append(replace(thing, x=side * (0.24 + 0.16 * place), y=0.42 - size / 2, size=size))
    return replace(stage, things=tuple(things))


def _affinity(reading: Reading) -> float:
    return (
        0.9
        if reading.has("tree", "forest", "leaf")
        else 0.33 + (0.2 if reading.has("flower", "apple", "cherry", "owl") else 0)
    )


FAMILY = DrawingFamily(
    id="growing_tree",
    name={"en": "Growing tree", "de": "Wachsender Baum"},
    lineage="recursive plants after Aristid Lindenmayer (1968)",
    affinity=_affinity,
    compose=_compose,
    shows_things=True,
    moves=True,
)
