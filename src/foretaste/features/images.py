"""Images and videos to vectors by a frozen pretrained model: each is encoded once, unreadable ones are counted."""

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
"""Bytes of file contents per batch in memory, plus one file."""


class ImageEncoderConfig(Config):
    """The image model and how much of a file it is shown."""

    name: str = DEFAULT_IMAGE_MODEL
    """A CLIP, SigLIP or ViT model of transformers, a folder or a name on the hub; the default works offline."""
    batch_size: PositiveInt = 32
    frames: PositiveInt = 8
    """Evenly spaced frames that are encoded of an animated image (GIF, WebP, APNG) or a video (MP4, WebM, MKV, AVI;
    extra `video`); their vectors are averaged."""


class EncodedImages(NamedTuple):
    """Vectors of a batch of files.

    vectors : (n, D) float32 rows of length 1; 0 where a file is missing or unreadable
    missing : number of missing files
    broken  : number of unreadable files
    """

    vectors: FloatArray
    missing: int
    broken: int


class ImageEncoder:
    """Image and video files to vectors of length 1."""

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
        """Vectors of n file contents, None for a missing file; one batch of them is in memory at a time.

        total : expected n, for the progress bar
        """
        rows: list[FloatArray | None] = []
        missing = broken = 0
        for batch in _batches(pictures, self.config.batch_size):
            contents = [content for content in batch if content]
            vector_of = dict(zip(contents, self._cache.get(contents), strict=True))
            new = {
                content: frames
                for content in dict.fromkeys(contents)
                if vector_of[content] is None and (frames := self._frames(content))
            }
            if new:
                flat = self._model.vectors([frame for frames in new.values() for frame in frames])
                starts = np.cumsum([0, *(len(frames) for frames in new.values())])[:-1]
                vectors = unit_rows(np.add.reduceat(unit_rows(flat), starts, axis=0))
                self._cache.put(list(new), vectors)
                vector_of.update(zip(new, vectors, strict=True))
            missing += len(batch) - len(contents)
            broken += sum(vector_of[content] is None for content in contents)
            rows += [vector_of[content] if content else None for content in batch]
            run.progress("encoding images", len(rows), max(total, len(rows)))
        width = next((len(row) for row in rows if row is not None), None) or self._model.width
        whole = np.zeros((len(rows), width), np.float32)
        for i, row in enumerate(rows):
            if row is not None:
                whole[i] = row
        return EncodedImages(whole, missing, broken)

    def _frames(self, content: bytes) -> list[Image]:
        """RGB frames of an image or video; empty where it is unreadable."""
        if is_video(content):
            return frames_of(content, self.config.frames)
        try:
            from PIL import Image, UnidentifiedImageError
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "image", "Encoding images") from error
        try:
            with catch_warnings():
                simplefilter("ignore")  # "decompression bomb": the size is checked below
                picture = Image.open(BytesIO(content))
                if picture.width * picture.height > MAX_PIXELS:
                    return []
                n = getattr(picture, "n_frames", 1)
                frames = []
                for i in np.unique(np.linspace(0, n - 1, min(n, self.config.frames)).astype(int)):
                    picture.seek(int(i))
                    frames.append(_rgb(picture))
        # Pillow's decoders raise all of these on truncated, corrupt or unknown files.
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
    """One encoder per config and process."""
    return ImageEncoder(config)


def _batches(files: Iterable[bytes | None], count: int) -> Iterator[list[bytes | None]]:
    """Batches of `count` files, fewer where they are large."""
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
    """RGB, with transparent areas on white, as on a shop's page."""
    if "A" in picture.getbands() or "transparency" in picture.info:
        from PIL import Image

        whole = picture.convert("RGBA")
        white = Image.new("RGBA", whole.size, "white")
        return Image.alpha_composite(white, whole).convert("RGB")
    return picture.convert("RGB")
