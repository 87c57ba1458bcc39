"""Smooth each history over the item graph, in closed form: no training at all (GF-CF; Shen et al., CIKM 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, NonNegativeInt
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from foretaste.data.matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.recency import RecencyConfig, recency_weights
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class GraphFilterConfig(RecencyConfig):
    rank: NonNegativeInt = 256
    """Of the ideal low-pass filter: how many of the smoothest directions of the graph it keeps."""
    ideal_weight: NonNegativeFloat = 0.3
    """α: weight of the ideal filter beside the linear one."""


class GraphFilter:
    """s = r P + α r D^(−½) V Vᵀ D^(½), for a history r (eq. 13 of the paper).

    P = R̃ᵀ R̃ with R̃ = D_u^(−½) R D_i^(−½), and V its `rank` first right singular vectors.

    linear : (n_items, n_items) CSR float32, P
    into   : (n_items, rank) float32, D^(−½) V
    out_of : (rank, n_items) float32, α Vᵀ D^(½)
    """

    config_class = GraphFilterConfig
    grid = (
        GraphFilterConfig(),
        GraphFilterConfig(rank=64),
        GraphFilterConfig(rank=64, ideal_weight=1.0),
        GraphFilterConfig(rank=16, ideal_weight=1.0),
    )
    linear: csr_array | None = None
    into: FloatArray
    out_of: FloatArray
    kind_weight: FloatArray

    def __init__(self, config: GraphFilterConfig | None = None) -> None:
        self.config = config or GraphFilterConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        R = train.matrix()
        per_user = np.maximum(np.asarray(R.sum(axis=1)), 1)
        per_item = np.maximum(np.asarray(R.sum(axis=0)), 1)
        normal = csr_array(diags_array(per_user**-0.5) @ R @ diags_array(per_item**-0.5)).astype(np.float32)
        self.linear = csr_array(normal.T @ normal)
        rank = min(self.config.rank, min(normal.shape) - 1)
        if rank > 0 and self.config.ideal_weight > 0 and normal.nnz:
            _, _, V = svds(normal, rank, rng=run.rng())  # V: (rank, n_items)
        else:
            V = np.zeros((0, train.n_items), np.float32)
        self.into = np.ascontiguousarray((V * per_item**-0.5).T, np.float32)
        self.out_of = (self.config.ideal_weight * V * per_item**0.5).astype(np.float32)
        self.kind_weight = train.kinds.weights
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.linear, self).shape[0]
        return recommend_in_blocks(self._score_all, queries, k, n, "gfcf", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, fitted(self.linear, self).shape[0])

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for everyone who has not wanted anything yet."""
        linear = fitted(self.linear, self)
        x = interaction_matrix(queries.history, linear.shape[0], self.kind_weight, self.config.half_life_events)
        scores: FloatArray = (x @ linear).toarray() + (x @ self.into) @ self.out_of
        scores[np.diff(x.indptr) == 0] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        linear = fitted(self.linear, self)[history][:, items].toarray()
        parts = (linear + self.into[history] @ self.out_of[:, items]).T
        return parts * recency_weights(len(history), self.config.half_life_events)

    def save(self, folder: Path | str) -> None:
        linear = sparse_arrays("linear", fitted(self.linear, self))
        write_model(
            folder, self.config, {**linear, "into": self.into, "out_of": self.out_of, "kind_weight": self.kind_weight}
        )

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, GraphFilterConfig)
        model = cls(config)
        model.linear = sparse_matrix("linear", arrays)
        model.into, model.out_of = arrays["into"].astype(np.float32), arrays["out_of"].astype(np.float32)
        model.kind_weight = arrays["kind_weight"].astype(np.float32)
        return model
