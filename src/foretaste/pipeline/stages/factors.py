"""Factors for some items of some queries, applied to candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.types import Candidates, IntArray


def scaled(candidates: Candidates, row: NDArray[Any], item: IntArray, factor: NDArray[np.float64]) -> Candidates:
    """The candidates with some scores multiplied, sorted anew; the very same object where no candidate is meant.

    row, item : (F,) which item of which query; each pair once
    factor    : (F,) ≥ 0
    """
    if not len(row):
        return candidates
    width = int(max(item.max(), candidates.items.max(initial=0))) + 1
    keys = row.astype(np.int64) * width + item
    order = np.argsort(keys)
    keys, factor = keys[order], factor[order]
    mine = np.arange(len(candidates), dtype=np.int64)[:, None] * width + candidates.items
    place = np.minimum(np.searchsorted(keys, mine), len(keys) - 1)
    meant = (keys[place] == mine) & (candidates.items != NO_ITEM)
    if not meant.any():
        return candidates
    scores, factors = candidates.scores.astype(np.float64), np.where(meant, factor[place], 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a score below 0 less is more of it
        scores = np.where(scores < 0, scores / factors, scores * factors)
    return candidates.with_scores(scores.astype(np.float32))


def per_item(row: NDArray[Any], item: IntArray, amount: NDArray[np.float64]) -> tuple[Any, Any, Any]:
    """Amounts of equal (row, item) pairs added up: (rows, items, sums), each pair once."""
    if not len(row):
        return row, item, amount
    width = int(item.max()) + 1
    keys, place = np.unique(row.astype(np.int64) * width + item, return_inverse=True)
    return keys // width, (keys % width).astype(np.int32), np.bincount(place, amount, len(keys))
