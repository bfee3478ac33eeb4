"""Blues riff: twelve bars, a swinging bass, a riff spelled by the letters that calls and answers."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const lead = stand(
  new Tone.FMSynth({
    harmonicity: 1,
    modulationIndex: 5,
    oscillator: { type: "triangle" },
    envelope: { attack: 0.01, decay: 0.3, sustain: 0.35, release: 0.3 },
    modulationEnvelope: { attack: 0.01, decay: 0.25, sustain: 0.2, release: 0.2 },
  }),
  -9,
  0.4,
  0.25,
);
const bass = stand(
  new Tone.Synth({
    oscillator: { type: "fmsine", modulationIndex: 1.5 },
    envelope: { attack: 0.01, decay: 0.3, sustain: 0.25, release: 0.1 },
  }),
  -7,
  0.15,
  -0.1,
);
const comp = stand(
  new Tone.PolySynth(Tone.AMSynth, {
    harmonicity: 2,
    envelope: { attack: 0.01, decay: 0.25, sustain: 0.15, release: 0.3 },
  }),
  -20,
  0.4,
  -0.4,
);
const brush = stand(
  new Tone.NoiseSynth({ noise: { type: "pink" }, envelope: { attack: 0.004, decay: 0.09, sustain: 0 } }),
  -23,
  0.3,
  0.3,
);

const bars = barsThatFit(4, 2);
const swing = 2 / 3; // the second half of a beat comes late
const midi = (semitones, octave = 0) => Tone.Frequency(ROOT + semitones + 12 * octave, "midi").toFrequency();

for (let bar = 0; bar < bars; bar++) {
  const chord = bar === bars - 1 ? 0 : TWELVE_BARS[bar % 12];
  const next = TWELVE_BARS[(bar + 1) % 12];
  const walk = [chord, chord + 4, chord + 7, bar % 2 ? next - 1 : chord + 9];
  walk.forEach((semitones, beat) => play(bass, bar * 4 + beat, midi(semitones, -1), 0.85, 0.8));
  for (let beat = 0; beat < 4; beat++) {
    hit(brush, bar * 4 + beat, 0.1, beat % 2 ? 0.9 : 0.4);
    hit(brush, bar * 4 + beat + swing, 0.06, 0.35);
  }
  for (const beat of [1 + swing, 3])
    play(comp, bar * 4 + beat, [midi(chord + 4), midi(chord + 10), midi(chord + 14)], 0.4, 0.5);
  if (bar % 4 !== 3) riff(bar * 4, bar % 4 === 1 ? 1 : 0);
}

// The riff in two halves: call in the first bar, answer (turned round) in the second, then air.
function riff(start, isAnswer) {
  RIFF.forEach(([at, index], i) => {
    const [step, , loud] = MELODY[(index + isAnswer * 3) % MELODY.length];
    const beat = Math.floor(at) + (at % 1 ? swing : 0);
    play(
      lead,
      start + beat,
      tone(isAnswer ? Math.max(-2, 5 - step) : step, 1),
      i === RIFF.length - 1 ? 1.2 : 0.55,
      loud,
    );
  });
}

// The last word.
play(bass, bars * 4, midi(0, -1), 2, 0.9);
play(comp, bars * 4, [midi(4), midi(10), midi(14)], 2, 0.6);
play(lead, bars * 4, tone(0, 1), 2, 0.8);
"""

#: Semitones above the key note of the chord in each bar: the twelve-bar form, with the quick change in bar 2.
_TWELVE_BARS = [0, 5, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7]


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("blues_riff")
    material = make_material(reading, 88, 132, ("blues",))
    count = min(6, max(4, len(reading.words)))
    places = sorted(random.sample([0, 0.5, 1, 1.5, 2, 2.5, 3], count))
    return Composed(
        (
            *shared_constants(material, 1.0, 2.6),
            Constant("TWELVE_BARS", _TWELVE_BARS, "semitones of the chord in each bar"),
            Constant("RIFF", [[at, index] for index, at in enumerate(places)], "beat in the bar, which note of MELODY"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    bluesy = reading.has("train", "bottle", "guitar", "car", "dog", "cup", "hat", "key")
    return 0.22 + (0.25 if bluesy else 0) + (0.2 if reading.mood.valence < -0.1 and reading.mood.energy > -0.2 else 0)


FORM = MusicalForm(
    id="blues_riff",
    name={"en": "Blues riff", "de": "Bluesriff"},
    lineage="twelve-bar blues of Black musicians in the southern USA, about 1900",
    affinity=_affinity,
    compose=_compose,
)
