"""Pictures: untrusted ones sent by clients, and those of the catalogue as an index of vectors."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

import numpy as np

from foretaste.data.pictures import picture_bytes
from foretaste.errors import DataError
from foretaste.features.images import ImageEncoderConfig, image_encoder
from foretaste.features.items import picture_column

if TYPE_CHECKING:
    from PIL.Image import Image

    from foretaste.serving.world.catalogue import Catalogue
    from foretaste.types import FloatArray, Run

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""Formats of browsers. Pillow reads forty more, some of them by starting other programs."""
MAX_PIXELS = 40_000_000
"""Phone cameras make 12 to 50 million; a PNG of a few kB can claim billions (decompression bomb)."""
SIDE = 512
"""Enough for every image model; larger JPEGs are decoded at a lower resolution."""
NO_EXTRA = "Searching by a picture needs the extra 'image' where the service runs: pip install 'foretaste[image]'."
NO_PICTURES = (
    "The catalogue has no column of pictures on the server's own disk; so searching by picture is not possible."
)


def open_picture(content: bytes) -> Image:
    """Decode and shrink a picture sent by a client to RGB; DataError where it is not a picture in FORMATS.

    Only the first frame is read, and the size is checked before decoding.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise DataError(NO_EXTRA) from None
    try:
        with catch_warnings():
            simplefilter("ignore")  # Pillow's warning of decompression bombs; the size is checked below
            picture = Image.open(BytesIO(content), formats=FORMATS)
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise DataError(f"The picture has {width} x {height} pixels; send one of {MAX_PIXELS:,} at most.")
            picture.draft("RGB", (SIDE, SIDE))
            picture.thumbnail((2 * SIDE, 2 * SIDE))
            return _on_white(picture)
    except DataError:
        raise
    # Pillow's decoders raise many kinds of errors on truncated, corrupt or other files.
    except Exception:
        known = ", ".join(FORMATS)
        raise DataError(f"The picture cannot be opened; send the bytes of a complete {known} file.") from None


def _on_white(picture: Image) -> Image:
    """Transparent pixels become white, as on a shop's page."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    from PIL import Image

    whole = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")


def encode_picture(picture: Image, config: ImageEncoderConfig | None = None) -> FloatArray:
    """(D,) vector of length 1. Pictures of clients are not stored, unlike the vectors of the catalogue's pictures."""
    from foretaste.features.image_models import image_model

    vector = image_model((config or ImageEncoderConfig()).name).vectors([picture])[0]
    unit: FloatArray = (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
    return unit


class PictureIndex:
    """Vectors of the pictures of one bundle's catalogue.

    vectors : (n_items, D) rows of length 1, 0 where there is no picture; None until `read`
    refused : why the pictures cannot be read; None where they can
    """

    def __init__(self, catalogue: Catalogue, config: ImageEncoderConfig | None = None) -> None:
        """DataError for a catalogue without pictures. Items that were put later have none here: opening paths or
        addresses that clients write into columns would let them read the server's files."""
        self.catalogue = catalogue
        self.config = config or ImageEncoderConfig()
        self.vectors: FloatArray | None = None
        self.refused: str | None = None
        column = picture_column(catalogue.bundle.items)
        if column is None:
            raise DataError(NO_PICTURES)
        self._places = catalogue.bundle.items.frame[column].to_list()

    def knows(self, catalogue: Catalogue) -> bool:
        """Whether the pictures of this catalogue have been read."""
        return self.catalogue is catalogue and self.vectors is not None

    def read(self, run: Run) -> None:
        """Encode all pictures; vectors that are in this machine's cache are taken from there."""
        contents = iter(picture_bytes([place for place in self._places if place]))
        given = (next(contents) if place else None for place in self._places)
        vectors = image_encoder(self.config).encode(given, run, len(self._places)).vectors
        if not vectors.any():
            raise DataError(NO_PICTURES)
        self.vectors = vectors
