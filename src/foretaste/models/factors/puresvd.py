"""Histories projected on the leading right singular vectors (PureSVD; Cremonesi et al., RecSys 2010)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, set_nan
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class PureSVDConfig(Config):
    """Settings of `puresvd`."""

    factors: PositiveInt = 50
    """Number of singular vectors; at most a quarter of all, since all of them would reproduce the history itself."""
    popularity: NonNegativeFloat = 1.0
    """d: 1 is PureSVD; smaller reduces the influence of popular items (EigenRec; Nikolakopoulos et al., 2019)."""


class PureSVD:
    """score = x V Vᵀ for a history x, with V the first right singular vectors of X diag(c)^((d − 1) / 2).

    There are no user factors, so guests and new users are served like all others.

    directions : (n_items, factors) float32, V; zeros for items without events
    """

    config_class = PureSVDConfig
    grid = (
        PureSVDConfig(),
        PureSVDConfig(factors=20),
        PureSVDConfig(factors=150),
        PureSVDConfig(popularity=0.5),
        PureSVDConfig(factors=300),
        PureSVDConfig(factors=150, popularity=0.5),
    )
    directions: FloatArray | None = None
    unseen_items: BoolArray
    kind_weight: FloatArray

    def __init__(self, config: PureSVDConfig | None = None) -> None:
        self.config = config or PureSVDConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        X = train.matrix()
        count = np.asarray(X.sum(axis=0))
        scaled = csr_array(X @ diags_array(np.maximum(count, 1) ** ((self.config.popularity - 1) / 2)))
        factors = min(self.config.factors, min(X.shape) // 4)
        V = np.zeros((0, train.n_items))
        if factors > 0 and X.nnz:
            _, _, V = svds(scaled.astype(np.float32), factors, rng=run.rng())
        self._keep(np.ascontiguousarray(np.where(count[:, None] > 0, V.T, 0), np.float32))
        self.kind_weight = train.kinds.weights
        return self

    def _keep(self, directions: FloatArray) -> None:
        self.directions, self.unseen_items = directions, np.asarray(~directions.any(axis=1))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.directions, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "puresvd", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.directions, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for queries without positive events, and for items without events."""
        V = fitted(self.directions, self)
        x = interaction_matrix(queries.history, len(V), self.kind_weight)
        scores: FloatArray = (x @ V) @ V.T
        scores[np.diff(x.indptr) == 0] = np.nan
        set_nan(scores, self.unseen_items)
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; a row sums to the score."""
        V = fitted(self.directions, self)
        return V[items] @ V[history].T

    def save(self, folder: Path | str) -> None:
        arrays = {"directions": fitted(self.directions, self), "kind_weight": self.kind_weight}
        write_model(folder, self.config, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, PureSVDConfig)
        model = cls(config)
        model._keep(arrays["directions"].astype(np.float32))
        model.kind_weight = arrays["kind_weight"].astype(np.float32)
        return model
