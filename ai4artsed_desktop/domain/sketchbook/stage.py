"""Where the named things stand: sky above, ground below, one on, under, over, in or behind the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from ai4artsed_desktop.domain.sketchbook.motifs.base import Motif, all_motifs
from ai4artsed_desktop.domain.sketchbook.palettes import Palette, thing_colour
from ai4artsed_desktop.domain.sketchbook.reading import Mention, Mood, Reading, Relation

#: y of the ground, in shorter sides of the canvas below its centre.
GROUND_Y = 0.36

#: More than so many things stand in two rows.
_ROW_LENGTH = 6

#: What a mood brings to mind when a text names no thing.
_SUGGESTIONS = {
    "dark": ("moon", "star", "owl", "house", "forest"),
    "tense": ("lightning", "fire", "tower", "machine", "bird"),
    "sad": ("rain", "umbrella", "boat", "window", "leaf"),
    "calm": ("moon", "boat", "sea", "cup", "bowl", "lamp", "book"),
    "glad": ("sun", "flower", "bird", "butterfly", "balloon", "tree"),
    "plain": ("house", "key", "chair", "bird", "pear", "clock", "hand", "eye"),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """One placed thing; x, y (of its centre) and size in shorter sides of the canvas, (0, 0) is the middle.

    For wide things the numbers count in widths and heights of the canvas.
    """

    motif: Motif
    x: float
    y: float
    size: float
    colour: str
    tilt: float = 0.0
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """The placed things, those behind first, and whether something stands on the ground."""

    things: tuple[Thing, ...]
    is_suggested: bool
    has_ground: bool
    has_table: bool


@dataclass(slots=True)
class _Cast:
    """One mention while it is being placed."""

    mention: Mention
    motif: Motif
    size: float
    spots: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    layer: float = 0.0


def set_stage(reading: Reading, palette: Palette) -> Stage:
    """Place what the text names, or, if it names nothing, what its mood suggests."""
    random = reading.chance("stage")
    mentions = reading.mentions or _suggested(reading.mood, random)
    motifs = all_motifs()
    casts = [_Cast(m, motifs[m.motif], motifs[m.motif].size) for m in mentions]
    carried = _carried(casts, reading.relations if reading.mentions else ())
    _place_rows(casts, carried, random)
    for subject, relation in carried.items():
        _place_relative(casts[subject], relation.place, casts[relation.object], random)
    things = [thing for cast in sorted(casts, key=lambda c: c.layer) for thing in _things(cast, palette, random)]
    standing = [c for c in casts if c.motif.habit in {"ground", "small"}]
    return Stage(
        things=tuple(things),
        is_suggested=not reading.mentions,
        has_ground=bool(standing),
        has_table=any(c.motif.id == "table" for c in casts),
    )


def _suggested(mood: Mood, random: Random) -> tuple[Mention, ...]:
    if mood.darkness > 0.55:
        key = "dark"
    elif mood.tension > 0.55:
        key = "tense"
    elif mood.valence < -0.3:
        key = "sad"
    elif mood.valence > 0.3 and mood.energy > -0.35:
        key = "glad"
    else:
        key = "calm" if mood.energy < 0 else "plain"
    chosen = random.sample(_SUGGESTIONS[key], 2)
    return tuple(Mention(name, random.choice((1, 1, 3)) if name in {"star", "bird", "flower"} else 1, None, 0)
                 for name in chosen)  # fmt: skip


def _carried(casts: list[_Cast], relations: tuple[Relation, ...]) -> dict[int, Relation]:
    """Return which casts are placed relative to another: by the text's relations, else small things on a support."""
    spanning = {"wide", "weather"}
    carried = {
        r.subject: r
        for r in relations
        if r.place not in {"beside", "between"}
        and casts[r.subject].motif.habit not in spanning
        and casts[r.object].motif.habit != "weather"
        and not (r.place == "in" and casts[r.object].motif.habit == "sky")
    }
    support = next((i for i, c in enumerate(casts) if c.motif.id in {"table", "bowl"}), None)
    if support is not None:
        for index, cast in enumerate(casts):
            if index != support and index not in carried and cast.motif.habit == "small":
                carried[index] = Relation(index, "on", support)
    return {i: r for i, r in carried.items() if r.object != i and not _leads_back(i, carried)}


def _leads_back(start: int, carried: dict[int, Relation]) -> bool:
    seen: set[int] = set()
    current = start
    while current in carried and current not in seen:
        seen.add(current)
        current = carried[current].object
        if current == start:
            return True
    return False


def _place_rows(casts: list[_Cast], carried: dict[int, Relation], random: Random) -> None:
    """Place what stands free: rows on the ground, in the water, in the sky; wide things fill the canvas."""
    free = [c for i, c in enumerate(casts) if i not in carried]
    has_sea = any(c.motif.id == "sea" for c in casts)
    for cast in free:
        if cast.motif.habit in {"wide", "weather"}:
            cast.spots = [(0.0, 0.0)]
            cast.size = 1.02
            cast.layer = 90 if cast.motif.habit == "weather" else {"mountain": -9, "city": -8}.get(cast.motif.id, -6)
    low = [c for c in free if c.motif.habit in {"ground", "small"} or (c.motif.habit == "water" and not has_sea)]
    afloat = [c for c in free if c.motif.habit == "water" and has_sea]
    high = [c for c in free if c.motif.habit == "sky"]
    has_wide = any(c.motif.habit == "wide" for c in free)
    alone = not high and not has_wide and not carried
    shore = 0.24 * random.choice((-1, 1)) if low and afloat else 0.0
    _row(low, GROUND_Y if high or has_wide or carried else GROUND_Y - 0.04, alone, random, shore)
    _row(afloat, 0.3, False, random, -shore)
    _float_row(high, bool(low or afloat or has_wide), random)
    for cast in low:
        if len(low) == 1 and cast.motif.id == "table":
            cast.spots = [(0.0, GROUND_Y - cast.size * 0.5 + 0.08)]


