"""Drone: layers of long tones that breathe; the letters appear as single bells."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const breath = {
  oscillator: { type: "fatsawtooth", count: 3, spread: 18 },
  envelope: { attack: 3, decay: 1, sustain: 0.8, release: 4 },
};
const shade = new Tone.Filter(BRIGHT, "lowpass").connect(dry);
shade.connect(new Tone.Gain(0.8).connect(room));
const layers = new Tone.PolySynth(Tone.Synth, breath).connect(shade);
layers.volume.value = -20;
const deep = stand(
  new Tone.AMSynth({ harmonicity: 0.5, envelope: { attack: 2, decay: 1, sustain: 0.9, release: 3 } }),
  -12,
  0.4,
);
const bell = stand(
  new Tone.PolySynth(Tone.FMSynth, {
    harmonicity: 3.5,
    modulationIndex: 6,
    envelope: { attack: 0.005, decay: 2.5, sustain: 0, release: 2 },
    modulationEnvelope: { attack: 0.002, decay: 0.8, sustain: 0, release: 0.5 },
  }),
  -19,
  0.9,
  0.3,
);

// The light in the sound opens until the middle and closes again.
const total = DURATION - 4;
shade.frequency.setValueAtTime(BRIGHT, 0);
shade.frequency.linearRampToValueAtTime(BRIGHT * 3.2, total / 2);
shade.frequency.linearRampToValueAtTime(BRIGHT * 0.8, total);

// Breaths: chords that overlap, each as long as BREATH beats, in a short piece shorter.
const span = Math.min(BREATH, total / BEAT / 2);
const breaths = Math.round(total / (span * BEAT) - 0.49);
for (let i = 0; i < breaths; i++) {
  const root = i === breaths - 1 ? 0 : ROOTS[i % ROOTS.length];
  play(layers, i * span, [tone(root), tone(root + 2), tone(root + 4), tone(root, 1)], span * 0.92, 0.6);
  play(deep, i * span, tone(root, -1), span * 0.85, 0.7);
}

// Bells: the melody, each note alone, with much air around it.
const room_for = total / BEAT - 2;
const air = Math.max(1.5, room_for / Math.min(MELODY.length, 18));
for (let i = 0; i * air < room_for; i++) {
  const [step, , loud] = MELODY[i % MELODY.length];
  play(bell, 1.5 + i * air + chance() * air * 0.4, tone(step, 1 + (i % 5 === 4 ? 1 : 0)), 3, loud * 0.7);
}
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("drone")
    material = make_material(reading, 54, 72)
    roots = random.choice(([0, 0, 3, 0], [0, 4, 3, 0], [0, 5, 0, 3], [0, -1, 0, 2]))
    return Composed(
        (
            *shared_constants(material, 4.5, 5.0),
            Constant("ROOTS", roots, "lowest step of each breath"),
            Constant("BREATH", random.choice((5, 6, 7)), "length of a breath, in beats"),
            Constant("BRIGHT", 380 + round(420 * (1 - reading.mood.darkness)), "dark (300) to bright (900), in hertz"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    wide = reading.has("sea", "mountain", "planet", "cloud", "snow", "ghost", "whale", "forest")
    return 0.25 + 0.3 * max(0.0, -reading.mood.energy) + 0.15 * reading.mood.darkness + (0.2 if wide else 0)


FORM = MusicalForm(
    id="drone",
    name={"en": "Drone with bells", "de": "Bordun mit Glocken"},
    lineage="drones, from the hurdy-gurdy to ambient music",
    affinity=_affinity,
    compose=_compose,
)
