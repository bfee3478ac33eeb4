"""Round: one melody, three voices that enter one after the other, and end together."""

from ai4artsed_desktop.domain.sketchbook.families import Composed, MusicalForm
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.musical import make_material, shared_constants
from ai4artsed_desktop.domain.sketchbook.reading import Reading

_BODY = """
const colours = [{ type: "triangle" }, { type: "sine" }, { type: "fmtriangle", modulationIndex: 2, harmonicity: 2 }];
const voices = colours.map((oscillator, i) =>
  stand(
    new Tone.Synth({ oscillator, envelope: { attack: 0.03, decay: 0.25, sustain: 0.5, release: 0.5 } }),
    [-9, -8, -12][i],
    0.5,
    [0, -0.7, 0.7][i],
  ),
);
const octaves = [1, 0, 1];
const bars = barsThatFit(4, 3);
const last = bars * 4;

// Stretch the melody to LINE beats, so that every voice sings the same song.
const song = [];
let length = 0;
for (let i = 0; length < LINE; i++) {
  const [step, beats, loud] = MELODY[i % MELODY.length];
  const held = Math.min(beats, LINE - length);
  song.push([length, step, held, loud]);
  length += held;
}

// On strong beats the voices meet on steps of one chord: that keeps a round sweet.
const settle = (at, step) => (at % 2 === 0 ? 2 * Math.round(step / 2) : step);

// Voice after voice enters ENTRY beats later and repeats the song until the end.
voices.forEach((voice, v) => {
  for (let start = v * ENTRY; start < last; start += LINE) {
    for (const [at, step, beats, loud] of song) {
      const beat = start + at;
      if (beat + beats <= last) play(voice, beat, tone(settle(at, step), octaves[v]), beats * 0.92, loud * 0.85);
    }
  }
  play(voice, last, tone([0, 4, 2][v], octaves[v]), 3, 0.7);
});
"""


def _compose(reading: Reading, _duration_s: float) -> Composed:
    random = reading.chance("round_song")
    material = make_material(reading, 84, 122, ("major", "dorian", "minor", "mixolydian"))
    entry = random.choice((4, 4, 8))
    return Composed(
        (
            *shared_constants(material, 1.8, 1.9),
            Constant("LINE", entry * 3, "length of the song, in beats"),
            Constant("ENTRY", entry, "beats until the next voice enters"),
        ),
        _BODY,
    )


def _affinity(reading: Reading) -> float:
    social = reading.has("bird", "person", "child", "bell", "bee", "dancer")
    many = any(mention.count > 1 for mention in reading.mentions)
    return 0.28 + (0.2 if social else 0) + (0.15 if many else 0)


FORM = MusicalForm(
    id="round_song",
    name={"en": "Round", "de": "Kanon"},
    lineage="rounds and canons since Sumer is icumen in (13th century)",
    affinity=_affinity,
    compose=_compose,
)
