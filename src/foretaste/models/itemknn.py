"""Recommend what was taken by the same people (Sarwar et al. 2001; shrinkage after Bell & Koren 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.models.neighbours import ItemWeights, nearest_items
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class ItemKNNConfig(Config):
    neighbours: PositiveInt = 200
    """How many of the nearest items may speak for an item."""
    shrinkage: NonNegativeFloat = 20.0
    """Added to the denominator: two items that met twice are not yet friends."""


class ItemKNN:
    """score(i) = sum over j in the history of c_ij / (sqrt(c_i c_j) + shrinkage), over the nearest j of i.

    weights : what each item says for each other one, at most `neighbours` for each
    """

    config_class = ItemKNNConfig
    grid = (
        ItemKNNConfig(),
        *(ItemKNNConfig(neighbours=k, shrinkage=s) for k, s in ((50, 20.0), (200, 100.0), (1000, 5.0))),
    )
    weights: ItemWeights | None = None

    def __init__(self, config: ItemKNNConfig | None = None) -> None:
        self.config = config or ItemKNNConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        X = train.matrix()
        count = np.asarray(X.sum(axis=0), np.float32)

        def cosine(target: IntArray, source: IntArray, met: FloatArray) -> FloatArray:
            return met / (np.sqrt(count[target] * count[source]) + np.float32(self.config.shrinkage + 1e-9))

        nearest = nearest_items(csr_array(X.T), X, cosine, self.config.neighbours, run, "itemknn")
        self.weights = ItemWeights(nearest, train.kinds.weights)
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return fitted(self.weights, self).recommend(queries, k, "itemknn", exclude, allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return fitted(self.weights, self).score(queries, items)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        return fitted(self.weights, self).contributions(history, items)

    def save(self, folder: Path) -> None:
        write_model(folder, self.config, fitted(self.weights, self).arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        config, arrays = read_model(folder, ItemKNNConfig)
        model = cls(config)
        model.weights = ItemWeights.of_arrays(arrays)
        return model
