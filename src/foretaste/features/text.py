"""Text embeddings by a frozen pretrained language model, cached on disk."""

from __future__ import annotations

from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveInt

from foretaste.config import Config
from foretaste.features.cache import VectorCache
from foretaste.features.language_models import DEFAULT_TEXT_MODEL, language_model, weights_of
from foretaste.features.vector_ops import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from foretaste.features.language_models import LanguageModel
    from foretaste.types import FloatArray, Run

BATCH_TOKENS = 1_024
"""Tokens per automatic batch, with padding: enough to keep a CPU busy, little enough for any memory."""
QUERY_CACHE_SIZE = 4_096
"""Search queries whose vectors are kept in memory."""


class TextEncoderConfig(Config):
    """The text model and its precision."""

    name: str = DEFAULT_TEXT_MODEL
    """A sentence-transformers or transformers model, a folder or a name on the hub; or 'wordllama', which needs no
    torch. The default and wordllama come with a package and work offline."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """bfloat16 is three times as fast on a CPU; vectors agree to four digits."""
    batch_size: PositiveInt | None = None
    """Texts per batch; None chooses by their length."""


class TextEncoder:
    """Texts to vectors of length 1 (Sentence-BERT: Reimers & Gurevych 2019).

    A text longer than the model's maximum is split into pieces of equal length; its vector is their mean.
    """

    def __init__(self, config: TextEncoderConfig, cache_folder: Path | None = None) -> None:
        self.config = config
        self._folder = cache_folder

    @cached_property
    def fingerprint(self) -> str:
        return f"text {weights_of(self.config.name)} {self.config.dtype}"

    @cached_property
    def _cache(self) -> VectorCache:
        return VectorCache(self.fingerprint, self._folder)

    def encode(self, texts: Sequence[str], run: Run) -> FloatArray:
        """(n, D) float32. Texts encoded before, in any run, come from the cache and need no model.

        Batches are cached as they finish: an interrupted run loses one. 0 where a text has no token.
        """
        distinct = list(dict.fromkeys(texts))
        vector_of = dict(zip(distinct, self._cache.get(distinct), strict=True))
        missing = [text for text in distinct if vector_of[text] is None]
        done = 0
        for batch in self._batches(missing):
            vectors = pooled(self._model, batch)
            self._cache.put(batch, vectors)
            vector_of.update(zip(batch, vectors, strict=True))
            done += len(batch)
            run.progress("encoding texts", done, len(missing))
        if not distinct:
            return np.empty((0, self._model.width), np.float32)
        return np.stack([vector for text in texts if (vector := vector_of[text]) is not None])

    def encode_query(self, text: str) -> FloatArray:
        """(D,) of length 1, of a search query: cached in memory (LRU) and, for privacy, never on disk."""
        return self._encode_query_cached(text)

    @cached_property
    def _encode_query_cached(self) -> Callable[[str], FloatArray]:
        return lru_cache(maxsize=QUERY_CACHE_SIZE)(lambda text: pooled(self._model, [text])[0])

    def cached(self, texts: Sequence[str]) -> list[FloatArray | None]:
        """The cached vectors, None for texts not encoded yet; loads no model."""
        return self._cache.get(texts)

    @property
    def _model(self) -> LanguageModel:
        return language_model(self.config.name, self.config.dtype)

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        """Batches of texts of similar length in tokens, the shortest first: a batch is padded to its longest.

        By tokens, not characters: titles of equal character length gave batches that were half padding.
        """
        if not texts:
            return  # without loading the model
        batch: list[str] = []
        for length, text in sorted(zip(self._model.lengths(texts), texts, strict=True)):
            size = self.config.batch_size or max(1, BATCH_TOKENS // max(1, length))
            if len(batch) >= size:
                yield batch
                batch = []
            batch.append(text)
        if batch:
            yield batch


def pooled(model: LanguageModel, texts: Sequence[str]) -> FloatArray:
    """(n, D) rows of length 1: the mean of each text's pieces, weighted by their characters."""
    pieces = [model.pieces(text) for text in texts]
    flat = [piece for some in pieces for piece in some]
    vectors = unit_rows(model.vectors(flat))
    if len(flat) == len(texts):
        return vectors
    counts = [len(some) for some in pieces]
    characters = np.array([len(piece) for piece in flat], np.float32)
    starts = np.cumsum([0, *counts[:-1]])
    return unit_rows(np.add.reduceat(vectors * characters[:, None], starts, axis=0))


@cache
def text_encoder(config: TextEncoderConfig) -> TextEncoder:
    """One encoder per config and process."""
    return TextEncoder(config)
