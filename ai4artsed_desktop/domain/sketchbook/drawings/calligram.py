"""Calligram: the text itself, written again and again, takes the shape of the things it names."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, DrawingFamily, DrawingPlan
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
function setup() {
  pixelDensity(1);
  createCanvas(WIDTH, HEIGHT);
  noLoop();
}

function draw() {
  rememberThings();
  const unit = min(width, height);
  textFont("Georgia,serif");
  textAlign(LEFT, CENTER);
  noStroke();
  writeLines(unit);
  caption(unit);
}

// Line after line of the text; letters over a thing are large and coloured, all others a whisper.
function writeLines(unit) {
  const line = LINE * unit;
  const margin = 0.06 * unit;
  const letters = Array.from(LETTERS);
  let next = 0;
  for (let y = margin; y < height - 0.1 * unit; y += line) {
    let x = margin;
    while (x < width - margin) {
      const letter = letters[next++ % letters.length];
      const tint = hiddenColour(x + line * 0.3, y);
      textSize(tint ? line * 1.12 : line * 0.72);
      textStyle(tint ? BOLD : NORMAL);
      fill(tint ? strong(tint) : WHISPER);
      text(letter, x, y);
      x += max(textWidth(letter), line * 0.2) + line * 0.07;
    }
  }
}

// Letters cover only part of the paper, so their colour is pulled towards the ink.
function strong(tint) {
  const isPale = abs(lightness(tint) - lightness(color(PAPER))) < 32;
  return lerpColor(tint, color(INK), isPale ? 0.42 : 0.14);
}

// The words that carry the text, small, at the foot of the page.
function caption(unit) {
  textStyle(ITALIC);
  textSize(0.021 * unit);
  textAlign(CENTER, CENTER);
  fill(INK);
  text(WORDS.join("  ·  "), width / 2, height - 0.052 * unit);
}
"""


def _compose(plan: DrawingPlan) -> Composed:
    letters = " ".join(plan.reading.words)[:1200] + " · "
    caption: list[str] = []
    for word in plan.reading.keywords:
        if sum(len(w) + 5 for w in (*caption, word)) < 76:
            caption.append(word)
    return Composed(
        (
            Constant("LETTERS", letters, "what is written"),
            Constant("WORDS", caption, "the caption"),
            Constant("LINE", 0.0165 if plan.reading.density < 0.6 else 0.015, "height of a line"),
            Constant("WHISPER", plan.palette.ink + "2b", "colour of the letters around the things (ink, almost clear)"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    return (0.3 if reading.mentions else 0.1) + (0.3 if reading.has("book", "letter", "heart", "rain", "guitar") else 0)


FAMILY = DrawingFamily(
    id="calligram",
    name={"en": "Calligram", "de": "Figurengedicht"},
    lineage="figured poems: from antiquity to Apollinaire's Calligrammes (1918)",
    affinity=_affinity,
    compose=_compose,
    hides_things=True,
)
