"""Change ringing: bells in ever new orders, one pair of neighbours swapping after the other."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const bells = stand(
  new Tone.PolySynth(Tone.FMSynth, {
    harmonicity: 1.41,
    modulationIndex: 9,
    envelope: { attack: 0.003, decay: 2.2, sustain: 0, release: 1.5 },
    modulationEnvelope: { attack: 0.002, decay: 0.9, sustain: 0, release: 0.4 },
  }),
  -13,
  0.6,
);
const tenor = stand(
  new Tone.FMSynth({
    harmonicity: 2.4,
    modulationIndex: 4,
    envelope: { attack: 0.004, decay: 3, sustain: 0, release: 2 },
  }),
  -11,
  0.7,
  -0.3,
);

// After every row neighbours swap: first the pairs 1-2, 3-4 …, then the pairs 2-3, 4-5 … ("plain hunt").
function changed(row, isOdd) {
  const next = [...row];
  for (let i = isOdd ? 0 : 1; i + 1 < next.length; i += 2) [next[i], next[i + 1]] = [next[i + 1], next[i]];
  return next;
}

const STEP = 0.5;
const rowBeats = PEAL.length * STEP + STEP; // a breath after every row
const rows = barsThatFit(rowBeats, 4);
let row = PEAL.map((_, i) => i);
for (let n = 0; n < rows; n++) {
  row.forEach((bell, i) => {
    const loud = 0.5 + 0.3 * (bell === 0) + 0.05 * Math.sin(n + i);
    play(bells, n * rowBeats + i * STEP, tone(PEAL[bell], 1), 2.5, loud);
  });
  if (n % TENOR === 0) play(tenor, n * rowBeats, tone(0, -1), 5, 0.7);
  row = changed(row, n % 2 === 0);
}

// All together, twice.
for (const again of [0, 2])
  PEAL.forEach((step, i) => play(bells, rows * rowBeats + again + i * 0.02, tone(step, 1), 4, 0.45));
play(tenor, rows * rowBeats, tone(0, -1), 5, 0.8);
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    material = make_material(reading, 92, 140, ("major", "major pentatonic", "dorian", "lydian", "minor pentatonic"))
    size = 5 + len(reading.words) % 4
    wanted = [step for step, _, _ in material.melody] + list(range(12))
    peal = sorted(list(dict.fromkeys(wanted))[:size], reverse=True)
    return Composed(
        (
            *shared_constants(material, 3.6, 6.0),
            Constant("PEAL", peal, "the bells, from high to low: steps the letters spell"),
            Constant("TENOR", 2 + reading.root % 3, "the deep bell sounds in every how manieth row"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    ringing = reading.has("bell", "tower", "clock", "crown", "star", "letter", "window")
    return 0.25 + (0.3 if ringing else 0) + 0.1 * max(0.0, reading.mood.valence)


FORM = MusicalForm(
    id="change_ringing",
    name={"en": "Change ringing", "de": "Wechselläuten"},
    lineage="English change ringing, Fabian Stedman: Tintinnalogia (1668)",
    affinity=_affinity,
    compose=_compose,
)
