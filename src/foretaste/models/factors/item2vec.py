"""Item embeddings by skip-gram with negative sampling on histories (Item2Vec; Barkan & Koenigstein, 2016).

Hyper-parameters matter more than for words, above all the distribution of negatives: Caselles-Dupré, Lesaint &
Royo-Letelier, "Word2Vec applied to Recommendation", RecSys 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, set_nan
from foretaste.models.factors.sgd_kernels import skipgram_epoch
from foretaste.models.recency import recency_weighted_matrix, recency_weights
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, LongArray, Queries, Ragged, Run

NOISE_CELLS = 1 << 17
"""Length of the table that negatives are drawn from; its inverse is the smallest probability of an item."""


class Item2VecConfig(Config):
    """Settings of `item2vec`."""

    factors: PositiveInt = 64
    """Embedding dimension."""
    window: PositiveInt = 5
    """Maximum distance in events between an item and its context."""
    negatives: PositiveInt = 5
    """Negative samples per positive pair."""
    noise_exponent: float = 0.0
    """Exponent of popularity in the negative distribution: 1 as they occur; 0 uniform, which also learns popularity."""
    epochs: PositiveInt = 20
    """Passes over the histories."""
    learning_rate: PositiveFloat = 0.025
    """In the first epoch; it decays linearly to almost 0."""
    half_life_events: PositiveFloat = 2.0
    """An event of the history counts half as much after this many newer events."""


class Item2Vec:
    """score(i) = t · c_i with t the recency-weighted sum of the history's vectors v_j, each of length 1.

    Skip-gram learns two vectors per item, v as a target and c as a context. Papers rank by the cosine of v with v,
    which finds substitutes; v · c finds items that occur together. On ml-100k, leave-one-out validation, the latter has
    an NDCG@10 of 0.12, against 0.01 to 0.05.

    vectors, contexts : (n_items, D) float32, v and c; v is 0 for items without events
    """

    config_class = Item2VecConfig
    grid = (
        Item2VecConfig(),
        Item2VecConfig(window=3, half_life_events=1.0),
        Item2VecConfig(window=10, half_life_events=10.0),
        Item2VecConfig(window=20, half_life_events=100.0),
        Item2VecConfig(noise_exponent=0.5),
    )
    vectors: FloatArray | None = None
    contexts: FloatArray
    unseen_items: BoolArray
    kind_weight: FloatArray

    def __init__(self, config: Item2VecConfig | None = None) -> None:
        self.config = config or Item2VecConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        config, rng, n = self.config, run.rng(), train.n_items
        self.kind_weight = train.kinds.weights
        history = train.histories()
        history = history.where(self.kind_weight[history.kind] > 0)
        count = np.bincount(history.items, minlength=n).astype(np.int64)
        v = ((rng.random((n, config.factors)) - 0.5) / config.factors).astype(np.float32)
        c = np.zeros((n, config.factors), np.float32)
        noise = noise_table(count, config.noise_exponent)
        state = rng.integers(1, 1 << 63, 1, dtype=np.uint64)
        for epoch in range(config.epochs):
            skipgram_epoch(
                rng.permutation(len(history)),
                history.offsets,
                history.items,
                config.window,
                noise,
                config.negatives,
                v,
                c,
                np.float32(config.learning_rate * max(1 - epoch / config.epochs, 1e-4)),
                state,
            )
            run.progress("item2vec", epoch + 1, config.epochs)
        v[count == 0] = 0
        self.contexts = c
        self._keep(v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), np.float32(1e-12)))
        return self

    def _keep(self, vectors: FloatArray) -> None:
        self.vectors, self.unseen_items = vectors, np.asarray(~vectors.any(axis=1))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.vectors, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "item2vec", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.vectors, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items without events and for queries without any vector."""
        vectors = fitted(self.vectors, self)
        half_life = self.config.half_life_events
        x = recency_weighted_matrix(queries.history, len(vectors), self.kind_weight, half_life)
        profile = x @ vectors  # (B, D)
        scores: FloatArray = profile @ self.contexts.T
        set_nan(scores, self.unseen_items)
        scores[~profile.any(axis=1)] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; a row sums to the score."""
        products = self.contexts[items] @ fitted(self.vectors, self)[history].T
        return products * recency_weights(len(history), self.config.half_life_events)

    def save(self, folder: Path | str) -> None:
        arrays = {"vectors": fitted(self.vectors, self), "contexts": self.contexts, "kind_weight": self.kind_weight}
        write_model(folder, self.config, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, Item2VecConfig)
        model = cls(config)
        model._keep(arrays["vectors"].astype(np.float32, copy=False))
        model.contexts = arrays["contexts"].astype(np.float32, copy=False)
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        return model


def noise_table(count: LongArray, exponent: float) -> IntArray:
    """(about NOISE_CELLS,) int32 item codes, each in proportion to count ** exponent; none for items without events."""
    share = np.zeros(len(count))
    share[count > 0] = count[count > 0].astype(np.float64) ** exponent
    cells = np.ceil(share / max(share.sum(), 1e-12) * max(NOISE_CELLS, len(count))).astype(np.int64)
    return np.repeat(np.arange(len(count), dtype=np.int32), cells)
