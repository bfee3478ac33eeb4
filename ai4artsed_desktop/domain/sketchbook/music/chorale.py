"""Chorale: four voices in chords, one chord per stress, a breath after every line."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const pipe = {
  harmonicity: 2,
  oscillator: { type: "sine" },
  modulation: { type: "triangle" },
  envelope: { attack: 0.09, decay: 0.2, sustain: 0.8, release: 0.7 },
};
const choir = [0, -0.35, 0.35, 0].map((side, i) => stand(new Tone.AMSynth(pipe), [-8, -14, -14, -15][i], 0.8, side));
const bars = barsThatFit(4, 4.5);
const lastBeat = bars * 4;

// The steps of a chord nearest to the melody: soprano above, the others below it, the bass on the root.
function voicesUnder(step) {
  const root =
    [0, 3, 4, 5].find(candidate => [0, 2, 4].some(third => (step - candidate - third) % 7 === 0)) ?? step - 2;
  const inner = [];
  for (let below = step - 1; inner.length < 2; below--)
    if ([0, 2, 4].some(third => (below - root - third) % 7 === 0)) inner.push(below);
  return [step, inner[0], inner[1], root];
}

function chord(beat, step, beats, loud) {
  voicesUnder(step).forEach((voiceStep, i) =>
    play(choir[i], beat, tone(voiceStep, i === 3 ? -1 : 0), beats * 0.97, loud),
  );
}

// Lines of LINE notes; the last note of a line is held, then all breathe.
let beat = 0;
for (let i = 0; beat < lastBeat - 4; i++) {
  const [step, , loud] = MELODY[i % MELODY.length];
  const isLineEnd = i % LINE === LINE - 1;
  const beats = isLineEnd ? 3 : 1;
  chord(beat, isLineEnd ? 2 * Math.round(step / 2) : step, beats, loud * 0.75);
  beat += isLineEnd ? 4 : 1;
}

// Amen: fourth, home.
chord(beat, 3, 2, 0.55);
for (const [voice, step, octave] of [
  [0, 7, 0],
  [1, 4, 0],
  [2, 2, 0],
  [3, 0, -1],
])
  play(choir[voice], beat + 2, tone(step, octave), 5, 0.55);
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    material = make_material(reading, 60, 84, ("major", "minor", "dorian", "mixolydian"))
    line = max(4, min(9, reading.sentence_words[0]))
    return Composed((*shared_constants(material, 3.8, 8.0), Constant("LINE", line, "chords in a line")), _BODY)


def _affinity(reading: Reading) -> float:
    solemn = reading.has("candle", "tower", "crown", "hand", "bread", "mountain", "tree")
    return 0.25 + (0.25 if solemn else 0) + (0.15 if reading.mood.energy < 0 else 0)


FORM = MusicalForm(
    id="chorale",
    name={"en": "Chorale", "de": "Choral"},
    lineage="four-part congregational song of the 16th to 18th centuries",
    affinity=_affinity,
    compose=_compose,
)
