"""Items by popularity: the baseline that every model must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import PositiveFloat

from foretaste.config import Config
from foretaste.errors import ConfigError
from foretaste.index.static_ranking import StaticRanking
from foretaste.index.topk import score_in_blocks
from foretaste.models.recency import DAY_MICROSECONDS
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class PopularConfig(Config):
    """Settings of `popular`."""

    half_life_days: PositiveFloat | None = None
    """Age at which an event counts half; None weights all events equally."""


class Popular:
    """score(i) = Σ w_e 2^(−age_e / half-life) over the events e of item i; the same ranking for every user.

    popularity : (n_items,) float32, the scores; None before `fit`
    """

    config_class = PopularConfig
    grid = (PopularConfig(),)
    popularity: FloatArray | None = None
    ranking: StaticRanking | None = None

    def __init__(self, config: PopularConfig | None = None) -> None:
        self.config = config or PopularConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        """Raises ConfigError where a half-life is set and the events have no times."""
        weight = train.kinds.weights[train.kind].astype(np.float64)
        if (days := self.config.half_life_days) is not None:
            if train.time is None:
                raise ConfigError("half_life_days needs events with times; these have only an order. Leave it out.")
            weight *= np.exp2((train.time - train.time.max(initial=0)) / (days * DAY_MICROSECONDS))
        self._keep(np.bincount(train.item, weight, train.n_items).astype(np.float32))
        return self

    def _keep(self, popularity: FloatArray) -> None:
        self.popularity, self.ranking = popularity, StaticRanking(popularity)

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        ranking = fitted(self.ranking, self)
        return ranking.recommend(queries, k, "popular", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.popularity, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        return np.tile(fitted(self.popularity, self), (len(queries), 1))

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, {"popularity": fitted(self.popularity, self)})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, PopularConfig)
        model = cls(config)
        model._keep(arrays["popularity"].astype(np.float32))
        return model
