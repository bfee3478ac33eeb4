"""March: steady drums, a bass that walks in fourths, the letters as a fanfare."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const brass = stand(
  new Tone.Synth({
    oscillator: { type: "sawtooth" },
    envelope: { attack: 0.03, decay: 0.15, sustain: 0.55, release: 0.15 },
  }),
  -15,
  0.35,
  0.15,
);
const second = stand(
  new Tone.Synth({
    oscillator: { type: "square" },
    envelope: { attack: 0.03, decay: 0.15, sustain: 0.4, release: 0.15 },
  }),
  -23,
  0.35,
  -0.35,
);
const tuba = stand(
  new Tone.Synth({
    oscillator: { type: "triangle" },
    envelope: { attack: 0.02, decay: 0.25, sustain: 0.3, release: 0.1 },
  }),
  -8,
  0.2,
);
const drum = stand(new Tone.MembraneSynth({ octaves: 4, pitchDecay: 0.04 }), -9, 0.2);
const snare = stand(
  new Tone.NoiseSynth({ noise: { type: "white" }, envelope: { attack: 0.001, decay: 0.12, sustain: 0 } }),
  -19,
  0.3,
  0.2,
);
const bars = barsThatFit(4, 2.5);

// Left, right, left, right: drum and tuba on the beat, the snare between, a roll before every fourth bar.
for (let bar = 0; bar < bars; bar++) {
  const root = CHORDS[bar % CHORDS.length];
  for (let beat = 0; beat < 4; beat++) {
    const at = bar * 4 + beat;
    if (beat % 2 === 0) play(drum, at, 55, 0.4, 0.8);
    play(tuba, at, tone(beat % 2 ? root - 3 : root, -1), 0.6, 0.75);
    SNARE.forEach((loud, i) => {
      if (loud > 0) hit(snare, at + i / SNARE.length, 0.12, loud * (beat % 2 ? 0.8 : 0.5));
    });
  }
  if (bar % 4 === 3) for (let i = 0; i < 8; i++) hit(snare, bar * 4 + 3 + i / 8, 0.1, 0.25 + i * 0.06);
}

// The fanfare: the melody in dotted march rhythm, the second voice two steps below, silent in every fourth bar.
const rhythm = [1, 0.75, 0.25, 1, 1, 0.75, 0.25, 2, 1];
let beat = 4;
for (let i = 0; beat < (bars - 1) * 4; i++) {
  const [step, , loud] = MELODY[i % MELODY.length];
  const beats = rhythm[i % rhythm.length];
  play(brass, beat, tone(step, 1), beats * 0.8, loud);
  if (i % 2 === 0) play(second, beat, tone(step - 2, 1), beats * 0.8, loud * 0.8);
  beat += beats;
  if (i % rhythm.length === rhythm.length - 1) beat = Math.ceil(beat / 4) * 4;
}

// Halt.
const end = bars * 4;
play(brass, end, tone(0, 1), 1.5, 0.9);
play(second, end, tone(4), 1.5, 0.8);
play(tuba, end, tone(0, -1), 1.5, 0.9);
play(drum, end, 55, 0.5, 0.9);
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("march")
    material = make_material(
        reading, 98, 126, ("phrygian", "minor") if reading.mood.valence < -0.2 else ("major", "mixolydian")
    )
    return Composed(
        (
            *shared_constants(material, 1.2, 2.4),
            Constant(
                "CHORDS", random.choice(([0, 0, 3, 4], [0, 3, 4, 0], [0, 4, 0, 3])), "step of the bass in each bar"
            ),
            Constant(
                "SNARE", random.choice(([0, 0, 0.8, 0.5], [0, 0.4, 0.8, 0], [0.3, 0, 0.9, 0])), "four parts of a beat"
            ),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    striding = reading.has("crown", "horse", "train", "elephant", "tower", "robot")
    return 0.15 + 0.35 * max(0.0, reading.mood.energy) + (0.25 if striding else 0) + 0.1 * reading.mood.tension


FORM = MusicalForm(
    id="march",
    name={"en": "March", "de": "Marsch"},
    lineage="marches, from the street to Satie and Ives",
    affinity=_affinity,
    compose=_compose,
)
