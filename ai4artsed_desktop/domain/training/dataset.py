"""What is known about the pictures of a training, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ai4artsed_desktop.domain.training.buckets import Bucket, BucketRule, fit_buckets

#: What the trainer reads; others that can be opened are converted in our copies. Source: its list of extensions.
TRAINER_EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
#: What we take from a person's folder.
PICTURE_EXTENSIONS = TRAINER_EXTENSIONS | {".gif", ".tif", ".tiff", ".avif"}

#: Fewer pictures than this teach a model their accidents rather than their subject (rule of thumb of the field).
FEW_PICTURES = 8
#: Variance of the Laplacian, at an area of 512² or less, below which a picture counts as blurred. Measured on 25
#: pictures:
#: sharp ones from 227 up, the same through a Gaussian blur of 4 pixels at most 3.
BLUR_LIMIT = 60.0
#: Perceptual hashes of 256 bits that differ in at most so many are the same picture to the eye. Measured on 25
#: pictures:
#: the same one at 70 % of its size and JPEG quality 60 up to 12, different ones from 18 up.
SAME_PICTURE_BITS = 14

FindingKind = Literal[
    "corrupt",
    "duplicate",
    "blurred",
    "small",
    "alpha",
    "rotated",
    "converted",
    "no_caption",
    "empty_caption",
    "long_caption",
]
#: What each kind means for our copy: left out, repaired in the copy, or only said.
REPAIRS: dict[FindingKind, Literal["left_out", "repaired", "said"]] = {
    "corrupt": "left_out",
    "duplicate": "said",
    "blurred": "said",
    "small": "said",
    "alpha": "repaired",
    "rotated": "repaired",
    "converted": "repaired",
    "no_caption": "repaired",
    "empty_caption": "repaired",
    "long_caption": "said",
}
#: The text encoders read 75 tokens; English text has about 1.3 tokens per word (rule of thumb).
LONG_CAPTION_WORDS = 57


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """One picture of a folder.

    Attributes:
        name: File name below the folder.
        width_px, height_px: As it is shown, after its EXIF rotation; 0 if it cannot be opened.
        phash: 256 bits that stay the same when a picture is scaled or saved again; None if it cannot be opened.
        sharpness: Variance of its Laplacian.
        caption: Text of the caption file beside it, None without one.
        problem: Why it cannot be opened, ``""`` if it can.
    """

    name: str
    bytes: int
    sha256: str
    width_px: int = 0
    height_px: int = 0
    has_alpha: bool = False
    is_rotated: bool = False
    phash: int | None = None
    sharpness: float | None = None
    caption: str | None = None
    problem: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether the trainer could read it."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one picture; ``other`` is the picture it duplicates, or a detail."""

    kind: FindingKind
    name: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """A folder of pictures, looked through completely."""

    folder: str
    pictures: tuple[PictureFacts, ...]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def usable(self) -> list[PictureFacts]:
        """The pictures that a training can use."""
        return [picture for picture in self.pictures if picture.is_readable]

    @property
    def captioned(self) -> int:
        """How many usable pictures have a caption that says something."""
        return sum(bool(picture.caption and picture.caption.strip()) for picture in self.usable)

    def buckets(self, rule: BucketRule) -> list[Bucket]:
        """Return the sizes the pictures will be cropped to."""
        return fit_buckets([(picture.width_px, picture.height_px) for picture in self.usable], rule)

    def count(self, kind: FindingKind) -> int:
        """Return how many findings of a kind there are."""
        return sum(finding.kind == kind for finding in self.findings)


def judge(folder: str, pictures: Sequence[PictureFacts], smallest_side_px: int = 512) -> DatasetReport:
    """Say what is wrong with the pictures of a folder.

    Args:
        smallest_side_px: Side of the square that a training crops to; pictures of less area are enlarged by the
            trainer.
    """
    findings: list[Finding] = []
    for picture in pictures:
        if picture.problem:
            findings.append(Finding("corrupt", picture.name, picture.problem))
        else:
            findings += _of_picture(picture, smallest_side_px)
    findings += _duplicates([picture for picture in pictures if picture.is_readable])
    return DatasetReport(folder, tuple(pictures), tuple(findings))


def _of_picture(picture: PictureFacts, smallest_side_px: int) -> list[Finding]:
    found: list[Finding] = []
    suffix = "." + picture.name.rpartition(".")[2].lower()
    caption = picture.caption
    checks: tuple[tuple[FindingKind, bool, str], ...] = (
        (
            "small",
            picture.width_px * picture.height_px < smallest_side_px**2,
            f"{picture.width_px} × {picture.height_px}",
        ),
        ("blurred", picture.sharpness is not None and picture.sharpness < BLUR_LIMIT, f"{picture.sharpness or 0:.0f}"),
        ("alpha", picture.has_alpha, ""),
        ("rotated", picture.is_rotated, ""),
        ("converted", suffix not in TRAINER_EXTENSIONS, suffix),
        ("no_caption", caption is None, ""),
        ("empty_caption", caption is not None and not caption.strip(), ""),
        ("long_caption", caption is not None and len(caption.split()) > LONG_CAPTION_WORDS, ""),
    )
    for kind, is_so, detail in checks:
        if is_so:
            found.append(Finding(kind, picture.name, detail))
    return found


def _duplicates(pictures: Sequence[PictureFacts]) -> list[Finding]:
    found: list[Finding] = []
    kept: list[PictureFacts] = []
    for picture in pictures:
        twin = next((other for other in kept if _look_alike(picture, other)), None)
        if twin is None:
            kept.append(picture)
        else:
            found.append(Finding("duplicate", picture.name, twin.name))
    return found


def _look_alike(one: PictureFacts, other: PictureFacts) -> bool:
    if one.sha256 == other.sha256:
        return True
    if one.phash is None or other.phash is None:
        return False
    return (one.phash ^ other.phash).bit_count() <= SAME_PICTURE_BITS
