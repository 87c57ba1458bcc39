"""Orders candidates by a weighted sum over the sources that found them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import PositiveFloat

from foretaste.config import Config
from foretaste.models.saving import fitted, read_model, write_model
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.types import Candidates, FloatArray, Queries, RankingRows, Run


class SourceWeightsConfig(Config):
    ridge: PositiveFloat = 1.0
    """Strength of the L2 penalty on the weights."""


class SourceWeights:
    """score(i) = Σ_s w_s / rank_s(i), w by ridge regression on what was taken.

    An answer may have other sources than the training had, a fallback more or a late source less: weights go by name.

    weights : (S,) float64
    sources : S names
    """

    config_class = SourceWeightsConfig
    weights: FloatArray | None = None
    sources: tuple[str, ...] = ()

    def __init__(self, config: SourceWeightsConfig | None = None) -> None:
        self.config = config or SourceWeightsConfig()

    def fit(self, rows: RankingRows, run: Run) -> Self:
        there = rows.candidates.items != NO_ITEM
        X, y = _features(rows.candidates)[there], rows.labels[there]
        self.sources = rows.candidates.sources
        self.weights = np.linalg.solve(X.T @ X + self.config.ridge * np.eye(X.shape[1]), X.T @ y)
        return self

    def score(self, queries: Queries, candidates: Candidates) -> FloatArray:
        weight_of = dict(zip(self.sources, fitted(self.weights, self).tolist(), strict=True))
        scores = _features(candidates) @ np.array([weight_of.get(name, 0.0) for name in candidates.sources])
        return np.where(candidates.items == NO_ITEM, np.nan, scores).astype(np.float32)

    def save(self, folder: Path | str) -> None:
        names = np.frombuffer("\n".join(self.sources).encode(), np.uint8)
        write_model(folder, self.config, {"weights": fitted(self.weights, self), "sources": names})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, SourceWeightsConfig)
        ranker = cls(config)
        ranker.weights = arrays["weights"]
        ranker.sources = tuple(arrays["sources"].tobytes().decode().split("\n"))
        return ranker


def _features(candidates: Candidates) -> FloatArray:
    """(B, K, S) 1 / rank in each source, 0 where it did not find the item."""
    return np.where(candidates.ranks > 0, 1.0 / np.maximum(candidates.ranks, 1), 0.0)
