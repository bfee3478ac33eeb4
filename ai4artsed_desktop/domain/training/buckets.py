"""The sizes that the trainer crops pictures to, worked out before it starts.

Source: the trainer's rule with ``enable_bucket``: sizes of at most the area of ``resolution``, sides from
``min_bucket_reso`` to
``max_bucket_reso`` in ``bucket_reso_steps``; a picture goes to the size with the nearest aspect ratio, an exactly
fitting one first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BucketRule:
    """How a training groups its pictures; sides in pixels."""

    resolution_px: tuple[int, int]
    min_px: int = 256
    max_px: int = 1024
    step_px: int = 64


@dataclass(frozen=True, slots=True)
class Bucket:
    """One size and how many pictures take it."""

    width_px: int
    height_px: int
    count: int


def bucket_sizes(rule: BucketRule) -> list[tuple[int, int]]:
    """Return every size there is, smallest width first."""
    area = rule.resolution_px[0] * rule.resolution_px[1]
    square = int(math.sqrt(area) // rule.step_px) * rule.step_px
    sizes = {(square, square)}
    for width in range(rule.min_px, rule.max_px + 1, rule.step_px):
        height = min(rule.max_px, area // width // rule.step_px * rule.step_px)
        if height >= rule.min_px:
            sizes |= {(width, height), (height, width)}
    return sorted(sizes)


def bucket_of(size_px: tuple[int, int], sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the size of ``sizes`` that a picture is cropped to."""
    if size_px in sizes:
        return size_px
    aspect = size_px[0] / size_px[1]
    return min(sizes, key=lambda size: abs(size[0] / size[1] - aspect))


def fit_buckets(sizes_px: Sequence[tuple[int, int]], rule: BucketRule) -> list[Bucket]:
    """Group pictures by the size they will be cropped to, largest group first."""
    sizes = bucket_sizes(rule)
    counts = Counter(bucket_of(size, sizes) for size in sizes_px)
    return [
        Bucket(width, height, count) for (width, height), count in sorted(counts.items(), key=lambda e: (-e[1], e[0]))
    ]


def steps_per_epoch(buckets: Sequence[Bucket], repeats: int, batch: int) -> int:
    """Return the steps of one epoch: each size makes its own batches, the last of each may be small."""
    return sum(math.ceil(bucket.count * repeats / batch) for bucket in buckets)
