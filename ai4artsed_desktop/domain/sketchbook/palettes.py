"""Palettes in OKLCH: paper, ink and five colours, from the colours the text names, else from its mood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from ai4artsed_desktop.domain.sketchbook.colours import COLOURS, Oklch, to_hex
from ai4artsed_desktop.domain.sketchbook.reading import Mood, Reading

#: Hue steps from the first colour, in degrees: how the five colours relate.
_SCHEMES = {
    "analogous": (0, 28, -30, 55, 172),
    "triad": (0, 122, 238, 26, 150),
    "split": (0, 148, 205, 30, -34),
    "complementary": (0, 182, 22, 200, -20),
}

#: Lightness of the five colours on light and on dark paper: a strong one, a dark one, two lighter ones, a middle one.
_LIGHTNESS = {False: (0.58, 0.40, 0.74, 0.82, 0.50), True: (0.70, 0.86, 0.58, 0.48, 0.78)}

#: Two colours nearer than this in lightness do not separate on paper.
_MIN_STEP = 0.14


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one drawing, ``#rrggbb``.

    Attributes:
        source: ``text`` if the text names a colour, else ``mood``.
        scheme: How the colours relate.
    """

    paper: str
    ink: str
    colours: tuple[str, ...]
    is_dark: bool
    source: str
    scheme: str
    paper_lightness: float
    vividness: float

    def summary(self) -> dict[str, object]:
        """Return the palette as JSON values, for the run record."""
        return {
            "paper": self.paper,
            "ink": self.ink,
            "colours": list(self.colours),
            "scheme": self.scheme,
            "source": self.source,
        }


def make_palette(reading: Reading) -> Palette:
    """Return the palette of a reading; the same reading gives the same palette."""
    random = reading.chance("palette")
    mood = reading.mood
    is_dark = mood.darkness + random.uniform(-0.12, 0.12) > 0.5
    named = [COLOURS[name] for name in reading.colours]
    hued = [colour for colour in named if colour.chroma > 0.03]
    base_hue = hued[0].hue_deg if hued else _mood_hue(mood) + random.uniform(-28, 28)
    scheme = _scheme(mood, random.random())
    vividness = max(0.55, min(1.2, 0.9 + 0.18 * mood.valence + 0.18 * mood.energy + 0.2 * mood.tension))
    if named and not hued:
        vividness = 0.35  # only black, white or grey is named
    paper = _paper(is_dark, base_hue, random)
    colours: list[Oklch] = []
    for index, step in enumerate(_SCHEMES[scheme]):
        if index < len(hued):
            colours.append(hued[index])
            continue
        chroma = (0.135 if index % 2 == 0 else 0.1) * vividness
        colours.append(Oklch(_LIGHTNESS[is_dark][index], chroma, (base_hue + step) % 360))
    return Palette(
        paper=to_hex(paper),
        ink=to_hex(Oklch(0.95, 0.015, 85) if is_dark else Oklch(0.24, 0.025, base_hue)),
        colours=tuple(to_hex(apart(colour, paper.lightness)) for colour in colours),
        is_dark=is_dark,
        source="text" if named else "mood",
        scheme=scheme,
        paper_lightness=paper.lightness,
        vividness=vividness,
    )


def _paper(is_dark: bool, hue_deg: float, random: Random) -> Oklch:
    """Night paper is deep and tinted; day paper is nearly white or warm, now and then a light colour."""
    if is_dark:
        return Oklch(random.uniform(0.2, 0.26), random.uniform(0.02, 0.045), hue_deg)
    if random.random() < 0.28:
        return Oklch(
            random.uniform(0.89, 0.925), random.uniform(0.035, 0.055), random.choice((hue_deg, hue_deg + 180, 85))
        )
    return Oklch(random.uniform(0.945, 0.97), random.uniform(0.008, 0.022), random.choice((85, 85, hue_deg)))


def thing_colour(name: str, palette: Palette, named_in_text: bool) -> str:
    """Return the colour of a thing: as the text names it, else its natural one, quieter or louder by mood."""
    colour = COLOURS[name]
    if not named_in_text:
        colour = replace(colour, chroma=colour.chroma * palette.vividness)
    return to_hex(apart(colour, palette.paper_lightness))


def apart(colour: Oklch, paper_lightness: float) -> Oklch:
    """Return ``colour`` moved away from the paper's lightness if it would sink into it."""
    if abs(colour.lightness - paper_lightness) >= _MIN_STEP:
        return colour
    away = -_MIN_STEP if paper_lightness > 0.5 else _MIN_STEP
    return replace(colour, lightness=paper_lightness + away)


def _mood_hue(mood: Mood) -> float:
    """Glad and lively is warm, sad is blue, tense is red, calm is green to blue."""
    if mood.tension > 0.55:
        return 20 if mood.energy > 0.2 else 300
    if mood.valence > 0.15:
        return 55 if mood.energy > 0.1 else 150
    if mood.valence < -0.15:
        return 255
    return 85 if mood.energy > 0.2 else 205


def _scheme(mood: Mood, chance: float) -> str:
    if chance < 0.3:
        return tuple(_SCHEMES)[int(chance / 0.3 * len(_SCHEMES))]
    if mood.tension > 0.5:
        return "complementary"
    if mood.energy < -0.1:
        return "analogous"
    return "triad" if mood.valence > 0.2 else "split"
