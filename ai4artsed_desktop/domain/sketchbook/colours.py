"""Named colours, German and English, as points in OKLCH; and the way from OKLCH to sRGB.

Source of the colour space: Björn Ottosson, "A perceptual color space for image processing" (2020), matrices from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin


@dataclass(frozen=True, slots=True)
class Oklch:
    """A colour: lightness 0 … 1, chroma 0 … about 0.3, hue in degrees."""

    lightness: float
    chroma: float
    hue_deg: float


#: ``{name: colour}``; the hues follow what people call these colours, tuned to sit well beside each other.
COLOURS: dict[str, Oklch] = {
    "red": Oklch(0.57, 0.19, 28),
    "crimson": Oklch(0.47, 0.17, 20),
    "orange": Oklch(0.70, 0.16, 55),
    "yellow": Oklch(0.85, 0.15, 90),
    "gold": Oklch(0.76, 0.13, 84),
    "ochre": Oklch(0.68, 0.10, 75),
    "green": Oklch(0.60, 0.13, 140),
    "forest": Oklch(0.42, 0.08, 150),
    "teal": Oklch(0.58, 0.09, 195),
    "sky": Oklch(0.80, 0.07, 230),
    "blue": Oklch(0.53, 0.13, 252),
    "navy": Oklch(0.33, 0.09, 262),
    "violet": Oklch(0.50, 0.14, 300),
    "lilac": Oklch(0.75, 0.09, 305),
    "pink": Oklch(0.75, 0.12, 2),
    "magenta": Oklch(0.58, 0.20, 350),
    "brown": Oklch(0.47, 0.08, 55),
    "wood": Oklch(0.58, 0.08, 62),
    "terracotta": Oklch(0.60, 0.12, 42),
    "skin": Oklch(0.78, 0.07, 60),
    "cream": Oklch(0.92, 0.04, 88),
    "white": Oklch(0.97, 0.01, 90),
    "cloud": Oklch(0.88, 0.02, 240),
    "grey": Oklch(0.62, 0.01, 80),
    "slate": Oklch(0.52, 0.03, 255),
    "charcoal": Oklch(0.34, 0.01, 60),
    "black": Oklch(0.24, 0.01, 60),
    "silver": Oklch(0.80, 0.01, 250),
}

_WORDS = {
    "red": "rot rote roter rotes rotem roten rötlich red reddish",
    "crimson": "blutrot blutrote blutroter dunkelrot purpurrot karmin crimson scarlet burgundy",
    "orange": "orange orangefarben orangefarbene orangefarbener orangener",
    "yellow": "gelb gelbe gelber gelbes gelbem gelben yellow yellowish",
    "gold": "gold golden goldene goldener goldenes goldenen goldenem",
    "ochre": "ocker sandfarben beige ochre sandy",
    "green": "grün grüne grüner grünes grünem grünen green greenish",
    "forest": "dunkelgrün dunkelgrüne dunkelgrüner dunkelgrünes dunkelgrünen moosgrün olive",
    "teal": "türkis türkise türkiser türkisfarben petrol teal turquoise cyan",
    "sky": "hellblau hellblaue hellblauer hellblauen himmelblau azur azure",
    "blue": "blau blaue blauer blaues blauem blauen bläulich blue bluish",
    "navy": "dunkelblau dunkelblaue dunkelblauer nachtblau navy indigo",
    "violet": "violett violette violetter lila purpur purpurn violet purple",
    "lilac": "flieder fliederfarben lavendel lilac lavender mauve",
    "pink": "rosa rosafarben rosig pink rosy",
    "magenta": "magenta pinke fuchsia",
    "brown": "braun braune brauner braunes braunen braunem brown brownish",
    "terracotta": "rostrot rostig rost rusty rust copper kupfer kupfern",
    "cream": "creme cremefarben elfenbein cream ivory",
    "white": "weiß weiße weißer weißes weißem weißen weiss weisse white whitish",
    "grey": "grau graue grauer graues grauem grauen grey gray",
    "black": "schwarz schwarze schwarzer schwarzes schwarzem schwarzen black",
    "silver": "silber silbern silberne silberner silbernes silver silvery",
}

#: ``{case-folded word: colour name}``
COLOUR_WORDS = {word.casefold(): name for name, words in _WORDS.items() for word in words.split()}


def to_hex(colour: Oklch) -> str:
    """Return ``#rrggbb``. A colour outside sRGB loses chroma until it fits; lightness and hue stay."""
    chroma = colour.chroma
    while chroma > 0 and not _fits(rgb := _linear_rgb(colour, chroma)):
        chroma -= 0.004
    rgb = _linear_rgb(colour, max(chroma, 0.0))
    return "#" + "".join(f"{round(255 * _encode(min(1.0, max(0.0, channel)))):02x}" for channel in rgb)


def contrast(first_hex: str, second_hex: str) -> float:
    """Return the contrast ratio of two ``#rrggbb`` colours, 1 … 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(first_hex), _luminance(second_hex)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _linear_rgb(colour: Oklch, chroma: float) -> tuple[float, float, float]:
    a, b = chroma * cos(radians(colour.hue_deg)), chroma * sin(radians(colour.hue_deg))
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _fits(rgb: tuple[float, float, float]) -> bool:
    return all(-0.001 <= channel <= 1.001 for channel in rgb)


def _encode(linear: float) -> float:
    """sRGB transfer function (IEC 61966-2-1)."""
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def _luminance(hex_colour: str) -> float:
    encoded = [int(hex_colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in encoded)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
