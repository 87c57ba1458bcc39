"""Implicit-feedback matrix factorisation by alternating least squares (iALS; Hu, Koren & Volinsky, ICDM 2008).

In the form of Rendle, Krichene, Zhang & Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks",
RecSys 2022: a weight for unobserved items, and frequency-based regularisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, set_nan
from foretaste.models.factors.least_squares import LeastSquares
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class IALSConfig(Config):
    """Settings of `ials`."""

    factors: PositiveInt = 128
    """Number of latent factors."""
    unobserved_weight: PositiveFloat = 0.1
    """α₀: weight of unobserved items in the loss, relative to 1 for observed ones."""
    regularisation: PositiveFloat = 0.01
    """λ of the L2 penalty."""
    frequency_exponent: NonNegativeFloat = 1.0
    """ν: 1 regularises frequent users and items more, as SGD does; 0 all equally, as in the paper of 2008."""
    epochs: PositiveInt = 8
    """Alternations: user factors are solved for, then item factors."""


class IALS:
    """score(i) = w·h_i, with w solved from the history: every user is folded in, in the training data or not.

    L = Σ_took (w·h − 1)² + α₀ Σ_all (w·h)² + λ (Σ_u (|u| + α₀ |I|)^ν ‖w_u‖² + Σ_i (|i| + α₀ |U|)^ν ‖h_i‖²)

    items : the least-squares problem with fixed item factors h, for fold-in
    """

    config_class = IALSConfig
    grid = (
        IALSConfig(),
        IALSConfig(unobserved_weight=0.3, regularisation=0.007),
        IALSConfig(unobserved_weight=0.05, regularisation=0.02),
        IALSConfig(regularisation=0.002),
        IALSConfig(factors=64),
    )
    items: LeastSquares | None = None
    kind_weight: FloatArray

    def __init__(self, config: IALSConfig | None = None) -> None:
        self.config = config or IALSConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        X = train.matrix()
        users_of = csr_array(X.T)
        d, epochs = self.config.factors, self.config.epochs
        factors = run.rng().normal(0, 0.1 / np.sqrt(d), (train.n_items, d)).astype(np.float32)
        factors[np.diff(users_of.indptr) == 0] = 0
        for epoch in range(epochs):
            users = self._side(factors).solve(X)
            factors = self._side(users).solve(users_of)
            run.progress("ials", epoch + 1, epochs)
        self.items, self.kind_weight = self._side(factors), train.kinds.weights
        return self

    def _side(self, factors: FloatArray) -> LeastSquares:
        config = self.config
        return LeastSquares(factors, config.unobserved_weight, config.regularisation, config.frequency_exponent)

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.items, self).factors)
        return recommend_in_blocks(self._score_all, queries, k, n, "ials", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.items, self).factors))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for queries without positive events, and for items without events."""
        items = fitted(self.items, self)
        x = interaction_matrix(queries.history, len(items.factors), self.kind_weight)
        scores: FloatArray = items.solve(x) @ items.factors.T
        scores[np.diff(x.indptr) == 0] = np.nan
        set_nan(scores, items.unseen_items)
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event to each item's score (Hu et al. 2008, section 5)."""
        return fitted(self.items, self).contributions(history, items)

    def save(self, folder: Path | str) -> None:
        arrays = {"items": fitted(self.items, self).factors, "kind_weight": self.kind_weight}
        write_model(folder, self.config, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, IALSConfig)
        model = cls(config)
        model.items = model._side(arrays["items"].astype(np.float32))
        model.kind_weight = arrays["kind_weight"].astype(np.float32)
        return model
