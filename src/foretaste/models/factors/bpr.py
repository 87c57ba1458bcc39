"""Matrix factorisation with Bayesian personalised ranking (BPR; Rendle et al., UAI 2009), trained by `implicit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse import csr_matrix

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.errors import MissingExtraError
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, set_nan
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from scipy.sparse import csr_array

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class BPRConfig(Config):
    """Settings of `bpr`."""

    factors: PositiveInt = 128
    """Number of latent factors."""
    learning_rate: PositiveFloat = 0.05
    """Step size of SGD."""
    regularisation: NonNegativeFloat = 0.02
    """λ: L2 penalty on the parameters that an SGD step updates."""
    epochs: PositiveInt = 100
    """Passes of SGD; each has as many steps as there are events."""
    fold_in_ridge: PositiveFloat = 0.1
    """Ridge penalty of the map from histories to user factors, relative to the mean square of the histories."""


class BPR:
    """score(i) = (Σ_j v_j A)·v_i + b_i over the j of a history, with v and b from max Σ ln σ(x_ui − x_uj) − λ‖Θ‖².

    SGD also learns user factors, which new users lack. They are only the targets of a ridge regression A from the sum
    of the item factors of a history; every user, known or new, is then folded in by A. On MovieLens this ranks better
    than the learned user factors themselves, since 943 users are too few to learn each one's.

    items : (n_items, factors) float32, v; zeros for items without events
    bias  : (n_items,) float32, b
    into  : (n_items, factors) float32, v A
    """

    config_class = BPRConfig
    grid = (
        BPRConfig(),
        BPRConfig(factors=64),
        BPRConfig(factors=64, epochs=30),
        BPRConfig(regularisation=0.005),
        BPRConfig(regularisation=0.05),
    )
    items: FloatArray | None = None
    bias: FloatArray
    unseen_items: BoolArray
    into: FloatArray
    kind_weight: FloatArray

    def __init__(self, config: BPRConfig | None = None) -> None:
        self.config = config or BPRConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        X = train.matrix()
        users, items = self._sgd_factors(X, run)
        # `implicit` stores the item bias as the last factor, with a last factor of 1 in every user.
        v, b = items[:, :-1], items[:, -1]
        sums = (X @ v).astype(np.float64)
        system = sums.T @ sums
        ridge = self.config.fold_in_ridge * np.trace(system) / len(system) or 1.0
        A = np.linalg.solve(system + ridge * np.eye(len(system)), sums.T @ users[:, :-1])
        self._keep(np.ascontiguousarray(v), np.ascontiguousarray(b))
        self.into = (v @ A).astype(np.float32)
        self.kind_weight = train.kinds.weights
        return self

    def _keep(self, items: FloatArray, bias: FloatArray) -> None:
        self.items, self.bias, self.unseen_items = items, bias, np.asarray(~items.any(axis=1))

    def _sgd_factors(self, X: csr_array, run: Run) -> tuple[FloatArray, FloatArray]:
        """(n_users, factors + 1) and (n_items, factors + 1) float32; zeros for items without events."""
        try:
            from implicit.cpu.bpr import BayesianPersonalizedRanking
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "implicit", "cf", "The model 'bpr'") from error
        seen = np.bincount(X.indices, minlength=X.shape[1]) > 0
        if not seen.any():
            width = self.config.factors + 1
            return np.zeros((X.shape[0], width), np.float32), np.zeros((X.shape[1], width), np.float32)
        # One thread: with more, the order of the steps is not deterministic.
        kernel = BayesianPersonalizedRanking(
            factors=self.config.factors,
            learning_rate=self.config.learning_rate,
            regularization=self.config.regularisation,
            iterations=self.config.epochs,
            random_state=run.seed,
            num_threads=1,
        )
        epoch = iter(range(1, self.config.epochs + 1))
        kernel.fit(
            csr_matrix(X), show_progress=False, callback=lambda *_: run.progress("bpr", next(epoch), self.config.epochs)
        )
        return kernel.user_factors, np.where(seen[:, None], kernel.item_factors, np.float32(0))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.items, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "bpr", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.items, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for queries without positive events, and for items without events."""
        items = fitted(self.items, self)
        x = interaction_matrix(queries.history, len(items), self.kind_weight)
        scores: FloatArray = (x @ self.into) @ items.T + self.bias
        scores[np.diff(x.indptr) == 0] = np.nan
        set_nan(scores, self.unseen_items)
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event to each item's score; a row sums to the score without item bias."""
        return fitted(self.items, self)[items] @ self.into[history].T

    def save(self, folder: Path | str) -> None:
        arrays = {"items": fitted(self.items, self), "bias": self.bias, "into": self.into}
        write_model(folder, self.config, {**arrays, "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, BPRConfig)
        model = cls(config)
        model._keep(arrays["items"].astype(np.float32), arrays["bias"].astype(np.float32))
        model.into, model.kind_weight = arrays["into"].astype(np.float32), arrays["kind_weight"].astype(np.float32)
        return model
