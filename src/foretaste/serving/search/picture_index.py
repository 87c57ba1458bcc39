"""Pictures in the service: those that people send, which may be traps, and those of the catalogue."""

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
"""What browsers show. Pillow reads forty more, some of them by starting other programs."""
MAX_PIXELS = 40_000_000
"""A phone's camera makes 12 to 50 million; a few kB of PNG can say they are billions."""
SIDE = 512
"""Enough for every model that looks at it; larger JPEGs are not even unpacked in full."""
NO_EXTRA = "Searching by a picture needs the extra 'image' where the service runs: pip install 'foretaste[image]'."
NO_PICTURES = "The catalogue has no column of pictures on the server's own disk; there is nothing to compare with."


def open_picture(content: bytes) -> Image:
    """A small RGB picture, of what somebody sent; DataError in one sentence where it is none that we open.

    Only its first frame is looked at, and its size before anything is unpacked.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise DataError(NO_EXTRA) from None
    try:
        with catch_warnings():
            simplefilter("ignore")  # "decompression bomb": we look at the size ourselves
            picture = Image.open(BytesIO(content), formats=FORMATS)
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise DataError(f"The picture has {width} x {height} pixels; send one of {MAX_PIXELS:,} at most.")
            picture.draft("RGB", (SIDE, SIDE))
            picture.thumbnail((2 * SIDE, 2 * SIDE))
            return _on_white(picture)
    except DataError:
        raise
    # Pillow's decoders raise all of these, and struct.error, on files cut short, scrambled, or of other kinds.
    except Exception:
        known = ", ".join(FORMATS)
        raise DataError(f"This is no picture that can be opened; send the bytes of a whole {known} file.") from None


def _on_white(picture: Image) -> Image:
    """What is see-through becomes white, as on a shop's page."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    from PIL import Image

    whole = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")


def look(picture: Image, config: ImageEncoderConfig | None = None) -> FloatArray:
    """(D,) of length 1. What people send is kept nowhere, unlike the catalogue's own pictures."""
    from foretaste.features.image_models import image_model

    vector = image_model((config or ImageEncoderConfig()).name).vectors([picture])[0]
    unit: FloatArray = (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
    return unit


class PictureIndex:
    """How the items of one bundle's catalogue look.

    vectors : (n_items, D) rows of length 1, 0 where there is no picture; None until `read`
    refused : why they cannot be looked at
    """

    def __init__(self, catalogue: Catalogue, config: ImageEncoderConfig | None = None) -> None:
        """DataError for a catalogue without pictures. What is put later brings none: a server that opened whatever path
        or address a client writes into a column would read files for anybody."""
        self.catalogue = catalogue
        self.config = config or ImageEncoderConfig()
        self.vectors: FloatArray | None = None
        self.refused: str | None = None
        column = picture_column(catalogue.bundle.items)
        if column is None:
            raise DataError(NO_PICTURES)
        self._places = catalogue.bundle.items.frame[column].to_list()

    def knows(self, catalogue: Catalogue) -> bool:
        """Whether it has looked at this catalogue."""
        return self.catalogue is catalogue and self.vectors is not None

    def read(self, run: Run) -> None:
        """Look at all pictures; those looked at before, by anybody on this machine, come from the cache."""
        contents = iter(picture_bytes([place for place in self._places if place]))
        given = (next(contents) if place else None for place in self._places)
        vectors = image_encoder(self.config).encode(given, run, len(self._places)).vectors
        if not vectors.any():
            raise DataError(NO_PICTURES)
        self.vectors = vectors
