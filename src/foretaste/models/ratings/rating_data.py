"""Training data of rating models: each user's newest rating of each item, and the rating scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foretaste.data.kinds import RATING
from foretaste.errors import DataError
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
    from foretaste.data.kinds import Kinds
    from foretaste.types import BoolArray, FloatArray, History, IntArray, Queries

BLOCK_CELLS = 1 << 22
"""Numbers held at once while predicting: 4 million, 16 MB."""


@dataclass(frozen=True, eq=False)
class Scale:
    """
    low, high, mean : of the training ratings
    is_rating       : (n_kinds,) which event kinds are ratings
    """

    low: float
    high: float
    mean: float
    is_rating: BoolArray

    def clip(self, ratings: FloatArray) -> FloatArray:
        """Ratings clipped to [low, high], in place."""
        return np.clip(ratings, np.float32(self.low), np.float32(self.high), out=ratings)

    def ratings_of(self, history: History) -> History:
        """One row per user: the newest rating of each item, oldest first."""
        return newest_ratings(history, self.is_rating)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"scale": np.array([self.low, self.high, self.mean]), "is_rating": self.is_rating}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> Scale:
        low, high, mean = (float(x) for x in arrays["scale"])
        return cls(low, high, mean, arrays["is_rating"].astype(bool))


def ratings_to_learn(train: Dataset, name: str) -> tuple[History, Scale]:
    """The ratings of a data set, one row per user code, and their scale.

    name   : of the model, for error messages
    raises : DataError where there are no ratings, or all are equal
    """
    is_rating = rating_kinds(train.kinds)
    ratings = newest_ratings(train.histories(), is_rating)
    value = ratings.value
    if not len(value):
        raise DataError(f"'{name}' learns from ratings, and {train.name} has none; use a ranking model such as ease.")
    low, high = float(value.min()), float(value.max())
    if low == high:
        raise DataError(
            f"'{name}' learns from ratings, and all {len(value):,} values of {train.name} are {low:g}; "
            "name the column of ratings as `value`, or use a ranking model such as ease."
        )
    return ratings, Scale(low, high, float(value.mean(dtype=np.float64)), is_rating)


def rating_kinds(kinds: Kinds) -> BoolArray:
    """(n_kinds,) which event kinds are ratings: the kind named 'rating', or all where there is none."""
    named = np.array([name == RATING for name in kinds.names])
    return named if named.any() else np.ones(len(kinds), bool)


def newest_ratings(history: History, is_rating: BoolArray) -> History:
    """The history with only each user's newest rating of each item."""
    keep = are_newest(history, is_rating)
    return history if keep.all() else history.where(keep)


def are_newest(history: History, is_rating: BoolArray) -> BoolArray:
    """(L,) which events are a user's newest rating of an item."""
    keep = np.asarray(is_rating[history.kind] & np.isfinite(history.value))
    rated = np.flatnonzero(keep)
    if len(rated):
        items = history.items[rated]
        pair = history.row_of_event()[rated].astype(np.int64) * (int(items.max()) + 1) + items
        _, from_end = np.unique(pair[::-1], return_index=True)
        keep[:] = False
        keep[rated[len(rated) - 1 - from_end]] = True
    return keep


def rate_in_blocks(
    rate: Callable[[Queries, IntArray], FloatArray], queries: Queries, items: IntArray, width: int
) -> FloatArray:
    """(B, K) float32 as `RatingModel.rate` returns: `rate` called on blocks of queries, with nan at NO_ITEM.

    items : (B, K) int32 codes or NO_ITEM
    width : numbers that `rate` holds per entry of items
    """
    ratings = np.full(items.shape, np.nan, np.float32)
    rows = max(1, BLOCK_CELLS // max(1, items.shape[1] * width))
    for start in range(0, len(queries), rows):
        block = np.arange(start, min(start + rows, len(queries)))
        codes = items[block]
        predicted = rate(queries.take(block), np.maximum(codes, 0))
        ratings[block] = np.where(codes == NO_ITEM, np.float32(np.nan), predicted)
    return ratings
