"""From a reading to musical material: scale, tempo, a melody spelled by the letters, a rhythm counted by the syllables.

The letters become notes by the alphabet written in rows under the notes of the scale, as in the French musical
cryptograms for Haydn's centenary (Revue musicale S.I.M., 1909/1910: Debussy, Ravel and others).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.lexicon import FUNCTION_WORDS
from ai4artsed_desktop.domain.sketchbook.reading import Mood, Reading

#: Semitones above the root.
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}

#: A melody of more notes than this is not heard as one.
MAX_MELODY_NOTES = 40


@dataclass(frozen=True, slots=True)
class Material:
    """What a form makes music of.

    Attributes:
        scale: A key of SCALES.
        root_midi: MIDI number of the root, 45 … 56.
        bpm: Quarter notes per minute.
        melody: (degree of the scale, length in beats, loudness 0 … 1); degrees -3 … 10, 0 = root.
    """

    scale: str
    root_midi: int
    bpm: int
    melody: tuple[tuple[int, float, float], ...]

    @property
    def steps(self) -> list[int]:
        """Semitones of the scale."""
        return list(SCALES[self.scale])


def make_material(reading: Reading, slow_bpm: int, fast_bpm: int, scales: tuple[str, ...] | None = None) -> Material:
    """Return the material of a reading with a tempo between the two; ``scales`` limits the choice of scales."""
    random = reading.chance("material")
    scale = random.choice(scales or _scales(reading.mood))
    share = (reading.tempo + 1) / 2
    bpm = slow_bpm + (fast_bpm - slow_bpm) * min(1.0, max(0.0, share + random.uniform(-0.1, 0.1)))
    return Material(
        scale=scale,
        root_midi=48 + _letter_number(reading.keywords[0][0]) % 7 + (-3 if reading.mood.darkness > 0.55 else 0),
        bpm=round(bpm),
        melody=_melody(reading, len(SCALES[scale])),
    )


def _scales(mood: Mood) -> tuple[str, ...]:
    if mood.tension > 0.55:
        return ("phrygian", "whole tone", "minor")
    if mood.valence > 0.25:
        return ("major", "lydian", "mixolydian", "major pentatonic")
    if mood.valence < -0.25:
        return ("minor", "dorian", "minor pentatonic", "phrygian")
    return ("dorian", "major pentatonic", "mixolydian", "minor pentatonic", "lydian")


def _letter_number(letter: str) -> int:
    folded = letter.casefold()[0]
    folded = {"ä": "a", "ö": "o", "ü": "u"}.get(folded, folded)
    return ord(folded) - ord("a") if "a" <= folded <= "z" else ord(folded)


def _melody(reading: Reading, scale_size: int) -> tuple[tuple[int, float, float], ...]:
    """One note per syllable: its letter gives the pitch, the word's weight its loudness and length."""
    notes: list[tuple[int, float, float]] = []
    sentence_ends = _ends(reading.sentence_words)
    previous = 2
    for index, (word, syllables) in enumerate(zip(reading.words, reading.syllables, strict=True)):
        is_light = word.casefold() in FUNCTION_WORDS
        for syllable in range(syllables):
            letter = word[min(len(word) - 1, syllable * len(word) // syllables)]
            degree = _near(_letter_number(letter) % scale_size, previous, scale_size)
            is_stressed = syllable == 0 and not is_light
            is_last = index + 1 in sentence_ends and syllable == syllables - 1
            if is_last:
                degree = _near(0 if index + 1 == len(reading.words) else 4 % scale_size, previous, scale_size)
            beats = 2.0 if is_last else 1.0 if is_stressed and syllables < 3 else 0.5
            notes.append((degree, beats, 0.9 if is_stressed else 0.55 if is_light else 0.68))
            previous = degree
        if len(notes) >= MAX_MELODY_NOTES:
            break
    while len(notes) < 5:
        notes += [(_near(degree + 2, previous, scale_size), beats, loud) for degree, beats, loud in notes]
    return tuple(notes[:MAX_MELODY_NOTES])


def _near(degree: int, previous: int, scale_size: int) -> int:
    """Return the octave of ``degree`` that is nearest to ``previous``, within the singing range."""
    octaves = [degree + shift * scale_size for shift in (-1, 0, 1)]
    sung = [candidate for candidate in octaves if -3 <= candidate <= 10]
    return min(sung, key=lambda candidate: (abs(candidate - previous), candidate))


def _ends(sentence_words: tuple[int, ...]) -> set[int]:
    ends = [0]
    for count in sentence_words:
        ends.append(ends[-1] + count)
    return {end for _, end in pairwise(ends)}


def shared_constants(material: Material, room_s: float, level: float) -> list[Constant]:
    """Return the constants every form has; ``level`` brings the form to the loudness of the others."""
    return [
        Constant("BPM", material.bpm, "beats per minute"),
        Constant("ROOT", material.root_midi, f"MIDI number of the key note; scale: {material.scale}"),
        Constant("SCALE", material.steps, "semitones above the key note"),
        Constant("ROOM", room_s, "echo of the hall, in seconds"),
        Constant("LEVEL", level, "overall loudness"),
        Constant("MELODY", [list(note) for note in material.melody], "one note per syllable: step, beats, loudness"),
    ]
