"""Recommend what like-minded people took (Resnick et al. 1994; cosine over what was taken)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.data.matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class UserKNNConfig(Config):
    neighbours: PositiveInt = 100
    """How many of the most like-minded people are asked."""
    shrinkage: NonNegativeFloat = 5.0
    """Added to the denominator: two people who share one item are not yet like-minded."""


class UserKNN:
    """score(i) = Σ over the nearest people v of |h ∩ v| / (sqrt(|h| |v|) + shrinkage) · [v took i].

    taken : (n_users, n_items) CSR float32, what everybody in the training data took. The people are rows without names;
            a person asking is a history like any other, and may well be their own nearest neighbour
    """

    config_class = UserKNNConfig
    grid = (UserKNNConfig(), UserKNNConfig(neighbours=50), UserKNNConfig(neighbours=300), UserKNNConfig(shrinkage=50.0))
    taken: csr_array | None = None
    kind_weight: FloatArray

    def __init__(self, config: UserKNNConfig | None = None) -> None:
        self.config = config or UserKNNConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        self.taken = train.matrix()
        self.kind_weight = train.kinds.weights
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.taken, self).shape[1]
        return recommend_in_blocks(self._score_all, queries, k, n, "userknn", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, fitted(self.taken, self).shape[1])

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan where none of the neighbours took the item."""
        taken = fitted(self.taken, self)
        x = interaction_matrix(queries.history, taken.shape[1], self.kind_weight)
        met, per_item = self._nearest(x)
        weights = csr_array((met.data * per_item, met.indices, met.indptr), shape=met.shape)
        scores: FloatArray = (weights @ taken).toarray()
        scores[scores == 0] = np.nan
        return scores

    def _nearest(self, x: csr_array) -> tuple[csr_array, FloatArray]:
        """The nearest people of each of B histories: items in common, and how much each of those counts.

        returns : (B, n_users) CSR of |h ∩ v|, and per entry 1 / (sqrt(|h| |v|) + shrinkage)
        """
        taken = fitted(self.taken, self)
        met = csr_array(x @ taken.T)
        asker = np.repeat(np.arange(met.shape[0]), np.diff(met.indptr))
        size, sizes = np.diff(x.indptr)[asker], np.diff(taken.indptr)[met.indices]
        per_item = (1 / (np.sqrt(size * sizes) + self.config.shrinkage)).astype(np.float32)
        order = np.lexsort((met.indices, -met.data * per_item, asker))
        rank = np.arange(len(order)) - met.indptr[asker]
        nearest = order[rank < self.config.neighbours]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(asker[nearest], minlength=met.shape[0]))])
        kept = csr_array((met.data[nearest], met.indices[nearest], indptr), shape=met.shape)
        return kept, per_item[nearest]

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """Exact parts of the score: |h ∩ v| is a sum over what the person did."""
        taken = fitted(self.taken, self)
        row = np.zeros(len(history), np.int32)
        x = csr_array((np.ones(len(history), np.float32), (row, history)), shape=(1, taken.shape[1]))
        met, per_item = self._nearest(x)
        people = taken[met.indices]
        took = people[:, items].toarray() * per_item[:, None]  # (neighbours, K)
        found: FloatArray = took.T @ people[:, history].toarray()
        return found

    def save(self, folder: Path) -> None:
        taken = sparse_arrays("taken", fitted(self.taken, self))
        write_model(folder, self.config, {**taken, "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path) -> Self:
        config, arrays = read_model(folder, UserKNNConfig)
        model = cls(config)
        model.taken = sparse_matrix("taken", arrays)
        model.kind_weight = arrays["kind_weight"].astype(np.float32)
        return model
