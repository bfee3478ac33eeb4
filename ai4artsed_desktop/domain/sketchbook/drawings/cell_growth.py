"""Cellular automaton: the letters are the first row, a rule grows the rest."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
let row = [];
let rowIndex = 0;

function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  background(PAPER);
  noStroke();
  row = firstRow();
}

// All rows within 60 frames, then it rests.
function draw() {
  const rows = floor((height - 2 * margin()) / cellSize());
  const goal = ceil((rows * min(frameCount, 60)) / 60);
  for (; rowIndex < goal; rowIndex++) {
    drawRow(rowIndex);
    row = nextRow(row);
  }
  if (rowIndex >= rows) noLoop();
}

const margin = () => 0.07 * min(width, height);
const cellSize = () => (width - 2 * margin()) / CELLS;

// The bits of the letters, in the middle of an empty row.
function firstRow() {
  const cells = new Array(CELLS).fill(0);
  const start = floor((CELLS - BITS.length) / 2);
  [...BITS].forEach((bit, i) => {
    cells[start + i] = Number(bit);
  });
  return cells;
}

// Each cell looks at itself and its two neighbours: eight cases, eight answers, the bits of RULE.
function nextRow(cells) {
  return cells.map((cell, i) => {
    const left = cells[(i + CELLS - 1) % CELLS],
      right = cells[(i + 1) % CELLS];
    const pattern = left * 4 + cell * 2 + right;
    return (RULE >> pattern) & 1;
  });
}

// Full cells take a colour by how many neighbours they have and how far down they are.
function drawRow(y) {
  const size = cellSize();
  const zone = floor(y / ZONE);
  row.forEach((cell, i) => {
    if (!cell) return;
    const crowd = row[(i + CELLS - 1) % CELLS] + row[(i + 1) % CELLS];
    fill(crowd === 2 ? INK : COLOURS[(zone + crowd * 2) % COLOURS.length]);
    const x = margin() + i * size,
      top = margin() + y * size;
    if (SHAPE === "dot") circle(x + size / 2, top + size / 2, size * 0.92);
    else if (SHAPE === "leaf") rect(x, top, size * 0.98, size * 0.98, size * 0.7, 0, size * 0.7, 0);
    else rect(x, top, size * 0.94, size * 0.94);
  });
}
"""

#: Rules whose patterns are rich (numbering and classes: S. Wolfram, "A New Kind of Science", 2002, chapter 3).
_CALM_RULES = (18, 22, 26, 60, 90, 102, 126, 146, 150)
_WILD_RULES = (30, 45, 73, 75, 89, 101, 105, 110, 124, 135)


def _compose(plan: DrawingPlan) -> Composed:
    reading = plan.reading
    random = reading.chance("cell_growth")
    rules = _WILD_RULES if reading.mood.energy + reading.mood.tension > 0.25 else _CALM_RULES
    letters = "".join(reading.words)[:7]
    cells = random.choice((81, 97, 113))
    bits = "".join(f"{ord(letter) & 0xFF:08b}" for letter in letters[:2])
    return Composed(
        (
            Constant("RULE", rules[sum(map(ord, letters)) % len(rules)], "0 to 255; try 30, 90, 110 or 150"),
            Constant("CELLS", cells, "cells in a row"),
            Constant("BITS", bits if "1" in bits else "1", "the first row: the first letters as ones and zeros"),
            Constant("ZONE", random.randint(9, 24), "rows until the colours move on"),
            Constant("SHAPE", random.choice(("square", "dot", "leaf")), "square, dot or leaf"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    mechanical = reading.has("machine", "robot", "clock", "city", "key", "snow")
    return 0.4 + (0.25 if mechanical else 0) + (0.15 if not reading.mentions else 0)


FAMILY = DrawingFamily(
    id="cell_growth",
    name={"en": "Cellular automaton", "de": "Zellautomat"},
    lineage="elementary cellular automata, Stephen Wolfram (1983)",
    affinity=_affinity,
    compose=_compose,
    moves=True,
)
