"""Recommend items whose words mean what the words of a person's history mean. Needs nobody else's clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import PositiveFloat
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.errors import DataError
from foretaste.features.text import TextEncoderConfig, text_encoder
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class ContentConfig(Config):
    encoder: TextEncoderConfig = TextEncoderConfig()
    """The pretrained language model that reads the catalogue; it is not changed."""
    columns: tuple[str, ...] | None = None
    """What is read of each item; None reads every column of words, the title first."""
    half_life_events: PositiveFloat = 2.0
    """After how many newer events an event speaks half as loudly."""


class Content:
    """score(i) = cosine of item i with the history's mean, newer events louder.

    vectors  : (n_items, D) float32 rows of length 1; 0 where an item has no words
    wordless : (n_items,) where they are 0; asked for with every answer, so kept
    """

    config_class = ContentConfig
    grid = (ContentConfig(), *(ContentConfig(half_life_events=events) for events in (1.0, 5.0, 20.0, 100.0)))
    vectors: FloatArray | None = None
    wordless: BoolArray
    kind_weight: FloatArray

    def __init__(self, config: ContentConfig | None = None) -> None:
        self.config = config or ContentConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        texts = train.items.texts(self.config.columns)
        written = [i for i, text in enumerate(texts) if text]
        if not written:
            raise DataError("The model 'content' reads texts of items, and this catalogue has none; leave it out.")
        vectors = text_encoder(self.config.encoder).encode([texts[i] for i in written], run)
        self.vectors = np.zeros((len(texts), vectors.shape[1]), np.float32)
        self.vectors[written] = vectors
        self.wordless = np.asarray(~self.vectors.any(axis=1))
        self.kind_weight = train.kinds.weights
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.vectors, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "content", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.vectors, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items without words and for people without a taste."""
        vectors = fitted(self.vectors, self)
        taste = self._taste(queries)
        scores: FloatArray = taste @ vectors.T
        scores[:, self.wordless] = np.nan
        scores[~taste.any(axis=1)] = np.nan
        return scores

    def _taste(self, queries: Queries) -> FloatArray:
        """(B, D) rows of length 1: the direction of each history; 0 where there is none."""
        history, vectors = queries.history, fitted(self.vectors, self)
        events_after = np.repeat(history.offsets[1:], history.lengths) - 1 - np.arange(len(history.items))
        weight = self.kind_weight[history.kind] * np.exp2(-events_after / self.config.half_life_events)
        shape = (len(history), len(vectors))
        taste = csr_array((weight.astype(np.float32), history.items, history.offsets), shape=shape) @ vectors
        length = np.linalg.norm(taste, axis=1, keepdims=True)
        return np.divide(taste, length, out=np.zeros_like(taste), where=length > 0)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        vectors = fitted(self.vectors, self)
        return vectors[items] @ vectors[history].T

    def save(self, folder: Path) -> None:
        write_model(folder, self.config, {"vectors": fitted(self.vectors, self), "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path) -> Self:
        config, arrays = read_model(folder, ContentConfig)
        model = cls(config)
        model.vectors = arrays["vectors"].astype(np.float32, copy=False)
        model.wordless = np.asarray(~model.vectors.any(axis=1))
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        return model
