"""A random walk of three steps from what a person did, the popular pushed back (RP3β; Paudel et al., TiiS 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array, diags_array

from foretaste.config import Config
from foretaste.data.matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.neighbours import nearest_items
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class WalkConfig(Config):
    neighbours: PositiveInt = 200
    """How many items may speak for an item."""
    alpha: NonNegativeFloat = 1.0
    """Exponent of each step's probability; 1 is a walk, smaller listens more to long histories."""
    beta: NonNegativeFloat = 0.6
    """How strongly popular items are pushed back; 0 is P3α."""


class RandomWalk:
    """score(i) = Σ over j in the history of Σ_u (p_ju p_ui)^α / c_i^β, with p_ju = 1 / c_j and p_ui = 1 / |u|.

    similarity : (n_items, n_items) CSR float32; row j what j speaks for, column i at most `neighbours` entries
    """

    config_class = WalkConfig
    grid = (WalkConfig(), *(WalkConfig(alpha=a, beta=b) for a, b in ((0.7, 0.4), (1.0, 0.3), (1.5, 0.6), (1.0, 0.8))))
    similarity: csr_array | None = None
    kind_weight: FloatArray

    def __init__(self, config: WalkConfig | None = None) -> None:
        self.config = config or WalkConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        X = train.matrix()
        alpha, beta = self.config.alpha, self.config.beta
        per_item = np.maximum(np.asarray(X.sum(axis=0), np.float32), 1)
        per_user = np.maximum(np.asarray(X.sum(axis=1), np.float32), 1)
        steps = csr_array(csr_array(X.T) @ diags_array(per_user**-alpha))

        def walked(target: IntArray, source: IntArray, met: FloatArray) -> FloatArray:
            return np.asarray(met * per_item[source] ** -alpha * per_item[target] ** -beta, np.float32)

        self.similarity = nearest_items(steps, X, walked, self.config.neighbours, run, "rp3beta")
        self.kind_weight = train.kinds.weights
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.similarity, self).shape[0]
        return recommend_in_blocks(self._score_all, queries, k, n, "rp3beta", exclude=exclude, allowed=allowed)

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
        config, arrays = read_model(folder, WalkConfig)
        model = cls(config)
        model.similarity = sparse_matrix("similarity", arrays)
        model.kind_weight = arrays["kind_weight"].astype(np.float32)
        return model
