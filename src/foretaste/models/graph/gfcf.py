"""Graph filtering of histories in closed form, without training (GF-CF; Shen et al., CIKM 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, NonNegativeInt
from scipy.sparse import csr_array

from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.graph.spectral import low_pass_filter, normalised
from foretaste.models.recency import RecencyConfig, recency_weights
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class GraphFilterConfig(RecencyConfig):
    """Settings of `gfcf`."""

    rank: NonNegativeInt = 256
    """Rank of the ideal low-pass filter: how many of the lowest graph frequencies it keeps."""
    ideal_weight: NonNegativeFloat = 0.3
    """α: weight of the ideal filter relative to the linear one."""


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
        normal = normalised(R)
        self.linear = csr_array(normal.T @ normal)
        self.into, self.out_of = low_pass_filter(R, normal, self.config.rank, self.config.ideal_weight, run)
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
        """(B, n_items); nan for queries without positive events."""
        linear = fitted(self.linear, self)
        x = interaction_matrix(queries.history, linear.shape[0], self.kind_weight, self.config.half_life_events)
        scores: FloatArray = (x @ linear).toarray() + (x @ self.into) @ self.out_of
        scores[np.diff(x.indptr) == 0] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; a row sums to the score."""
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
