"""Phase pattern: two players with the same figure; one runs ahead, note by note, until they meet again."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const mallet = {
  harmonicity: 3.01,
  modulationIndex: 2.2,
  envelope: { attack: 0.002, decay: 0.35, sustain: 0, release: 0.3 },
  modulationEnvelope: { attack: 0.002, decay: 0.12, sustain: 0, release: 0.1 },
};
const left = stand(new Tone.PolySynth(Tone.FMSynth, mallet), -5, 0.35, -0.6);
const right = stand(new Tone.PolySynth(Tone.FMSynth, mallet), -5, 0.35, 0.6);
const ground = stand(
  new Tone.Synth({ oscillator: { type: "sine" }, envelope: { attack: 0.4, decay: 0.5, sustain: 0.7, release: 1.5 } }),
  -27,
  0.3,
);

// Both play FIGURE in steps of a quarter of a beat. After every TOGETHER rounds the right one is one note further.
const STEP = 0.25;
const round = FIGURE.length * STEP;
const rounds = barsThatFit(round, 2);
for (let n = 0; n < rounds; n++) {
  const ahead = Math.floor(n / TOGETHER) % FIGURE.length;
  FIGURE.forEach((step, i) => {
    const accent = i % ACCENT === 0 ? 0.75 : 0.5;
    if (step !== null) play(left, n * round + i * STEP, tone(step), STEP * 1.6, accent);
    const other = FIGURE[(i + ahead) % FIGURE.length];
    if (other !== null && n > 0) play(right, n * round + i * STEP, tone(other), STEP * 1.6, accent * 0.9);
  });
  if (n % TOGETHER === 0)
    play(ground, n * round, tone(BASS[(n / TOGETHER) % BASS.length], -1), round * TOGETHER * 0.96, 0.6);
}

// A last note together.
play(left, rounds * round, [tone(0), tone(0, 1)], 2, 0.75);
play(ground, rounds * round, tone(0, -1), 3, 0.6);
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("phase_pattern")
    material = make_material(reading, 96, 138, None)
    length = 8 if len(material.melody) < 9 else 12
    figure: list[int | None] = [step for step, _, _ in (material.melody * 3)[:length]]
    for gap in random.sample(range(1, length), 2 if length == 12 else 1):
        figure[gap] = None
    return Composed(
        (
            *shared_constants(material, 1.4, 5.0),
            Constant("FIGURE", figure, "the figure both play: steps of the scale, null is a rest"),
            Constant("TOGETHER", random.choice((2, 2, 3)), "rounds until one player moves on"),
            Constant("ACCENT", random.choice((3, 4)), "every how manieth note is stressed"),
            Constant("BASS", random.choice(([0, 3, 4, 2], [0, -2, 1, -1], [0, 4, 2, 3])), "slow low notes"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    turning = reading.has("machine", "clock", "bicycle", "train", "rain", "robot", "city")
    return 0.3 + (0.25 if turning else 0) + 0.15 * max(0.0, reading.mood.energy)


FORM = MusicalForm(
    id="phase_pattern",
    name={"en": "Phase pattern", "de": "Phasenmuster"},
    lineage="phase shifting, a process of the minimal music of the 1960s",
    affinity=_affinity,
    compose=_compose,
)
