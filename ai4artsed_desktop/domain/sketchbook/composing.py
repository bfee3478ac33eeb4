"""From a text to a Tone.js piece: the Sketchbook's second door."""

from __future__ import annotations

from dataclasses import dataclass

from ai4artsed_desktop.domain.sketchbook.families import MusicalForm, all_musical_forms, choose
from ai4artsed_desktop.domain.sketchbook.javascript import Constant, comment_line, declare
from ai4artsed_desktop.domain.sketchbook.reading import Reading, read

#: The shortest and longest piece, in seconds.
MIN_DURATION_S = 8.0
MAX_DURATION_S = 120.0

_KIT = """
// ---- instruments and helpers ----
// Everything goes through a limiter; "room" adds the echo of a hall, made of fading noise.
const transport = Tone.getTransport();
transport.bpm.value = BPM;
const BEAT = 60 / BPM; // seconds
const limiter = new Tone.Limiter(-3).toDestination();
const master = new Tone.Gain(LEVEL).connect(limiter);
const dry = new Tone.Gain(0.75).connect(master);
const room = new Tone.Convolver(hall(ROOM)).connect(new Tone.Gain(0.5).connect(master));

// A small random number generator (mulberry32), so that the piece is the same every time.
let state = SEED >>> 0;
function chance() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

// The echo: noise that fades away within some seconds.
function hall(seconds) {
  const rate = 44100,
    length = Math.floor(seconds * rate);
  let n = 12345;
  const side = () =>
    Float32Array.from({ length }, (_, i) => {
      n = (Math.imul(n, 1103515245) + 12345) >>> 0;
      return (n / 2147483648 - 1) * Math.pow(1 - i / length, 3) * 0.06;
    });
  return Tone.ToneAudioBuffer.fromArray([side(), side()]);
}

// The frequency of a step of SCALE; steps may be negative or lie above the octave.
function tone(step, octave = 0) {
  const size = SCALE.length;
  const turn = Math.floor(step / size);
  return Tone.Frequency(ROOT + SCALE[step - turn * size] + 12 * (turn + octave), "midi").toFrequency();
}

// Connect an instrument: how loud (decibels), how much of it into the hall, from where (-1 left … 1 right).
function stand(instrument, decibels = -10, echo = 0.5, side = 0) {
  const place = new Tone.Panner(side);
  instrument.volume.value = decibels;
  instrument.connect(place);
  place.connect(dry);
  place.connect(new Tone.Gain(echo).connect(room));
  return instrument;
}

// An instrument of one voice can begin only one note at a time: of two at the same moment the first is played.
const begun = new Map();
function isFree(instrument, at) {
  if (instrument instanceof Tone.PolySynth) return true;
  const moments = begun.get(instrument) ?? begun.set(instrument, new Set()).get(instrument);
  const moment = Math.round(at * 200); // 5 milliseconds: longer than a block of samples
  if ([-1, 0, 1].some(step => moments.has(moment + step))) return false;
  moments.add(moment);
  return true;
}

// Plan one note: at which beat, which frequency (or list of them), how many beats, how loud (0 to 1).
function play(instrument, beat, frequency, beats, loud = 0.7) {
  const at = beat * BEAT;
  if (at + 0.05 > DURATION || !isFree(instrument, at)) return;
  transport.schedule(
    time => instrument.triggerAttackRelease(frequency, Math.min(beats * BEAT, DURATION - at), time, loud),
    at,
  );
}

// Plan one beat of a drum that has no pitch.
function hit(drum, beat, beats = 0.25, loud = 0.7) {
  const at = beat * BEAT;
  if (at + 0.05 > DURATION || !isFree(drum, at)) return;
  transport.schedule(time => drum.triggerAttackRelease(beats * BEAT, time, loud), at);
}

// How many whole bars fit, with room for the last note to fade.
function barsThatFit(beatsPerBar, fadeSeconds = 3) {
  return Math.max(1, Math.floor((DURATION - fadeSeconds) / (BEAT * beatsPerBar)));
}

// ---- the piece ----
""".strip()


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished Tone.js piece and what it was made from."""

    code: str
    form: MusicalForm
    reading: Reading


def compose_piece(text: str, seed: int, duration_s: float, form_id: str = "auto") -> Piece:
    """Compose a piece for ``text``; the same arguments give the same code.

    Raises:
        ValueError: If the text has no visible character.
        KeyError: If there is no form ``form_id``.
    """
    reading = read(text, seed)
    forms = all_musical_forms()
    form = (
        choose(forms.values(), reading, "form", lambda form, read_text: form.affinity(read_text))
        if form_id == "auto"
        else forms[form_id]
    )
    duration_s = min(MAX_DURATION_S, max(MIN_DURATION_S, duration_s))
    composed = form.compose(reading, duration_s)
    constants = [
        Constant("DURATION", duration_s, "seconds"),
        Constant("SEED", seed, "another number: other small chances"),
        *composed.constants,
    ]
    parts = [
        _heading(form, reading),
        "\n".join(declare(constant) for constant in constants),
        _KIT,
        composed.body.strip(),
        "transport.start();",
    ]
    return Piece("\n\n".join(parts) + "\n", form, reading)


def _heading(form: MusicalForm, reading: Reading) -> str:
    words = " ".join(reading.words)
    shown = words if len(words) <= 90 else words[:90].rsplit(" ", 1)[0] + " …"
    return "\n".join(
        [
            f"// Sketchbook: {form.name['en']}. Code art by rules from words; no AI model made this music.",
            comment_line(f"Words: {shown}"),
            comment_line(f"Kind: {form.lineage}"),
            "// Change the values below and play it again.",
        ]
    )
