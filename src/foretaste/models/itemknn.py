"""Recommend what was taken by the same people (Sarwar et al. 2001; shrinkage after Bell & Koren 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.data.matrix import interaction_matrix
from foretaste.index.topk import BLOCK_CELLS, recommend_in_blocks, score_in_blocks
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, LongArray, Queries, Ragged, Run


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
        n = train.n_items
        count = np.asarray(X.sum(axis=0), np.float32)
        items_by_users = csr_array(X.T)
        rows_at_once = max(1, BLOCK_CELLS // max(1, n))
        targets, sources, values = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for start in range(0, n, rows_at_once):
            together = (items_by_users[start : start + rows_at_once] @ X).tocoo()  # c_ij
            target, source = together.coords[0] + start, together.coords[1]
            apart = target != source
            target, source, met = target[apart], source[apart], together.data[apart]
            similar = met / (np.sqrt(count[target] * count[source]) + np.float32(self.config.shrinkage + 1e-9))
            nearest = _first_of_each(target, np.lexsort((source, -similar, target)), self.config.neighbours)
            targets.append(target[nearest].astype(np.int32))
            sources.append(source[nearest].astype(np.int32))
            values.append(similar[nearest].astype(np.float32))
            run.progress("itemknn", min(n, start + rows_at_once), n)
        self.similarity = _by_row(np.concatenate(sources), np.concatenate(targets), np.concatenate(values), n)
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


def _first_of_each(group: IntArray, order: LongArray, k: int) -> LongArray:
    """Of events in `order`, which sorts them by group, the first k of each group."""
    grouped = group[order]
    begins = np.flatnonzero(np.diff(grouped, prepend=-1))
    rank = np.arange(len(grouped)) - np.repeat(begins, np.diff(np.append(begins, len(grouped))))
    return order[rank < k]


def _by_row(row: IntArray, column: IntArray, value: FloatArray, n: int) -> csr_array:
    """(n, n) CSR matrix of these entries."""
    order = np.argsort(row, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
    return csr_array((value[order], column[order], indptr), shape=(n, n))
