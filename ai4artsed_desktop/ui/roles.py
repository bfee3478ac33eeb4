"""Named colours, sizes and spaces: the only place where a look is a number. Values: the design page of the window."""

from __future__ import annotations

from dataclasses import dataclass, fields

# Spaces, in logical pixels. Nothing in the window uses any other distance.
SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_5, SPACE_6 = 4, 8, 12, 16, 24, 40

# Type scale, in logical pixels.
TYPE_SMALL, TYPE_BODY, TYPE_FIELD, TYPE_SECTION, TYPE_PAGE = 12, 14, 16, 20, 28
#: Line height of running text, as a multiple of the type size.
LINE_HEIGHT = 1.45

RADIUS_CARD, RADIUS_FIELD = 8, 6
ICON_PX = 20
#: Smallest height and width of anything to press.
HIT_PX, HIT_WORKSHOP_PX = 32, 48
#: Width of a card's own colour.
EDGE_PX = 4
FOCUS_PX = 2
FADE_MS = 120


@dataclass(frozen=True, slots=True)
class Roles:
    """One set of colours, each named by what it is for, as ``#RRGGBB``.

    Attributes:
        canvas: Behind everything.
        surface: Cards and fields.
        sunken: Places to look into: previews, code, logs.
        ink: Text.
        muted: Text of lesser weight.
        line: Decoration only; carries no meaning.
        edge: Outline of fields and buttons, at least 3:1 on every ground (WCAG 2.2, 1.4.11).
        accent: The one action of a view.
        on_accent: Text on ``accent``.
        focus: The focus ring.
        good: Done, running. Always together with an icon and a word, as are the three below.
        warn: Needs attention.
        bad: Failed.
        info: Worth knowing.
    """

    canvas: str
    surface: str
    sunken: str
    ink: str
    muted: str
    line: str
    edge: str
    accent: str
    on_accent: str
    focus: str
    good: str
    warn: str
    bad: str
    info: str


LIGHT = Roles(
    canvas="#F5F3EF",
    surface="#FFFFFF",
    sunken="#EBE8E2",
    ink="#1D1B19",
    muted="#5F5A54",
    line="#D5D0C8",
    edge="#857E75",
    accent="#B23A17",
    on_accent="#FFFFFF",
    focus="#1F5FBF",
    good="#1E6B3A",
    warn="#8A5A00",
    bad="#A3122A",
    info="#1F5FBF",
)

DARK = Roles(
    canvas="#151412",
    surface="#1F1D1B",
    sunken="#100F0E",
    ink="#F3F0EB",
    muted="#B0A99F",
    line="#3C3834",
    edge="#7A736A",
    accent="#FF8F6B",
    on_accent="#1D0F09",
    focus="#8AB4FF",
    good="#7CCB93",
    warn="#F0BE5A",
    bad="#FF8C98",
    info="#8AB4FF",
)

#: Black, white and yellow; the four states differ by icon and word alone.
HIGH_CONTRAST = Roles(
    canvas="#000000",
    surface="#000000",
    sunken="#000000",
    ink="#FFFFFF",
    muted="#FFFFFF",
    line="#FFFFFF",
    edge="#FFFFFF",
    accent="#FFFF00",
    on_accent="#000000",
    focus="#FFFF00",
    good="#FFFFFF",
    warn="#FFFF00",
    bad="#FFFF00",
    info="#FFFFFF",
)

#: Roles that text and icons are painted in, and the grounds they stand on.
TEXT_ROLES = ("ink", "muted", "accent", "good", "warn", "bad", "info")
GROUND_ROLES = ("canvas", "surface", "sunken")
ROLE_NAMES = tuple(field.name for field in fields(Roles))


def mix(ground: str, over: str, share: float) -> str:
    """Return ``over`` laid on ``ground`` with an opacity of ``share`` (0 … 1), as ``#RRGGBB``."""
    pairs = zip(_channels(ground), _channels(over), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def contrast_ratio(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 … 21. Source: WCAG 2.2, definition of contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    # WCAG 2.2, definition of relative luminance.
    scaled = (channel / 255 for channel in _channels(color))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in scaled)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
