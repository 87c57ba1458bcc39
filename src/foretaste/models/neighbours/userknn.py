"""User-based k-nearest neighbours (Resnick et al., CSCW 1994), with cosine over binary interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array, diags_array

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.sparse import dense_scores, recommend_sparse
from foretaste.index.topk import score_in_blocks
from foretaste.models.neighbours.similarity import Similarity, feature_weights, pair_similarity, row_sizes
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class UserKNNConfig(Config):
    """Settings of `userknn`."""

    neighbours: PositiveInt = 100
    """How many of the most similar users contribute."""
    shrinkage: NonNegativeFloat = 5.0
    """Added to the denominator, so that similarities from few common items are small. bm25 has no denominator."""
    similarity: Similarity = "cosine"
    """cosine, jaccard, or tfidf and bm25, in which popular items in common count little."""


class UserKNN:
    """score(i) = Σ over the nearest users v of |h ∩ v| / (√(|h| |v|) + shrinkage) · [v has i], for a history h.

    The other similarities are in `similarity.py`, with items as the features of users.

    interactions : (n_users, n_items) CSR float32 of ones, the training data; rows are anonymous, and the user of a
                   query may be among the neighbours
    users_of     : (n_items, n_users) CSR, its transpose
    item_weight  : (n_items,) float32, weight of each common item
    size         : (n_users,) float32, |v|
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
    interactions: csr_array | None = None
    users_of: csr_array
    kind_weight: FloatArray
    item_weight: FloatArray
    size: FloatArray

    def __init__(self, config: UserKNNConfig | None = None) -> None:
        self.config = config or UserKNNConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        self._keep(train.matrix(), train.kinds.weights)
        return self

    def _keep(self, interactions: csr_array, kind_weight: FloatArray) -> None:
        self.interactions, self.users_of, self.kind_weight = interactions, csr_array(interactions.T), kind_weight
        popularity = np.bincount(interactions.indices, minlength=interactions.shape[1])
        self.item_weight = feature_weights(self.config.similarity, popularity, interactions.shape[0])
        self.size = row_sizes(self.config.similarity, interactions, self.item_weight)

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.interactions, self).shape[1]
        return recommend_sparse(self._rows, queries, k, n, "userknn", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        n = fitted(self.interactions, self).shape[1]
        return score_in_blocks(lambda some: dense_scores(self._rows(some)), queries, items, n)

    def _rows(self, queries: Queries) -> csr_array:
        """(B, n_items) CSR; no entry where none of the neighbours has the item."""
        interactions = fitted(self.interactions, self)
        x = interaction_matrix(queries.history, interactions.shape[1], self.kind_weight)
        return self._nearest(x) @ interactions

    def _nearest(self, x: csr_array) -> csr_array:
        """(B, n_users) CSR: similarities of the nearest users of each of B histories; x is (B, n_items) CSR."""
        kind = self.config.similarity
        overlap = csr_array(csr_array(x @ diags_array(self.item_weight)) @ self.users_of)
        row = np.repeat(np.arange(overlap.shape[0]), np.diff(overlap.indptr))
        similarity = pair_similarity(
            kind,
            overlap.data,
            row_sizes(kind, x, self.item_weight)[row],
            self.size[overlap.indices],
            shrinkage=self.config.shrinkage,
            mean=float(self.size.mean()),
        )
        order = np.lexsort((overlap.indices, -similarity, row))
        rank = np.arange(len(order)) - overlap.indptr[row]
        nearest = order[rank < self.config.neighbours]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row[nearest], minlength=overlap.shape[0]))])
        return csr_array((similarity[nearest], overlap.indices[nearest], indptr), shape=overlap.shape)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32: each neighbour's similarity, divided among the items in common; a row sums to the score."""
        interactions = fitted(self.interactions, self)
        row = np.zeros(len(history), np.int32)
        x = csr_array((np.ones(len(history), np.float32), (row, history)), shape=(1, interactions.shape[1]))
        nearest = self._nearest(x)
        neighbours = interactions[nearest.indices]
        shared = neighbours[:, history].toarray() * self.item_weight[history]  # (neighbours, H)
        shared *= (nearest.data / np.maximum(shared.sum(axis=1), 1e-12))[:, None]
        parts: FloatArray = neighbours[:, items].toarray().T @ shared
        return parts

    def save(self, folder: Path | str) -> None:
        interactions = sparse_arrays("taken", fitted(self.interactions, self))
        write_model(folder, self.config, {**interactions, "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, UserKNNConfig)
        model = cls(config)
        model._keep(sparse_matrix("taken", arrays), arrays["kind_weight"].astype(np.float32))
        return model
