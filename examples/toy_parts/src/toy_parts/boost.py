"""Moves items with a value in a column up."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import PositiveFloat

from foretaste.config import Config
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import BoolArray, Candidates, Queries, Run, StageContext


class BoostConfig(Config):
    column: str
    """Column of the catalogue."""
    value: str
    """What stands in it for the items that are moved up."""
    factor: PositiveFloat = 1.2
    """Their score is multiplied by this."""


class Boost:
    """has : (n_items,) bool, whether an item has the value"""

    config_class = BoostConfig
    has: BoolArray | None = None

    def __init__(self, config: Any = None) -> None:
        self.config: BoostConfig = config

    def fit(self, train: Dataset, run: Run) -> Self:
        self.has = self._of(train.items)
        return self

    def for_items(self, items: ItemTable) -> Self:
        """The same for another catalogue: one that has grown, or settings that have changed."""
        other = copy(self)
        other.has = self._of(items)
        return other

    def extra(self, queries: Queries, n: int) -> int:
        return n

    def __call__(self, queries: Queries, candidates: Candidates, context: StageContext) -> Candidates:
        boosted = fitted(self.has, self)[candidates.items] & (candidates.items >= 0)
        return candidates.with_scores(candidates.scores * np.where(boosted, self.config.factor, 1.0))

    def _of(self, items: ItemTable) -> BoolArray:
        if self.config.column not in items.frame.columns:
            return np.zeros(len(items), np.bool_)
        return (items.frame[self.config.column].cast(str) == self.config.value).fill_null(False).to_numpy()

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, {"has": fitted(self.has, self).astype(np.uint8)})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, BoostConfig)
        stage = cls(config)
        stage.has = arrays["has"].astype(np.bool_)
        return stage
