"""Variants: of several versions of one product a list has only the best."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from foretaste.config import Config
from foretaste.errors import DataError
from foretaste.models.saving import fitted, read_model, write_model
from foretaste.pipeline.seen import first_of_each
from foretaste.pipeline.stages.parts import headroom
from foretaste.types import NO_ITEM, IntArray

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import Candidates, Queries, Run, StageContext


class OnePerGroupConfig(Config):
    column: str
    """Column of the catalogue whose equal values mean variants of one product."""


class OnePerGroup:
    """Keeps the first item of each group; items without a value are a group of their own.

    group : (n_items,) int32 number of each item's group, −1 for none
    """

    config_class = OnePerGroupConfig
    group: IntArray | None = None

    def __init__(self, config: Any = None) -> None:
        self.config: OnePerGroupConfig = config

    def fit(self, train: Dataset, run: Run) -> Self:
        self.group = groups_of(train.items, self.config.column)
        return self

    def for_items(self, items: ItemTable) -> Self:
        """The same for another catalogue."""
        other = copy(self)
        other.group = groups_of(items, self.config.column)
        return other

    def extra(self, queries: Queries, n: int) -> int:
        return headroom(n)

    def __call__(self, queries: Queries, candidates: Candidates, context: StageContext) -> Candidates:
        group = fitted(self.group, self)
        of_each = np.where(candidates.items == NO_ITEM, -1, group[candidates.items])
        keep = first_of_each(of_each)
        return candidates if keep.all() else candidates.keep(keep)

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, {"group": fitted(self.group, self)})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, cls.config_class)
        stage = cls(config)
        stage.group = arrays["group"].astype(np.int32, copy=False)
        return stage


def groups_of(items: ItemTable, column: str) -> IntArray:
    """(n_items,) int32 numbers of equal values, −1 where there is none; all −1 where the catalogue has no such column,
    since a column may still come."""
    if column not in items.frame.columns:
        return np.full(len(items), -1, np.int32)
    values = items.frame[column]
    if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
        raise DataError(f"The column '{column}' holds {values.dtype}; variants need one plain value for each item.")
    if values.dtype.is_float():
        values = values.fill_nan(None)
    numbers = values.cast(pl.String).rank("dense").cast(pl.Int32) - 1
    groups: IntArray = numbers.fill_null(-1).to_numpy().astype(np.int32)
    return groups
