"""Rating prediction by a per-user linear regression of ratings on item similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.index.topk import score_in_blocks
from foretaste.models.neighbours.weights import nearest_items
from foretaste.models.ratings.bias import item_biases
from foretaste.models.ratings.rating_data import Scale, ratings_to_learn
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, History, IntArray, Queries, Run


class SimilarityRegressionConfig(Config):
    """Settings of `similarity_regression`."""

    neighbours: PositiveInt = 300
    """How many of the most similar items are kept for each item."""
    shrinkage: NonNegativeFloat = 50.0
    """Added to the denominator of the cosine, so that similarities from few common users are small."""
    caution: PositiveFloat = 0.5
    """Added to the sum of similarities, which shrinks the weighted mean of deviations towards 0."""
    item_shrinkage: NonNegativeFloat = 5.0
    """Prior strength of item and user means of 0, in ratings."""
    ridge: PositiveFloat = 10.0
    """Prior strength of the global regression line, in ratings of the user."""


class SimilarityRegression:
    """r̂ = μ + b_i + b0_u + b1_u · s_ui, with s_ui the item-kNN estimate of user u's deviation on item i.

    s_ui = Σ_{j∈H} c_ij e_uj / (caution + Σ_{j∈H} c_ij),  e_uj = r_uj − μ − b_j − (mean of u's),  c_ij the shrunk cosine
    of the e of items i and j over all users. b0 and b1 are the ridge regression of a user's r − μ − b_j on s_uj, shrunk
    towards the regression line of all users; c_jj = 0, so no rating predicts itself.

    weights   : (n_items, n_items) CSR float32, c
    item_bias : (n_items,) float32
    line      : (2,) float64, b0 and b1 of the regression line of all users
    """

    config_class = SimilarityRegressionConfig
    grid = (
        SimilarityRegressionConfig(),
        *(
            SimilarityRegressionConfig(neighbours=k, shrinkage=s, caution=c)
            for k, s, c in ((100, 20.0, 0.2), (300, 100.0, 0.5), (1000, 50.0, 0.5))
        ),
    )
    weights: csr_array | None = None
    item_bias: FloatArray
    line: NDArray[np.float64]
    scale: Scale

    def __init__(self, config: SimilarityRegressionConfig | None = None) -> None:
        self.config = config or SimilarityRegressionConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        ratings, self.scale = ratings_to_learn(train, "similarity_regression")
        self.item_bias = item_biases(ratings, train.n_items, self.scale.mean, self.config.item_shrinkage)
        E = self._deviations(ratings)
        length = np.asarray(np.sqrt(E.multiply(E).sum(axis=0)), np.float32)

        def cosine(target: IntArray, source: IntArray, overlap: FloatArray) -> FloatArray:
            weight: FloatArray = np.maximum(overlap, 0) / (
                length[target] * length[source] + np.float32(self.config.shrinkage + 1e-9)
            )
            return weight

        near = nearest_items(csr_array(E.T), E, cosine, self.config.neighbours, run, "similarity_regression")
        near.eliminate_zeros()
        self.weights = near
        s, residual, _ = self._own_pairs(ratings)
        slope = float(((s - s.mean()) @ residual) / max(((s - s.mean()) ** 2).sum(), 1e-9))
        self.line = np.array([residual.mean() - slope * s.mean(), slope])
        return self

    def rate(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._rate_all, queries, items, len(fitted(self.weights, self).indptr) - 1)

    def _rate_all(self, queries: Queries) -> FloatArray:
        """(B, n_items)"""
        ratings = self.scale.ratings_of(queries.history)
        b0, b1 = self._lines(ratings)
        rating = b1[:, None] * self._similarity(ratings) + b0[:, None] + self.item_bias + np.float32(self.scale.mean)
        return self.scale.clip(rating)

    def _lines(self, ratings: History) -> tuple[FloatArray, FloatArray]:
        """(B,) b0 and (B,) b1: argmin Σ (residual − b0 − b1 s)² + ridge |(b0, b1) − line|², two equations per user."""
        s, residual, row = self._own_pairs(ratings)
        B, ridge = len(ratings), self.config.ridge
        residual = residual - self.line[0] - self.line[1] * s
        n, S, SS, L, SL = (np.bincount(row, x, B) for x in (np.ones_like(s), s, s * s, residual, s * residual))
        determinant = (n + ridge) * (SS + ridge) - S * S
        b0 = ((SS + ridge) * L - S * SL) / determinant
        b1 = ((n + ridge) * SL - S * L) / determinant
        return (self.line[0] + b0).astype(np.float32), (self.line[1] + b1).astype(np.float32)

    def _own_pairs(self, ratings: History) -> tuple[NDArray[np.float64], NDArray[np.float64], IntArray]:
        """For every rating: (L,) s, (L,) residual r − μ − b_j, and (L,) its user's row."""
        row = ratings.row_of_event()
        s = np.empty(len(row))
        rows_per_block = max(1, (1 << 22) // max(1, len(self.item_bias)))
        for start in range(0, len(ratings), rows_per_block):
            some = np.arange(start, min(start + rows_per_block, len(ratings)))
            part = ratings.take(some)
            block = slice(ratings.offsets[some[0]], ratings.offsets[some[-1] + 1])
            s[block] = self._similarity(part)[part.row_of_event(), part.items]
        residual = ratings.value.astype(np.float64) - self.scale.mean - self.item_bias[ratings.items]
        return s, residual, row

    def _similarity(self, ratings: History) -> FloatArray:
        """(B, n_items) s."""
        weights, E = fitted(self.weights, self), self._deviations(ratings)
        rated = csr_array((np.ones_like(E.data), E.indices, E.indptr), shape=E.shape)
        return (E @ weights).toarray() / ((rated @ weights).toarray() + np.float32(self.config.caution))

    def _deviations(self, ratings: History) -> csr_array:
        """(B, n_items) CSR float32 e: each rating minus global mean, item bias and user mean."""
        row = ratings.row_of_event()
        residual = ratings.value - np.float32(self.scale.mean) - self.item_bias[ratings.items]
        user_mean = np.bincount(row, residual, len(ratings)) / (ratings.lengths + self.config.item_shrinkage + 1e-9)
        e = (residual - user_mean[row]).astype(np.float32)
        return csr_array((e, ratings.items, ratings.offsets), shape=(len(ratings), len(self.item_bias)))

    def save(self, folder: Path | str) -> None:
        arrays = {**sparse_arrays("weights", fitted(self.weights, self)), **self.scale.arrays()}
        write_model(folder, self.config, {**arrays, "item_bias": self.item_bias, "line": self.line})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, SimilarityRegressionConfig)
        model = cls(config)
        model.weights = sparse_matrix("weights", arrays)
        model.item_bias = arrays["item_bias"].astype(np.float32, copy=False)
        model.line = arrays["line"].astype(np.float64, copy=False)
        model.scale = Scale.of_arrays(arrays)
        return model
