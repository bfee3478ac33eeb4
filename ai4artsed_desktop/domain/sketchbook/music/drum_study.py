"""Drum study: each word is a rhythm, its syllables spread as evenly as possible over its letters."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const kit = [
  stand(
    new Tone.MembraneSynth({ octaves: 5, pitchDecay: 0.05, envelope: { attack: 0.001, decay: 0.4, sustain: 0 } }),
    -6,
    0.2,
  ),
  stand(
    new Tone.MembraneSynth({ octaves: 2, pitchDecay: 0.02, envelope: { attack: 0.001, decay: 0.25, sustain: 0 } }),
    -10,
    0.35,
    -0.5,
  ),
  stand(
    new Tone.MembraneSynth({ octaves: 1.5, pitchDecay: 0.01, envelope: { attack: 0.001, decay: 0.14, sustain: 0 } }),
    -10,
    0.35,
    0.5,
  ),
  stand(
    new Tone.FMSynth({
      harmonicity: 5.2,
      modulationIndex: 8,
      envelope: { attack: 0.001, decay: 0.12, sustain: 0, release: 0.05 },
    }),
    -17,
    0.4,
    0.75,
  ),
];
const shaker = stand(
  new Tone.NoiseSynth({ noise: { type: "white" }, envelope: { attack: 0.004, decay: 0.05, sustain: 0 } }),
  -25,
  0.3,
  -0.75,
);
const tuned = stand(
  new Tone.PolySynth(Tone.FMSynth, {
    harmonicity: 3,
    modulationIndex: 1.5,
    envelope: { attack: 0.002, decay: 0.3, sustain: 0, release: 0.2 },
  }),
  -16,
  0.5,
  0.1,
);
const pitches = [52, 110, 165, 620];

// Spread hits as evenly as possible over steps (a Euclidean rhythm).
function evenly(hits, steps) {
  return Array.from(
    { length: steps },
    (_, i) => Math.floor((i * hits) / steps) !== Math.floor(((i - 1 + steps) * hits) / steps) - (i === 0 ? hits : 0),
  );
}

const STEP = 0.25;
const bars = barsThatFit(4, 2);
const steps = bars * 16;
RHYTHMS.forEach(({ hits, length }, player) => {
  const pattern = evenly(hits, length);
  const enters = player * ENTER * 16; // one player after the other
  for (let i = enters; i < steps; i++) {
    if (!pattern[i % length]) continue;
    if (i > steps * 0.62 && i < steps * 0.74 && player !== LISTENS) continue; // a break: one plays alone
    const loud = 0.55 + 0.35 * (i % length === 0) + 0.1 * (i % 16 === 0);
    play(kit[player % kit.length], i * STEP, pitches[player % kit.length], 0.2, Math.min(1, loud));
  }
});

// A shaker marks the time, tuned wood spells the letters in the second half.
for (let i = 0; i < steps; i += 2) hit(shaker, i * STEP, 0.05, i % 8 === 4 ? 0.8 : 0.4);
for (let i = Math.floor(steps / 2); i < steps; i++) {
  if (!evenly(RHYTHMS[0].hits, RHYTHMS[0].length)[i % RHYTHMS[0].length]) continue;
  const [step, , loud] = MELODY[i % MELODY.length];
  play(tuned, i * STEP, tone(step, 1), 0.4, loud * 0.7);
}

// One stroke of all ends it.
kit.forEach((drum, player) => play(drum, bars * 4, pitches[player], 0.4, 0.9));
play(tuned, bars * 4, [tone(0), tone(4)], 1, 0.7);
"""


def _compose(reading: Reading, duration_s: float) -> Composed:
    random = reading.chance("drum_study")
    material = make_material(reading, 92, 136, ("minor pentatonic", "major pentatonic", "dorian"))
    words = sorted(zip(reading.keywords, map(len, reading.keywords), strict=True), key=lambda pair: -pair[1])[:4]
    rhythms: list[dict[str, object]] = []
    for index in range(4):
        letters = words[index % len(words)][1]
        length = (16, 12, 16, 8)[index] if letters < 5 else (16, 12, 14, 16)[index]
        rhythms.append({"hits": max(2, min(length - 3, 2 + (letters + index * 2) % 8)), "length": length})
    return Composed(
        (
            *shared_constants(material, 1.2, 1.5),
            Constant("RHYTHMS", rhythms, "for each player: so many hits in so many steps"),
            Constant("ENTER", 1 if duration_s < 30 else 2, "bars until the next player enters"),
            Constant("LISTENS", random.randrange(4), "who plays alone in the break"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    beating = reading.has("machine", "rain", "fire", "heart", "horse", "lightning", "hand", "dancer")
    return 0.2 + 0.35 * max(0.0, reading.mood.energy) + (0.2 if beating else 0)


FORM = MusicalForm(
    id="drum_study",
    name={"en": "Drum study", "de": "Trommelstudie"},
    lineage="Euclidean rhythms, described by Godfried Toussaint (2005), found in music of many continents",
    affinity=_affinity,
    compose=_compose,
)
