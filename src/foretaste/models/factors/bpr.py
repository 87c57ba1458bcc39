"""Factors that rank what was taken above what was not (BPR; Rendle et al., UAI 2009); the kernel is `implicit`'s."""

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
    factors: PositiveInt = 128
    """Length of the vectors."""
    learning_rate: PositiveFloat = 0.05
    regularisation: NonNegativeFloat = 0.02
    """λ: how strongly each step draws the vectors it touches to 0."""
    epochs: PositiveInt = 100
    """Steps of SGD, in events."""
    fold_in_ridge: PositiveFloat = 0.1
    """How strongly the map from histories to people is smoothed, beside the mean square of the histories."""


class BPR:
    """score(i) = (Σ_j v_j A)·v_i + b_i over the j of a history, with v and b from max Σ ln σ(x_ui − x_uj) − λ‖Θ‖².

    SGD also learns a vector for each person, and nobody new has one. So it is used once, as what a ridge regression
    A is to find from the sum of the v of a history; from then on everybody is folded in, and history is the truth.
    On MovieLens this ranks better than the learned vectors themselves: 943 people are too few to learn each by heart.

    items : (n_items, factors) float32, v; zeros where nobody took the item
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
    unmet: BoolArray
    into: FloatArray
    kind_weight: FloatArray

    def __init__(self, config: BPRConfig | None = None) -> None:
        self.config = config or BPRConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        X = train.matrix()
        people, items = self._descended(X, run)
        # `implicit` keeps the bias of an item as a last factor, beside a last factor of 1 in every person.
        v, b = items[:, :-1], items[:, -1]
        sums = (X @ v).astype(np.float64)
        system = sums.T @ sums
        ridge = self.config.fold_in_ridge * np.trace(system) / len(system) or 1.0
        A = np.linalg.solve(system + ridge * np.eye(len(system)), sums.T @ people[:, :-1])
        self._keep(np.ascontiguousarray(v), np.ascontiguousarray(b))
        self.into = (v @ A).astype(np.float32)
        self.kind_weight = train.kinds.weights
        return self

    def _keep(self, items: FloatArray, bias: FloatArray) -> None:
        self.items, self.bias, self.unmet = items, bias, np.asarray(~items.any(axis=1))

    def _descended(self, X: csr_array, run: Run) -> tuple[FloatArray, FloatArray]:
        """(n_users, factors + 1) and (n_items, factors + 1); zeros for items nobody took."""
        try:
            from implicit.cpu.bpr import BayesianPersonalizedRanking
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "implicit", "cf", "The model 'bpr'") from error
        taken = np.bincount(X.indices, minlength=X.shape[1]) > 0
        if not taken.any():
            width = self.config.factors + 1
            return np.zeros((X.shape[0], width), np.float32), np.zeros((X.shape[1], width), np.float32)
        # One thread: with more, which of two steps comes first is a matter of luck, and no two fits are alike.
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
        return kernel.user_factors, np.where(taken[:, None], kernel.item_factors, np.float32(0))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.items, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "bpr", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.items, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for everyone who has not wanted anything yet, and for items nobody took."""
        items = fitted(self.items, self)
        x = interaction_matrix(queries.history, len(items), self.kind_weight)
        scores: FloatArray = (x @ self.into) @ items.T + self.bias
        scores[np.diff(x.indptr) == 0] = np.nan
        set_nan(scores, self.unmet)
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """What each thing adds to the score; the bias of an item is nobody's doing."""
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
