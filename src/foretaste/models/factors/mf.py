"""Matrix factorisation with logistic loss and sampled negatives.

Rendle, Krichene, Zhang & Anderson, "Neural Collaborative Filtering vs. Matrix Factorization Revisited", RecSys 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.factors.logistic_fold_in import LogisticFoldIn
from foretaste.models.factors.sgd_kernels import logistic_epoch
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class MFConfig(Config):
    """Settings of `mf`."""

    factors: PositiveInt = 64
    """Number of latent factors; the paper has 192 for ml-1m."""
    epochs: PositiveInt = 64
    """Passes over the events."""
    negatives: PositiveInt = 8
    """m: negatives per event, drawn uniformly from the catalogue."""
    learning_rate: PositiveFloat = 0.01
    """γ of SGD."""
    regularisation: NonNegativeFloat = 0.005
    """λ of the L2 penalty, per event and per negative."""
    spread: PositiveFloat = 0.1
    """Standard deviation of the initial factors."""
    measure_every: PositiveInt = 8
    """Epochs between two validations by `run.monitor`, where there is one; the best state is kept."""


class MF:
    """score(i) = b + b_i + b_u + p_u · q_i, trained by SGD against m random items per event (eq. 2 and section 4.1).

    Only item factors are stored: p_u and b_u of every user are folded in, as the optimum of the same loss with the
    items fixed. On ml-1m these lists are as good as with the user factors of the SGD.

    fold_in : item factors and biases, ready for fold-in
    """

    config_class = MFConfig
    grid = (
        MFConfig(),
        MFConfig(regularisation=0.01),
        MFConfig(regularisation=0.02),
        MFConfig(factors=128, regularisation=0.005),
    )
    fold_in: LogisticFoldIn | None = None
    kind_weight: FloatArray

    def __init__(self, config: MFConfig | None = None) -> None:
        self.config = config or MFConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        config, rng, n = self.config, run.rng(), train.n_items
        X = train.matrix()
        n_users = X.shape[0]
        user, item = np.repeat(np.arange(n_users, dtype=np.int32), np.diff(X.indptr)), X.indices.astype(np.int32)
        p = rng.normal(0, config.spread, (n_users, config.factors)).astype(np.float32)
        q = rng.normal(0, config.spread, (n, config.factors)).astype(np.float32)
        user_bias, item_bias, mean = np.zeros(n_users, np.float32), np.zeros(n, np.float32), np.zeros(1, np.float32)
        state = rng.integers(1, 1 << 63, 1, dtype=np.uint64)
        popularity = np.bincount(item, minlength=n).astype(np.float64)
        self.kind_weight = train.kinds.weights
        best = -np.inf
        best_fold_in: LogisticFoldIn | None = None
        for epoch in range(config.epochs):
            logistic_epoch(
                rng.permutation(len(user)),
                user,
                item,
                config.negatives,
                p,
                q,
                user_bias,
                item_bias,
                mean,
                np.float32(config.learning_rate),
                np.float32(config.regularisation),
                state,
            )
            run.progress("mf", epoch + 1, config.epochs)
            last = epoch + 1 == config.epochs
            if last or (run.monitor is not None and (epoch + 1) % config.measure_every == 0):
                self.fold_in = LogisticFoldIn.of(
                    q.copy(), item_bias + mean, popularity, config.negatives, config.regularisation, run.rng()
                )
                if run.monitor is not None and (score := run.monitor(self)) > best:
                    best, best_fold_in = score, self.fold_in
        self.fold_in = best_fold_in or self.fold_in
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.fold_in, self).offset)
        return recommend_in_blocks(self._score_all, queries, k, n, "mf", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.fold_in, self).offset))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); for queries without positive events, popularity by way of the biases."""
        fold_in = fitted(self.fold_in, self)
        users = fold_in(interaction_matrix(queries.history, len(fold_in.offset), self.kind_weight))
        scores: FloatArray = users @ fold_in.vectors.T + fold_in.offset
        return scores

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, {**fitted(self.fold_in, self).arrays(), "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, MFConfig)
        model = cls(config)
        model.fold_in = LogisticFoldIn.of_arrays(arrays, config.negatives, config.regularisation)
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        return model
