"""Recommend what like-minded people took (Resnick et al. 1994; cosine over what was taken)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array, diags_array

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.sparse import dense_scores, recommend_sparse
from foretaste.index.topk import score_in_blocks
from foretaste.models.neighbours.similarity import Similarity, alike, feature_weights, sizes
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class UserKNNConfig(Config):
    neighbours: PositiveInt = 100
    """How many of the most like-minded people are asked."""
    shrinkage: NonNegativeFloat = 5.0
    """Added to the denominator: two people who share one item are not yet like-minded. bm25 has no denominator."""
    similarity: Similarity = "cosine"
    """cosine, jaccard, or tfidf and bm25, in which sharing what everybody took says little."""


class UserKNN:
    """score(i) = Σ over the nearest people v of |h ∩ v| / (sqrt(|h| |v|) + shrinkage) · [v took i].

    The other similarities are in `similarity.py`, with items as features of people.

    taken : (n_users, n_items) CSR float32, what everybody in the training data took. The people are rows without names;
            a person asking is a history like any other, and may well be their own nearest neighbour
    loud  : (n_items,) float32, what having an item in common is worth
    size  : (n_users,) float32, |v|
    """

    config_class = UserKNNConfig
    grid = (
        UserKNNConfig(),
        UserKNNConfig(neighbours=50),
        UserKNNConfig(neighbours=300),
        UserKNNConfig(shrinkage=50.0),
        UserKNNConfig(similarity="tfidf"),
        UserKNNConfig(similarity="bm25"),
    )
    taken: csr_array | None = None
    people_of: csr_array
    kind_weight: FloatArray
    loud: FloatArray
    size: FloatArray

    def __init__(self, config: UserKNNConfig | None = None) -> None:
        self.config = config or UserKNNConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        self._remember(train.matrix(), train.kinds.weights)
        return self

    def _remember(self, taken: csr_array, kind_weight: FloatArray) -> None:
        self.taken, self.people_of, self.kind_weight = taken, csr_array(taken.T), kind_weight
        people = np.bincount(taken.indices, minlength=taken.shape[1])
        self.loud = feature_weights(self.config.similarity, people, taken.shape[0])
        self.size = sizes(self.config.similarity, taken, self.loud)

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.taken, self).shape[1]
        return recommend_sparse(self._rows, queries, k, n, "userknn", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        n = fitted(self.taken, self).shape[1]
        return score_in_blocks(lambda some: dense_scores(self._rows(some)), queries, items, n)

    def _rows(self, queries: Queries) -> csr_array:
        """(B, n_items) CSR; nothing where none of the neighbours took the item."""
        taken = fitted(self.taken, self)
        return self._nearest(interaction_matrix(queries.history, taken.shape[1], self.kind_weight)) @ taken

    def _nearest(self, x: csr_array) -> csr_array:
        """(B, n_users) CSR: how alike the nearest people of each of B histories are."""
        how = self.config.similarity
        met = csr_array(csr_array(x @ diags_array(self.loud)) @ self.people_of)
        asker = np.repeat(np.arange(met.shape[0]), np.diff(met.indptr))
        similarity = alike(
            how,
            met.data,
            sizes(how, x, self.loud)[asker],
            self.size[met.indices],
            shrinkage=self.config.shrinkage,
            mean=float(self.size.mean()),
        )
        order = np.lexsort((met.indices, -similarity, asker))
        rank = np.arange(len(order)) - met.indptr[asker]
        nearest = order[rank < self.config.neighbours]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(asker[nearest], minlength=met.shape[0]))])
        return csr_array((similarity[nearest], met.indices[nearest], indptr), shape=met.shape)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """Exact parts of the score: each neighbour's similarity, shared out among what the two have in common."""
        taken = fitted(self.taken, self)
        row = np.zeros(len(history), np.int32)
        x = csr_array((np.ones(len(history), np.float32), (row, history)), shape=(1, taken.shape[1]))
        nearest = self._nearest(x)
        people = taken[nearest.indices]
        shared = people[:, history].toarray() * self.loud[history]  # (neighbours, H)
        shared *= (nearest.data / np.maximum(shared.sum(axis=1), 1e-12))[:, None]
        found: FloatArray = people[:, items].toarray().T @ shared
        return found

    def save(self, folder: Path | str) -> None:
        taken = sparse_arrays("taken", fitted(self.taken, self))
        write_model(folder, self.config, {**taken, "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, UserKNNConfig)
        model = cls(config)
        model._remember(sparse_matrix("taken", arrays), arrays["kind_weight"].astype(np.float32))
        return model
