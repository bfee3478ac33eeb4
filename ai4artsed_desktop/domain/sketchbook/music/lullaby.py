"""Lullaby: a slow waltz, the melody of the letters over a rocking bass."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const voice = stand(
  new Tone.FMSynth({
    harmonicity: 2,
    modulationIndex: 1.2,
    envelope: { attack: 0.04, decay: 0.4, sustain: 0.5, release: 1.2 },
  }),
  -9,
  0.7,
  0.1,
);
const rocking = stand(
  new Tone.PolySynth(Tone.Synth, {
    oscillator: { type: "triangle" },
    envelope: { attack: 0.02, decay: 0.7, sustain: 0.1, release: 0.9 },
  }),
  -15,
  0.5,
  -0.2,
);
const bars = barsThatFit(3, 4);

// The rocking: one low note, two soft chords, in every bar; CHORDS wander and come home.
for (let bar = 0; bar < bars; bar++) {
  const root = bar === bars - 1 ? 0 : CHORDS[bar % CHORDS.length];
  play(rocking, bar * 3, tone(root, -1), 2.6, 0.8);
  if (bar === bars - 1) break;
  for (const beat of [1, 2]) play(rocking, bar * 3 + beat, [tone(root + 2), tone(root + 4)], 0.8, 0.4);
}

// The melody sings above, stretched to long and short steps of the waltz, and rests every fourth bar.
let beat = 3;
for (let i = 0; beat < (bars - 2) * 3; i++) {
  const [step, length, loud] = MELODY[i % MELODY.length];
  const beats = length >= 1 ? 2 : 1;
  play(voice, beat, tone(step, 1), beats * 0.95, loud * 0.8);
  beat += beats;
  if (i % 7 === 6) beat = Math.ceil(beat / 3) * 3 + 1;
}

// Home.
play(voice, (bars - 1) * 3, tone(0, 1), 5, 0.5);
play(rocking, (bars - 1) * 3 + 1, [tone(2), tone(4)], 4, 0.35);
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("lullaby")
    material = make_material(reading, 76, 108)
    chords = random.choice(([0, 3, 0, 4], [0, 5, 3, 4], [0, 2, 3, 0], [0, 4, 5, 3]))
    return Composed((*shared_constants(material, 2.6, 5.5), Constant("CHORDS", chords, "steps of the bass")), _BODY)


def _affinity(reading: Reading) -> float:
    cradle = reading.has("child", "moon", "star", "ghost", "heart", "boat")
    return 0.25 + 0.35 * max(0.0, -reading.mood.energy) * (reading.mood.valence > -0.3) + (0.15 if cradle else 0)


FORM = MusicalForm(
    id="lullaby",
    name={"en": "Lullaby", "de": "Wiegenlied"},
    lineage="cradle songs in slow three-time",
    affinity=_affinity,
    compose=_compose,
)
