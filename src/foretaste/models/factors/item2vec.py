"""Vectors of items from the company they keep in histories, as words from sentences.

Barkan & Koenigstein, "Item2Vec", 2016; that the settings matter more than in language, and above all how negatives are
drawn: Caselles-Dupré, Lesaint & Royo-Letelier, "Word2Vec applied to Recommendation", RecSys 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.index.topk import blank, recommend_in_blocks, score_in_blocks
from foretaste.models.factors.sgd_kernels import skipgram_epoch
from foretaste.models.recency import recency_weighted_matrix, recency_weights
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, LongArray, Queries, Ragged, Run

NOISE_CELLS = 1 << 17
"""Length of the table negatives are drawn from, and the least share an item can have in it."""


class Item2VecConfig(Config):
    factors: PositiveInt = 64
    """Length of the vectors."""
    window: PositiveInt = 5
    """How many events apart two items may be and still be company."""
    negatives: PositiveInt = 5
    """Items drawn for each pair, taken as no company."""
    noise_exponent: float = 0.0
    """Negatives are drawn by popularity to this power: 1 as they occur; 0 evenly, so that popularity is learned too."""
    epochs: PositiveInt = 20
    """Passes over the histories."""
    learning_rate: PositiveFloat = 0.025
    """Of the first epoch; it falls evenly to almost 0."""
    half_life_events: PositiveFloat = 2.0
    """After how many newer events an event speaks half as loudly."""


class Item2Vec:
    """score(i) = t · c_i with t the sum of the history's vectors v_j, each of length 1, newer events louder.

    Skip-gram learns two vectors of an item: v, what it is, and c, what it is like to be beside it. Papers rank by the
    cosine of v with v, which finds what may stand in an item's place; v · c finds what comes with it. On ml-100k,
    leave-one-out validation, that is NDCG@10 of 0.12 against 0.01 to 0.05.

    vectors, contexts : (n_items, D) float32, v and c; 0 where nobody took the item
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
    unmet: BoolArray
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
        self.vectors, self.unmet = vectors, np.asarray(~vectors.any(axis=1))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.vectors, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "item2vec", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.vectors, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items nobody took and for people without a taste."""
        vectors = fitted(self.vectors, self)
        taste = (
            recency_weighted_matrix(queries.history, len(vectors), self.kind_weight, self.config.half_life_events)
            @ vectors
        )
        scores: FloatArray = taste @ self.contexts.T
        blank(scores, self.unmet)
        scores[~taste.any(axis=1)] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        said = self.contexts[items] @ fitted(self.vectors, self)[history].T
        return said * recency_weights(len(history), self.config.half_life_events)

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
    """(about NOISE_CELLS,) item codes, each as often as count ** exponent says; items nobody took not at all."""
    share = np.zeros(len(count))
    share[count > 0] = count[count > 0].astype(np.float64) ** exponent
    cells = np.ceil(share / max(share.sum(), 1e-12) * max(NOISE_CELLS, len(count))).astype(np.int64)
    return np.repeat(np.arange(len(count), dtype=np.int32), cells)