def _row(casts: list[_Cast], base_y: float, fill: bool, random: Random, centre_x: float = 0.0) -> None:
    """Stand casts side by side on ``base_y``, as large as fits; a crowd stands in two rows, the back one higher."""
    slots = [cast for cast in casts for _ in range(cast.mention.count)]
    if not slots:
        return
    random.shuffle(slots)
    rows = [slots] if len(slots) <= _ROW_LENGTH else [slots[::2], slots[1::2]]
    overlap = 1.0 if len(slots) < 5 else 0.72
    width = 0.84 if centre_x == 0 else 0.44
    total = max(sum(cast.size for cast in row) for row in rows) * overlap
    limit = 0.62 if fill else 0.55
    largest = max(cast.size for cast in slots)
    grow = min(width / total, (limit / largest) if len(slots) < 3 else 1.7)
    for cast in casts:
        cast.size *= grow
    for index, row in enumerate(rows):
        row_y = base_y - (len(rows) - 1 - index) * largest * grow * 0.62
        x = centre_x - sum(cast.size for cast in row) * overlap / 2
        for cast in row:
            x += cast.size * overlap / 2
            drop = 0.0 if overlap == 1 else random.uniform(-0.03, 0.03)
            cast.spots.append((x, row_y - cast.size / 2 + drop))
            x += cast.size * overlap / 2


def _float_row(casts: list[_Cast], is_above: bool, random: Random) -> None:
    """Let casts float: in the upper part if something stands below, else around the middle."""
    slots = [cast for cast in casts for _ in range(cast.mention.count)]
    if not slots:
        return
    random.shuffle(slots)
    total = sum(cast.size for cast in slots)
    grow = min(1.8 if not is_above else 1.0, 0.86 / total if len(slots) < 4 else 1.15)
    for cast in casts:
        cast.size = min(cast.size * grow, 0.3 if is_above and cast.motif.size < 0.5 else 0.62)
        cast.layer = -7 if cast.motif.id in {"sun", "moon", "star", "planet", "rainbow"} else 5
    lean = random.choice((-1, 1))
    for index, cast in enumerate(slots):
        share = (index + 0.5) / len(slots) - 0.5
        x = lean * 0.22 if len(slots) == 1 and is_above else share * 0.84
        y = (-0.27 if is_above else 0.0) + (0.09 if len(slots) > 1 else 0) * (1 if index % 2 else -1)
        if cast.motif.id == "rainbow":
            x, y = 0.0, -0.04
        cast.spots.append((x, y + random.uniform(-0.03, 0.03)))


def _place_relative(cast: _Cast, place: str, other: _Cast, random: Random) -> None:
    count = cast.mention.count
    ox, oy = other.spots[0] if other.spots else (0.0, 0.0)
    if other.motif.habit in {"wide", "weather"}:
        cast.size = min(0.42, cast.size * 1.2) / (1 if count < 4 else 1.5)
        y = {"over": -0.2, "under": 0.36, "behind": 0.02}.get(place, 0.36 - cast.size / 2)
        cast.layer = 4
        cast.spots = [(_spread(i, count, 0.8), y + random.uniform(-0.03, 0.03)) for i in range(count)]
        return
    width = other.size * (0.8 if place == "on" else 1.3)
    room = width / max(1, count)
    if place == "on":
        small = cast.motif.habit == "small"
        cast.size = min(cast.size * (1.25 if small else 0.8), max(0.1, room * 1.15), 0.34)
        top = other.motif.top if other.motif.top is not None else -0.5
        y = oy + other.size * top - cast.size * 0.5 + 0.012
        cast.layer = 6
    elif place == "under":
        cast.size = min(cast.size, other.size * 0.42, room)
        below_sky = other.motif.habit == "sky"
        y = GROUND_Y - cast.size / 2 if below_sky else oy + other.size / 2 - cast.size / 2
        cast.layer = 3
    elif place == "in":
        cast.size = min(cast.size, other.size * 0.45, room)
        y = oy
        cast.layer = 6
    elif place == "over":
        cast.size = min(cast.size, max(0.12, oy - other.size / 2 + 0.42), room * 1.2)
        y = oy - other.size / 2 - cast.size * 0.62
        cast.layer = 6
    else:  # behind
        cast.size = min(max(cast.size, other.size * 0.9), 0.6)
        y, ox = GROUND_Y - cast.size / 2 - 0.02, ox + 0.16 * random.choice((-1, 1))
        cast.layer = -1
    cast.spots = [(ox + _spread(i, count, width), y) for i in range(count)]


def _spread(index: int, count: int, width: float) -> float:
    return ((index + 0.5) / count - 0.5) * width


def _things(cast: _Cast, palette: Palette, random: Random) -> list[Thing]:
    is_named = cast.mention.colour is not None
    colour = thing_colour(cast.mention.colour or cast.motif.colour, palette, is_named)
    is_wide = cast.motif.habit in {"wide", "weather"}
    sway = 0.0 if is_wide else {"sky": 0.1, "water": 0.08, "small": 0.05}.get(cast.motif.habit, 0.0)
    vary = 0.12 if len(cast.spots) > 1 and not is_wide else 0.0
    things: list[Thing] = []
    for x, y in cast.spots:
        size = cast.size * (1 + random.uniform(-vary, vary))
        stands = cast.motif.habit in {"ground", "small"}
        shift = (cast.size - size) / 2 if stands else 0.0
        things.append(Thing(cast.motif, x, y + shift, size, colour, random.uniform(-sway, sway), is_wide))
    return things
