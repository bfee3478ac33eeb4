"""Captions as tags, and changes to many of them at once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def tags_of(caption: str) -> list[str]:
    """Return the parts between commas, without blanks around them."""
    return [tag for part in caption.split(",") if (tag := " ".join(part.split()))]


def count_tags(captions: Iterable[str]) -> list[tuple[str, int]]:
    """Return each tag and in how many captions it stands, most frequent first, then by name."""
    counts = Counter(tag for caption in captions for tag in dict.fromkeys(tags_of(caption)))
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0].casefold()))


def add_tag(caption: str, tag: str, *, at_start: bool = False) -> str:
    """Add a tag unless it is there (upper and lower case alike)."""
    tags, new = tags_of(caption), " ".join(tag.split())
    if not new or new.casefold() in {old.casefold() for old in tags}:
        return caption
    return ", ".join([new, *tags] if at_start else [*tags, new])


def remove_tag(caption: str, tag: str) -> str:
    """Remove a tag wherever it stands."""
    gone = " ".join(tag.split()).casefold()
    return ", ".join(kept for kept in tags_of(caption) if kept.casefold() != gone)


def replace_text(caption: str, old: str, new: str) -> str:
    """Replace text literally; an empty ``old`` changes nothing."""
    return " ".join(caption.replace(old, new).split()) if old else caption
