"""Note cloud: hundreds of short notes scattered by chance, thick and thin like rain."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const drops = stand(
  new Tone.PolySynth(Tone.Synth, {
    oscillator: { type: "sine" },
    envelope: { attack: 0.002, decay: 0.16, sustain: 0, release: 0.1 },
  }),
  -11,
  0.6,
  -0.4,
);
const glass = stand(
  new Tone.PolySynth(Tone.FMSynth, {
    harmonicity: 2.7,
    modulationIndex: 4,
    envelope: { attack: 0.002, decay: 0.4, sustain: 0, release: 0.3 },
  }),
  -17,
  0.8,
  0.4,
);
const wind = new Tone.Noise("pink");
const gust = new Tone.Filter(500, "bandpass").connect(new Tone.Gain(0.3).connect(master));
wind.volume.value = WIND;
wind.connect(gust);

// The cloud swells and thins out: DENSITY notes per second at its thickest, in WAVES waves.
const total = DURATION - 3;
const thick = at =>
  Math.pow(Math.sin((Math.PI * at) / total), 1.2) * (0.55 + 0.45 * Math.cos((at / total) * WAVES * 2 * Math.PI));
let at = 0.2;
let n = 0;
while (at < total) {
  at += -Math.log(1 - chance()) / (DENSITY * Math.max(0.12, thick(at))); // waiting times of chance
  const [step, , loud] = MELODY[Math.floor(chance() * MELODY.length)];
  const octave = Math.floor(chance() * 3);
  const instrument = n++ % 4 === 0 ? glass : drops;
  if (at < total) play(instrument, at / BEAT, tone(step, octave), 0.3, loud * (0.45 + 0.4 * chance()));
}

// Wind behind the drops, rising and falling with them.
wind.start(0).stop(total + 1.5);
wind.fadeIn = 2;
wind.fadeOut = 2;
for (let i = 0; i <= 12; i++)
  gust.frequency.linearRampToValueAtTime(300 + 900 * thick((i / 12) * total), (i / 12) * total + 0.05);

// Last drops, falling home.
[9, 7, 4, 2, 0].forEach((step, i) => play(glass, total / BEAT + i * 0.55, tone(step, 0), 1.5, 0.6 - i * 0.06));
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("note_cloud")
    material = make_material(reading, 80, 120)
    energy = (reading.mood.energy + 1) / 2
    return Composed(
        (
            *shared_constants(material, 2.8, 5.0),
            Constant("DENSITY", round(6 + 10 * energy + 4 * reading.density, 1), "notes per second, at most"),
            Constant("WAVES", random.choice((2, 3, 4)), "how often the cloud thickens"),
            Constant("WIND", -34 + round(8 * energy), "loudness of the wind, in decibels"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    scattered = reading.has("rain", "snow", "sea", "star", "bee", "leaf", "cloud", "grass")
    return 0.22 + (0.35 if scattered else 0) + 0.15 * reading.unrest


FORM = MusicalForm(
    id="note_cloud",
    name={"en": "Note cloud", "de": "Tonwolke"},
    lineage="stochastic music, Iannis Xenakis (1956)",
    affinity=_affinity,
    compose=_compose,
)
