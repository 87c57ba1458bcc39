"""Items in random order: the lower bound of every metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from foretaste.config import Config
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class RandomConfig(Config):
    """No settings; the seed is that of the run."""


class Random:
    """score(i) uniform in [0, 1), a hash of seed, history and item: the same query always gets the same list."""

    config_class = RandomConfig
    grid = (RandomConfig(),)
    n_items: int | None = None
    seed: int = 0

    def __init__(self, config: RandomConfig | None = None) -> None:
        self.config = config or RandomConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        self.n_items = train.n_items
        self.seed = run.seed
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.n_items, self)
        return recommend_in_blocks(self._score_all, queries, k, n, "random", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, fitted(self.n_items, self))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items) float32, uniform in [0, 1)."""
        mixed = np.cumsum(_mixed(queries.history.items.astype(np.uint64)), dtype=np.uint64)
        events = np.concatenate([np.zeros(1, np.uint64), mixed])
        person = events[queries.history.offsets[1:]] - events[queries.history.offsets[:-1]] + np.uint64(self.seed)
        item = _mixed(np.arange(fitted(self.n_items, self), dtype=np.uint64))
        bits = _mixed(_mixed(person)[:, None] ^ item)
        return (bits >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)

    def save(self, folder: Path | str) -> None:
        state = {"n_items": np.array(fitted(self.n_items, self)), "seed": np.array(self.seed)}
        write_model(folder, self.config, state)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, RandomConfig)
        model = cls(config)
        model.n_items, model.seed = int(arrays["n_items"]), int(arrays["seed"])
        return model


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64 hash, elementwise (Steele, Lea & Flood, OOPSLA 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
