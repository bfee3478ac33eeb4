"""Rosette: the things repeated in rings, turned and mirrored, like painted plates and folk ornament."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant, Name
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
}

// The rings turn very slowly against each other.
function draw() {
  const unit = min(width, height);
  background(PAPER);
  translate(width / 2, height / 2);
  plate(unit);
  RINGS.forEach((ring, i) => drawRing(ring, i, unit));
  push();
  scale(CENTRE.size * unit);
  noStroke();
  CENTRE.draw(CENTRE.colour);
  pop();
}

// The plate: broad bands of quiet colour.
function plate(unit) {
  noStroke();
  BANDS.forEach((band, i) => {
    fill(lerpColor(color(PAPER), color(COLOURS[band.colour]), i === 0 ? 0.85 : 0.3 + 0.14 * i));
    circle(0, 0, band.size * unit);
  });
  fill(PAPER);
  circle(0, 0, CENTRE.size * 1.5 * unit);
}

// One ring of things, their feet towards the middle; between them petals and dots.
function drawRing(ring, index, unit) {
  const turn = frameCount * 0.0006 * (index % 2 ? -1 : 1);
  for (let i = 0; i < ring.count; i++) {
    push();
    rotate((i / ring.count) * TWO_PI + turn);
    translate(0, -ring.radius * unit);
    noStroke();
    if (ring.draw) {
      scale((i % 2 && ring.mirror ? -1 : 1) * ring.size * unit, ring.size * unit);
      ring.draw(ring.colour);
    } else {
      fill(COLOURS[(index * 2 + (i % 2)) % COLOURS.length]);
      ellipse(0, 0, ring.size * 0.42 * unit, ring.size * unit);
      fill(PAPER);
      circle(0, -ring.size * 0.2 * unit, ring.size * 0.16 * unit);
    }
    pop();
  }
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    random = plan.reading.chance("rosette")
    whole = {t.motif.id: t for t in plan.stage.things if not t.is_wide} or {t.motif.id: t for t in plan.stage.things}
    things = list(whole.values())
    centre, others = things[0], things[1:] or things[:1]
    base = 3 + sum(plan.reading.syllables) % 5
    rings: list[dict[str, object]] = []
    for index, (radius, size) in enumerate(((0.185, 0.1), (0.295, 0.125), (0.405, 0.1))):
        count = (
            base * (index + 2)
            if base * (index + 2) <= round(radius * 6.28 / size * 1.05)
            else round(radius * 6.0 / size)
        )
        ring: dict[str, object] = {"radius": radius, "size": size, "count": count}
        if index > 0:
            thing = others[(index - 1) % len(others)] if index == 1 or len(others) > 1 else centre
            ring |= {"draw": Name(thing.motif.function), "colour": thing.colour, "mirror": count % 2 == 0}
        rings.append(ring)
    colours = random.sample(range(5), 3)
    bands = [{"size": s, "colour": c} for s, c in zip((0.94, 0.72, 0.48), colours, strict=True)]
    return Composed(
        (
            Constant(
                "CENTRE", {"draw": Name(centre.motif.function), "colour": centre.colour, "size": 0.16}, "in the middle"
            ),
            Constant("RINGS", rings, "from the inside out: distance, size, how many, what"),
            Constant("BANDS", bands, "bands of the plate, from the outside in"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return (
        0.28
        + 0.25 * max(0.0, reading.mood.valence)
        + (0.15 if reading.has("flower", "bird", "heart", "butterfly", "sun") else 0)
    )


FAMILY = DrawingFamily(
    id="rosette",
    name={"en": "Rosette", "de": "Rosette"},
    lineage="ornament of plates, windows and folk art",
    affinity=_affinity,
    compose=_compose,
    shows_things=True,
    moves=True,
)
