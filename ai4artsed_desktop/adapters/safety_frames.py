"""Takes pictures apart for a model that sees: small JPEG files, several of a picture that moves."""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.safety_media import Frames

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

logger = logging.getLogger(__name__)

#: What current vision models look at, at most (longer edge); larger pictures only cost time.
MAX_EDGE_PX = 1024
#: Frames of a picture that moves, spread over its length. A film of another kind is not taken apart here.
MAX_FRAMES = 6
#: Pixel modes whose colours are shown as a server reads them; of others (16 bit grey) Pillow would show white.
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})


class PictureFrames:
    """Frames with Pillow; see ``engine.safety_media.FrameReader``."""

    def read(self, medium: ProducedMedium) -> Frames:
        """Return a picture's frames; none of anything that Pillow does not read as a whole. Blocks.

        Of what goes into a model (kind ``input``) also what its alpha channel hides: servers load the colours alone.

        Raises:
            StorageError: The file cannot be read.
        """
        data = medium.data
        if data is None:
            assert medium.path is not None
            with translated_errors(medium.path):
                data = medium.path.read_bytes()
        return Frames(_frames_of(data, medium.kind == "input"), hashlib.sha256(data).hexdigest())


def _frames_of(data: bytes, is_input: bool) -> tuple[bytes, ...]:
    # Imported with the first picture: no start waits for it.
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                if image.mode not in _MODES:
                    raise ValueError(f"pixels of mode {image.mode}")
                count = getattr(image, "n_frames", 1)
                places = sorted({round(n * (count - 1) / (MAX_FRAMES - 1)) for n in range(MAX_FRAMES)})
                views = (False, True) if is_input and image.has_transparency_data else (False,)
                return tuple(_frame(image, place, view) for place in places for view in views)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        logger.warning("a medium could not be taken apart: %s", exc)
        return ()


def _frame(image: Picture, place: int, is_opaque: bool) -> bytes:
    """Return one frame as JPEG: as it is seen, on grey where it is transparent, or its colours without the alpha."""
    from PIL import Image

    image.seek(place)
    whole = image.convert("RGBA")
    if is_opaque:
        whole.putalpha(255)
    whole.thumbnail((MAX_EDGE_PX, MAX_EDGE_PX))
    flat = Image.new("RGB", whole.size, (127, 127, 127))
    flat.paste(whole, mask=whole.getchannel("A"))
    buffer = io.BytesIO()
    flat.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
