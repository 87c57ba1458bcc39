"""Pictures and videos to vectors by a frozen pretrained model: each is looked at once, a broken one stops nothing."""

from __future__ import annotations

from functools import cache, cached_property
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np
from pydantic import PositiveInt

from foretaste.config import Config
from foretaste.errors import MissingExtraError
from foretaste.features.cache import VectorCache
from foretaste.features.image_models import DEFAULT_IMAGE_MODEL, ImageModel, image_model
from foretaste.features.language_models import weights_of
from foretaste.features.vector_ops import unit_rows
from foretaste.features.video import MAX_PIXELS, frames_of, is_video

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from PIL.Image import Image

    from foretaste.types import FloatArray, Run


MAX_BATCH_BYTES = 256 << 20
"""Bytes of files in memory at a time, and one file more."""


class ImageEncoderConfig(Config):
    name: str = DEFAULT_IMAGE_MODEL
    """A CLIP, SigLIP or ViT model of transformers, a folder or a name on the hub; the default works offline."""
    batch_size: PositiveInt = 32
    frames: PositiveInt = 8
    """Frames looked at, evenly spread, of a picture that moves (GIF, WebP, APNG) or a video (MP4, WebM, MKV, AVI; extra
    `video`); their vectors are averaged."""


class EncodedImages(NamedTuple):
    """vectors : (n, D) float32 rows of length 1; 0 where there is no picture, or none that can be read
    missing : how many were not there
    broken  : how many could not be read
    """

    vectors: FloatArray
    missing: int
    broken: int


class ImageEncoder:
    """Pictures in, vectors of length 1 out."""

    def __init__(self, config: ImageEncoderConfig | None = None, cache_folder: Path | None = None) -> None:
        self.config = config or ImageEncoderConfig()
        self._folder = cache_folder

    @cached_property
    def fingerprint(self) -> str:
        return f"picture {weights_of(self.config.name)} {self.config.frames}"

    @cached_property
    def _cache(self) -> VectorCache:
        return VectorCache(self.fingerprint, self._folder)

    @property
    def _model(self) -> ImageModel:
        return image_model(self.config.name)

    def encode(self, pictures: Iterable[bytes | None], run: Run, total: int = 0) -> EncodedImages:
        """(n, D) vectors of n files' contents, None where there is none; a batch of them in memory at a time.

        total : how many there will be, for the progress
        """
        rows: list[FloatArray | None] = []
        missing = broken = 0
        for batch in _batches(pictures, self.config.batch_size):
            there = [content for content in batch if content]
            found = dict(zip(there, self._cache.get(there), strict=True))
            new = {
                content: frames
                for content in dict.fromkeys(there)
                if found[content] is None and (frames := self._opened(content))
            }
            if new:
                flat = self._model.vectors([frame for frames in new.values() for frame in frames])
                starts = np.cumsum([0, *(len(frames) for frames in new.values())])[:-1]
                vectors = unit_rows(np.add.reduceat(unit_rows(flat), starts, axis=0))
                self._cache.put(list(new), vectors)
                found.update(zip(new, vectors, strict=True))
            missing += len(batch) - len(there)
            broken += sum(found[content] is None for content in there)
            rows += [found[content] if content else None for content in batch]
            run.progress("looking at pictures", len(rows), max(total, len(rows)))
        width = next((len(row) for row in rows if row is not None), None) or self._model.width
        whole = np.zeros((len(rows), width), np.float32)
        for i, row in enumerate(rows):
            if row is not None:
                whole[i] = row
        return EncodedImages(whole, missing, broken)

    def _opened(self, content: bytes) -> list[Image]:
        """The frames of a picture or a video in RGB; none where it cannot be read."""
        if is_video(content):
            return frames_of(content, self.config.frames)
        try:
            from PIL import Image, UnidentifiedImageError
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "image", "Looking at pictures") from error
        try:
            with catch_warnings():
                simplefilter("ignore")  # "decompression bomb": we look at the size ourselves
                picture = Image.open(BytesIO(content))
                if picture.width * picture.height > MAX_PIXELS:
                    return []
                n = getattr(picture, "n_frames", 1)
                frames = []
                for i in np.unique(np.linspace(0, n - 1, min(n, self.config.frames)).astype(int)):
                    picture.seek(int(i))
                    frames.append(_rgb(picture))
        # Pillow's decoders raise all of these on files cut short, scrambled, or of a kind it does not know.
        except (
            OSError,
            ValueError,
            SyntaxError,
            EOFError,
            IndexError,
            UnidentifiedImageError,
            Image.DecompressionBombError,
        ):
            return []
        return frames


@cache
def image_encoder(config: ImageEncoderConfig) -> ImageEncoder:
    return ImageEncoder(config)


def _batches(files: Iterable[bytes | None], count: int) -> Iterator[list[bytes | None]]:
    """`count` files at a time, or fewer where they are large: of videos perhaps one."""
    batch: list[bytes | None] = []
    held = 0
    for content in files:
        batch.append(content)
        held += len(content or b"")
        if len(batch) == count or held >= MAX_BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _rgb(picture: Image) -> Image:
    """What is see-through becomes white, as on a shop's page."""
    if "A" in picture.getbands() or "transparency" in picture.info:
        from PIL import Image

        whole = picture.convert("RGBA")
        white = Image.new("RGBA", whole.size, "white")
        return Image.alpha_composite(white, whole).convert("RGB")
    return picture.convert("RGB")
