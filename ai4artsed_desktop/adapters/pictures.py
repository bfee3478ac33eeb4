"""Pictures that a person gives: read whole, checked, and joined with a mask."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.engine.input_images import ImageFileError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

#: Format as Pillow names it → MIME type and extension: what ComfyUI's LoadImage reads (it uses Pillow, too).
_FORMATS = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
    "BMP": ("image/bmp", "bmp"),
    "TIFF": ("image/tiff", "tiff"),
}
#: ComfyUI refuses larger uploads (its default, told in ``/features``).
MAX_PICTURE_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class InputPicture:
    """A picture's bytes as they are, and what they are; the size is that of the picture as it is seen (EXIF)."""

    data: bytes
    mime: str
    extension: str
    width_px: int
    height_px: int


def read_picture(path: Path) -> InputPicture:
    """Read and decode a picture; a half one, a bomb or another file is refused. Blocks.

    Raises:
        ImageFileError: There is no such file, or it is no picture that a server reads.
        StorageError: It cannot be read.
    """
    data = _bytes(path)
    image, kind = _decoded(data, path)
    mime, extension = _FORMATS[kind]
    return InputPicture(data, mime, extension, image.width, image.height)


def with_mask(path: Path, mask: Path) -> InputPicture:
    """Return a picture as PNG whose alpha channel is what the mask leaves: white becomes transparent. Blocks.

    The mask is scaled to the picture. Raises as ``read_picture``.
    """
    from PIL import Image, ImageOps

    image, _ = _decoded(_bytes(path), path)
    marked, _ = _decoded(_bytes(mask), mask)
    alpha = ImageOps.invert(marked.convert("L"))
    if alpha.size != image.size:
        alpha = alpha.resize(image.size, Image.Resampling.BILINEAR)
    joined = image.convert("RGB")
    joined.putalpha(alpha)
    buffer = io.BytesIO()
    joined.save(buffer, "PNG")
    return InputPicture(buffer.getvalue(), "image/png", "png", joined.width, joined.height)


def _bytes(path: Path) -> bytes:
    with translated_errors(path):
        if not path.is_file():
            raise ImageFileError(f"{path}: no such file", file=path.name)
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise ImageFileError(f"more than {MAX_PICTURE_BYTES} bytes", file=path.name)
        return path.read_bytes()


def _decoded(data: bytes, path: Path) -> tuple[Picture, str]:
    # Imported with the first picture: most runs have none.
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
            kind = image.format or ""
            if kind not in _FORMATS:
                raise ImageFileError(f"the format is {kind}", file=path.name)
            image.load()
            return ImageOps.exif_transpose(image), kind
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        # What Pillow raises for damaged files, for no pictures, and for those that would fill the memory.
        raise ImageFileError(str(exc), file=path.name) from exc
