"""Texts to vectors, by a frozen pretrained language model; nothing is encoded twice."""

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
"""Tokens in an automatic batch, padding counted: about what keeps a CPU busy and fits anywhere."""

QUERY_CACHE_SIZE = 4_096
"""Questions whose vectors are at hand: people ask the same things again."""


class TextEncoderConfig(Config):
    name: str = DEFAULT_TEXT_MODEL
    """A sentence-transformers or transformers model, a folder or a name on the hub; or 'wordllama', which needs no
    torch. The default and wordllama come with a package and work offline."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """bfloat16 is three times as fast on a CPU, and the vectors are the same to four digits."""
    batch_size: PositiveInt | None = None
    """Texts at once; None takes as many as are short enough."""


class TextEncoder:
    """Sentences in, vectors of length 1 out (Reimers & Gurevych 2019).

    A text longer than the model reads is cut into pieces of like length, and its vector is their mean.
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
        """(n, D) float32. Texts met before, in any run, come from the cache and cost no model.

        Batches are kept as they are done: an interrupted run loses one. 0 where a text has no word.
        """
        distinct = list(dict.fromkeys(texts))
        found = dict(zip(distinct, self._cache.get(distinct), strict=True))
        missing = [text for text in distinct if found[text] is None]
        done = 0
        for batch in self._batches(missing):
            vectors = pooled(self._model, batch)
            self._cache.put(batch, vectors)
            found.update(zip(batch, vectors, strict=True))
            done += len(batch)
            run.progress("reading texts", done, len(missing))
        if not distinct:
            return np.empty((0, self._model.width), np.float32)
        return np.stack([vector for text in texts if (vector := found[text]) is not None])

    def encode_query(self, text: str) -> FloatArray:
        """(D,) of length 1, for what a person typed: kept in memory for a while, and never on disk."""
        return self._encode_query_cached(text)

    @cached_property
    def _encode_query_cached(self) -> Callable[[str], FloatArray]:
        return lru_cache(maxsize=QUERY_CACHE_SIZE)(lambda text: pooled(self._model, [text])[0])

    def cached(self, texts: Sequence[str]) -> list[FloatArray | None]:
        """The vectors that are in the cache already; asks no model."""
        return self._cache.get(texts)

    @property
    def _model(self) -> LanguageModel:
        return language_model(self.config.name, self.config.dtype)

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        """Texts of as many tokens together, for a batch is as long as its longest text; the short ones first.

        By tokens, not letters: titles of one length in letters made batches half of which was padding.
        """
        if not texts:
            return  # and no model is loaded
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
    """(n, D) rows of length 1: the mean of each text's pieces, weighted by their letters."""
    pieces = [model.pieces(text) for text in texts]
    flat = [piece for some in pieces for piece in some]
    vectors = unit_rows(model.vectors(flat))
    if len(flat) == len(texts):
        return vectors
    counts = [len(some) for some in pieces]
    letters = np.array([len(piece) for piece in flat], np.float32)
    starts = np.cumsum([0, *counts[:-1]])
    return unit_rows(np.add.reduceat(vectors * letters[:, None], starts, axis=0))


@cache
def text_encoder(config: TextEncoderConfig) -> TextEncoder:
    return TextEncoder(config)
