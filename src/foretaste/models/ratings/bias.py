"""Global mean plus item and user bias: the baseline of rating prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat

from foretaste.config import Config
from foretaste.models.ratings.rating_data import Scale, rate_in_blocks, ratings_to_learn
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, History, IntArray, Queries, Run


class BiasConfig(Config):
    """Settings of `bias`."""

    item_shrinkage: NonNegativeFloat = 5.0
    """Prior strength of an item bias of 0, in ratings."""
    user_shrinkage: NonNegativeFloat = 5.0
    """Prior strength of a user bias of 0, in ratings."""


class Bias:
    """r̂ = μ + b_i + b_u (Koren 2010, eq. 1): item biases are fitted first, user biases computed from each history.

    item_bias : (n_items,) float32
    """

    config_class = BiasConfig
    grid = (BiasConfig(), *(BiasConfig(item_shrinkage=i, user_shrinkage=u) for i, u in ((2.0, 2.0), (10.0, 15.0))))
    item_bias: FloatArray | None = None
    scale: Scale

    def __init__(self, config: BiasConfig | None = None) -> None:
        self.config = config or BiasConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        ratings, self.scale = ratings_to_learn(train, "bias")
        self.item_bias = item_biases(ratings, train.n_items, self.scale.mean, self.config.item_shrinkage)
        return self

    def rate(self, queries: Queries, items: IntArray) -> FloatArray:
        return rate_in_blocks(self._rate, queries, items, 1)

    def _rate(self, queries: Queries, items: IntArray) -> FloatArray:
        item_bias, ratings = fitted(self.item_bias, self), self.scale.ratings_of(queries.history)
        residual = ratings.value - np.float32(self.scale.mean) - item_bias[ratings.items]
        total = np.bincount(ratings.row_of_event(), residual, len(ratings))
        user_bias = total / np.maximum(ratings.lengths + self.config.user_shrinkage, 1e-9)
        predicted = item_bias[items] + user_bias.astype(np.float32)[:, None] + np.float32(self.scale.mean)
        return self.scale.clip(predicted)

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, {"item_bias": fitted(self.item_bias, self), **self.scale.arrays()})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, BiasConfig)
        model = cls(config)
        model.item_bias = arrays["item_bias"].astype(np.float32, copy=False)
        model.scale = Scale.of_arrays(arrays)
        return model


def item_biases(ratings: History, n_items: int, mean: float, shrinkage: float) -> FloatArray:
    """(n_items,) float32 b_i = Σ (r − μ) / (n_i + shrinkage); 0 for unrated items."""
    total = np.bincount(ratings.items, ratings.value - mean, n_items)
    count = np.bincount(ratings.items, minlength=n_items)
    return (total / np.maximum(count + shrinkage, 1e-9)).astype(np.float32)
