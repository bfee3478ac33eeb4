"""Looks at pictures and makes the copies a trainer can read; originals are only ever read."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.domain.training.dataset import (
    PICTURE_EXTENSIONS,
    TRAINER_EXTENSIONS,
    DatasetReport,
    PictureFacts,
    judge,
)
from ai4artsed_desktop.domain.training.errors import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image

CAPTION_EXTENSIONS = (".txt", ".caption")
_ORIENTATION = 0x0112  # EXIF
_HASH_SIDE = 16
#: A picture with less contrast than this has no shape that could be compared.
_FLAT = 2.0
_SHARPNESS_AREA = 512 * 512
#: What Pillow raises for damaged files beside OSError.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, OverflowError)


def scan_folder(folder: Path, smallest_side_px: int = 512) -> DatasetReport:
    """Look through every picture of a folder, completely decoded. Blocks: about 20 ms per megapixel.

    Pictures in direct sub-folders count when the folder itself has none.

    Raises:
        DatasetError: There is no such folder, or it cannot be read.
    """
    paths = find_pictures(folder)
    return judge(str(folder), [read_facts(path, folder) for path in paths], smallest_side_px)


def find_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder, by name. Raises DatasetError."""
    if not folder.is_dir():
        raise DatasetError(folder=str(folder), reason="training.dataset.no_folder")
    try:
        found = _pictures_in(folder)
        if not found:
            found = [path for sub in sorted(folder.iterdir()) if sub.is_dir() for path in _pictures_in(sub)]
    except OSError as exc:
        raise DatasetError(str(exc), folder=str(folder), reason="training.dataset.unreadable") from exc
    return found


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_EXTENSIONS and not path.name.startswith(".") and path.is_file()
    )


def read_facts(path: Path, folder: Path) -> PictureFacts:
    """Return what is known about one picture. A damaged one is a fact, not an error."""
    name = path.relative_to(folder).as_posix()
    try:
        data = path.read_bytes()
    except OSError as exc:
        return PictureFacts(name, 0, "", problem=str(exc))
    digest = hashlib.sha256(data).hexdigest()
    try:
        picture, is_rotated = _decode(data)
        return PictureFacts(
            name,
            len(data),
            digest,
            width_px=picture.width,
            height_px=picture.height,
            has_alpha=_shows_through(picture),
            is_rotated=is_rotated,
            phash=_perceptual_hash(picture),
            sharpness=_sharpness(picture),
            caption=read_caption(path),
        )
    except _DAMAGED as exc:
        return PictureFacts(name, len(data), digest, problem=str(exc) or type(exc).__name__)


def read_caption(path: Path) -> str | None:
    """Return the caption beside a picture in one line (the trainer reads the first line only), None without one."""
    for extension in CAPTION_EXTENSIONS:
        caption = path.with_suffix(extension)
        if caption.is_file():
            text = caption.read_bytes().decode("utf-8-sig", errors="replace").replace("\0", "")
            return " ".join(text.split())
    return None


def copy_picture(source: Path, target_stem: Path) -> Path:
    """Write our copy of a picture and return its path: turned upright, without transparency, in a format the trainer
    reads.

    A picture that needs nothing is copied byte by byte; else it is written as PNG, which loses nothing.

    Raises:
        DatasetError: The picture cannot be decoded.
        StorageError, DiskFullError, ReadOnlyError.
    """
    with translated_errors(source):
        data = source.read_bytes()
    suffix = source.suffix.lower()
    try:
        picture, is_rotated = _decode(data)
        needs_work = is_rotated or suffix not in TRAINER_EXTENSIONS or _shows_through(picture)
        if needs_work:
            data, suffix = _as_png(picture), ".png"
    except _DAMAGED as exc:
        raise DatasetError(str(exc), folder=str(source), reason="training.dataset.corrupt") from exc
    target = target_stem.with_name(target_stem.name + suffix)
    write_atomically(target, data)
    return target


def small_png(path: Path, longest_px: int) -> bytes:
    """Return a picture as PNG, upright, on white, its longer side at most ``longest_px``. Blocks.

    Raises:
        DatasetError: The picture cannot be decoded.
        StorageError.
    """
    with translated_errors(path):
        data = path.read_bytes()
    try:
        picture, _ = _decode(data)
        picture.thumbnail((longest_px, longest_px))
        return _as_png(picture)
    except _DAMAGED as exc:
        raise DatasetError(str(exc), folder=str(path), reason="training.dataset.corrupt") from exc


def _decode(data: bytes) -> tuple[Image, bool]:
    """Return the whole picture, upright, and whether it had to be turned."""
    from PIL import Image, ImageOps  # 50 ms that only trainings need

    try:
        opened = Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as exc:  # beyond 179 megapixels, Pillow's own limit
        raise ValueError(str(exc)) from exc
    with opened:
        is_rotated = opened.getexif().get(_ORIENTATION, 1) not in (0, 1)
        opened.load()
        return ImageOps.exif_transpose(opened) if is_rotated else opened.copy(), is_rotated


def _shows_through(picture: Image) -> bool:
    if not picture.has_transparency_data:
        return False
    low = picture.convert("RGBA").getchannel("A").getextrema()[0]
    return isinstance(low, (int, float)) and low < 255


def _as_png(picture: Image) -> bytes:
    from PIL import Image

    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "PNG")
    return stream.getvalue()


def _perceptual_hash(picture: Image) -> int | None:
    """Whether each of 16 × 16 fields is brighter than its right neighbour (a "difference hash")."""
    import numpy as np

    small = picture.convert("L").resize((_HASH_SIDE + 1, _HASH_SIDE))
    grey = np.asarray(small, dtype=np.int16)
    if float(grey.std()) < _FLAT:
        return None
    bits = (grey[:, 1:] > grey[:, :-1]).flatten()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _sharpness(picture: Image) -> float:
    """Variance of the Laplacian of the grey picture at a common size."""
    import numpy as np

    grey = picture.convert("L")
    scale = (_SHARPNESS_AREA / (grey.width * grey.height)) ** 0.5
    if scale < 1:
        grey = grey.resize((max(3, round(grey.width * scale)), max(3, round(grey.height * scale))))
    pixels = np.asarray(grey, dtype=np.float32)
    if min(pixels.shape) < 3:
        return 0.0
    inner = pixels[1:-1, 1:-1]
    laplacian = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:] - 4 * inner
    return float(laplacian.var())
