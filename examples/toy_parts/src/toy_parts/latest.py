"""Recommends what was taken last, by anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from foretaste.config import Config
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class LatestConfig(Config):
    """It has no settings."""


class Latest:
    """score(i) = place of the newest event of item i among all events, 0 to 1; nan for items nobody took.

    freshness : (n_items,) float32
    """

    config_class = LatestConfig
    grid = (LatestConfig(),)
    freshness: FloatArray | None = None

    def __init__(self, config: LatestConfig | None = None) -> None:
        self.config = config or LatestConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        order = np.arange(len(train)) if train.time is None else np.argsort(train.time, kind="stable")
        self.freshness = np.full(train.n_items, np.nan, np.float32)
        self.freshness[train.item[order]] = (np.arange(len(train)) + 1) / len(train)
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.freshness, self))
        return recommend_in_blocks(self._scores, queries, k, n, "latest", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._scores, queries, items, len(fitted(self.freshness, self)))

    def _scores(self, queries: Queries) -> FloatArray:
        """(B, n_items)"""
        freshness = fitted(self.freshness, self)
        return np.tile(freshness, (len(queries), 1))

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, {"freshness": fitted(self.freshness, self)})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, LatestConfig)
        model = cls(config)
        model.freshness = arrays["freshness"].astype(np.float32, copy=False)
        return model
