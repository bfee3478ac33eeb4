"""Nocturne: broken chords below, a song with long notes above."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const strings = {
  harmonicity: 1,
  modulationIndex: 2.6,
  oscillator: { type: "triangle" },
  envelope: { attack: 0.004, decay: 1.1, sustain: 0.05, release: 0.9 },
  modulationEnvelope: { attack: 0.002, decay: 0.25, sustain: 0, release: 0.2 },
};
const leftHand = stand(new Tone.PolySynth(Tone.FMSynth, strings), -16, 0.55, -0.3);
const rightHand = stand(new Tone.PolySynth(Tone.FMSynth, strings), -8, 0.65, 0.2);
const bars = barsThatFit(4, 4);

// The left hand: each bar one chord, broken into eighths, up and down again.
const wave = [0, 4, 7, 9, 11, 9, 7, 4];
for (let bar = 0; bar < bars; bar++) {
  const root = bar === bars - 1 ? 0 : CHORDS[bar % CHORDS.length];
  wave.forEach((step, i) =>
    play(leftHand, bar * 4 + i / 2, tone(root + step, -1), 1.4, i === 0 ? 0.7 : 0.38 + 0.04 * i),
  );
}

// The right hand: the melody with long and short notes, hesitating a little, now and then with a turn.
let beat = 4;
for (let i = 0; beat < (bars - 1) * 4; i++) {
  const [step, length, loud] = MELODY[i % MELODY.length];
  const beats = length * (loud > 0.85 ? 2 : 1);
  const late = chance() * 0.06;
  play(rightHand, beat + late, tone(step, 1), beats * 1.3, loud * 0.85);
  if (beats >= 2 && chance() < 0.4)
    [1, 0, -1].forEach((turn, k) => play(rightHand, beat + beats - 0.75 + k * 0.25, tone(step + turn, 1), 0.4, 0.4));
  beat += beats;
}

// It ends with one wide chord, spread slowly.
[0, 4, 7, 9, 11, 14].forEach((step, i) => play(leftHand, bars * 4 + i * 0.22, tone(step, -1), 5, 0.5));
play(rightHand, bars * 4 + 1.5, tone(0, 2), 4, 0.45);
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("nocturne")
    material = make_material(reading, 62, 92, ("minor", "major", "dorian", "lydian"))
    chords = random.choice(([0, 5, 3, 4], [0, 3, 5, 4], [0, 2, 5, 3], [0, 4, 5, 3]))
    return Composed(
        (
            *shared_constants(material, 3.0, 11.0),
            Constant("CHORDS", chords, "step of the scale each bar stands on"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    nightly = reading.has("moon", "window", "lamp", "rose", "letter", "rain", "owl", "flower")
    return 0.25 + (0.25 if nightly else 0) + 0.2 * reading.mood.darkness * (reading.mood.energy < 0.2)


FORM = MusicalForm(
    id="nocturne",
    name={"en": "Nocturne", "de": "Nocturne"},
    lineage="night pieces for piano, invented by John Field (1812)",
    affinity=_affinity,
    compose=_compose,
)
