"""Linear item-to-item weights by ridge regression in closed form (EASE; Steck, WWW 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from scipy.linalg import lapack

from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.errors import ConfigError
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.recency import RecencyConfig, recency_weights
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, History, IntArray, Queries, Ragged, Run

ROWS_PER_BLOCK = 1024


class EaseConfig(RecencyConfig):
    """Settings of `ease`."""

    regularisation: PositiveFloat = 300.0
    """λ of the ridge penalty. Hundreds for small data, thousands for dense data."""
    max_items: PositiveInt = 20_000
    """A larger catalogue is refused: n² weights (1.6 GB at 20,000) and n³ time would not fit."""


class Ease:
    """score = x W for a history x, with W = argmin ‖X − XW‖² + λ‖W‖², diag W = 0.

    W = I − P / diag(P) column by column, P = (XᵀX + λI)⁻¹ (eq. 8 of the paper).

    gram    : (n_items, n_items) float32 XᵀX, integers; the only statistic of the users, so that one user can be added
              or removed exactly
    weights : (n_items, n_items) float32 W
    """

    config_class = EaseConfig
    grid = (EaseConfig(), *(EaseConfig(regularisation=strength) for strength in (30.0, 100.0, 1000.0, 3000.0)))
    gram: FloatArray | None = None
    weights: FloatArray | None = None
    kind_weight: FloatArray

    def __init__(self, config: EaseConfig | None = None) -> None:
        self.config = config or EaseConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        """Raises ConfigError for more than `max_items` items."""
        if train.n_items > self.config.max_items:
            raise ConfigError(
                f"ease holds one weight for each pair of items, and {train.n_items:,} items are more than its limit "
                f"of {self.config.max_items:,}; use slim or itemknn, or raise max_items if the memory is there."
            )
        self.kind_weight = train.kinds.weights
        self.gram = _gram(train.matrix())
        self.weights = self._solved(self.gram)
        return self

    def add(self, users: History) -> None:
        """Learn from further users, exactly as if they had been in the training data."""
        self._update(users, 1)

    def remove(self, users: History) -> None:
        """Unlearn users who were in the training data with exactly these histories."""
        self._update(users, -1)

    def _update(self, users: History, sign: int) -> None:
        gram = fitted(self.gram, self)
        self.gram = gram + sign * _gram(interaction_matrix(users, len(gram), self.kind_weight))
        self.weights = self._solved(self.gram)

    def _solved(self, gram: FloatArray) -> FloatArray:
        P = gram.astype(np.float64, order="F")
        if not len(P):
            return gram
        P[np.diag_indices_from(P)] += self.config.regularisation
        P, failed = lapack.dpotrf(P, lower=1, overwrite_a=1)
        P, failed_too = lapack.dpotri(P, lower=1, overwrite_c=1)  # the lower triangle of the inverse
        if failed or failed_too:
            raise ConfigError("ease could not invert its matrix; raise `regularisation`.")
        _mirror(P)
        P /= -np.diag(P).copy()
        weights = np.ascontiguousarray(P, np.float32)
        np.fill_diagonal(weights, 0)
        return weights

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.weights, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "ease", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.weights, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for queries without positive events."""
        weights = fitted(self.weights, self)
        x = interaction_matrix(queries.history, len(weights), self.kind_weight, self.config.half_life_events)
        scores: FloatArray = x @ weights
        scores[np.diff(x.indptr) == 0] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; a row sums to the score."""
        parts = fitted(self.weights, self)[np.ix_(history, items)].T
        return parts * recency_weights(len(history), self.config.half_life_events)

    def save(self, folder: Path | str) -> None:
        arrays = {"gram": fitted(self.gram, self), "weights": fitted(self.weights, self)}
        write_model(folder, self.config, {**arrays, "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, EaseConfig)
        model = cls(config)
        model.gram = arrays["gram"].astype(np.float32, copy=False)
        model.weights = arrays["weights"].astype(np.float32, copy=False)
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        return model


def _mirror(P: NDArray[np.float64]) -> None:
    """Copy the lower triangle to the upper one in place, in blocks, since a second n² matrix might not fit."""
    for start in range(0, len(P), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        square = P[rows, rows]
        P[rows, rows] = np.tril(square) + np.tril(square, -1).T
        P[rows, start + ROWS_PER_BLOCK :] = P[start + ROWS_PER_BLOCK :, rows].T


def _gram(X: csr_array) -> FloatArray:
    """(n_items, n_items) float32 XᵀX: the number of histories with both items of each pair."""
    gram: FloatArray = (X.T @ X).toarray().astype(np.float32)
    return gram
