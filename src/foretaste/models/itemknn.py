"""Recommend what was taken by the same people (Sarwar et al. 2001; shrinkage after Bell & Koren 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.data.matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.neighbours import nearest_items
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class ItemKNNConfig(Config):
    neighbours: PositiveInt = 200
    """How many of the nearest items may speak for an item."""
    shrinkage: NonNegativeFloat = 20.0
    """Added to the denominator: two items that met twice are not yet friends."""


class ItemKNN:
    """score(i) = sum over j in the history of c_ij / (sqrt(c_i c_j) + shrinkage), over the nearest j of i.

    similarity : (n_items, n_items) CSR float32; row j what j speaks for, column i at most `neighbours` entries
    """

    config_class = ItemKNNConfig
    grid = (
        ItemKNNConfig(),
        *(ItemKNNConfig(neighbours=k, shrinkage=s) for k, s in ((50, 20.0), (200, 100.0), (1000, 5.0))),
    )
    similarity: csr_array | None = None
    kind_weight: FloatArray

    def __init__(self, config: ItemKNNConfig | None = None) -> None:
        self.config = config or ItemKNNConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        X = train.matrix()
        count = np.asarray(X.sum(axis=0), np.float32)

        def cosine(target: IntArray, source: IntArray, met: FloatArray) -> FloatArray:
            return met / (np.sqrt(count[target] * count[source]) + np.float32(self.config.shrinkage + 1e-9))

        self.similarity = nearest_items(csr_array(X.T), X, cosine, self.config.neighbours, run, "itemknn")
        self.kind_weight = train.kinds.weights
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.similarity, self).shape[0]
        return recommend_in_blocks(self._score_all, queries, k, n, "itemknn", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, fitted(self.similarity, self).shape[0])

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan where nothing in the history is a neighbour of the item."""
        similarity = fitted(self.similarity, self)
        x = interaction_matrix(queries.history, similarity.shape[0], self.kind_weight)
        scores: FloatArray = (x @ similarity).toarray()
        scores[scores == 0] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        found: FloatArray = fitted(self.similarity, self)[history][:, items].toarray().T
        return found

    def save(self, folder: Path) -> None:
        similarity = fitted(self.similarity, self)
        write_model(folder, self.config, {"kind_weight": self.kind_weight, **sparse_arrays("similarity", similarity)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        config, arrays = read_model(folder, ItemKNNConfig)
        model = cls(config)
        model.similarity = sparse_matrix("similarity", arrays)
        model.kind_weight = arrays["kind_weight"].astype(np.float32)
        return model
