"""Histories as a sparse user-item matrix, by the same function in training and in serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from foretaste.types import FloatArray, History, IntArray, LongArray

MAX_DENSE_CELLS = 1 << 23
"""Largest number of users times items, 1 byte each, for which repeated items are looked for in a dense matrix."""


def interaction_matrix(
    rows: History, n_items: int, kind_weight: FloatArray, half_life_events: float | None = None
) -> csr_array:
    """(B, n_items) float32 CSR, 1 where the summed weights of the events of row b on an item are positive.

    kind_weight      : (n_kinds,) sign x weight of each event kind; a dislike cancels a click
    half_life_events : recency weights instead of 1: 2^(−a / half-life) for an item followed by a newer items
    """
    weight = kind_weight[rows.kind]
    shape = (len(rows), n_items)
    if _without_repeats(rows, shape):
        if not (wanted := weight > 0).all():
            rows = rows.where(wanted)
        values = np.ones(len(rows.items), np.float32)
        if half_life_events is not None:
            values = _recency_weights(np.arange(len(rows.items)), rows.offsets, half_life_events)
        return csr_array((values, rows.items.copy(), rows.offsets), shape=shape)  # scipy may sort what it is given
    matrix = csr_array((weight, rows.items, rows.offsets), shape=shape).copy()  # adding up changes them
    matrix.sum_duplicates()
    wanted = matrix.data > 0
    matrix.data = wanted.astype(np.float32)
    if not wanted.all():
        matrix.eliminate_zeros()
    if half_life_events is not None:
        matrix.data = _recency_weights(_newest(rows, n_items)[wanted], matrix.indptr, half_life_events)
    return matrix


def _newest(rows: History, n_items: int) -> LongArray:
    """Index in the flat arrays of the newest event of each distinct item, by row and item code."""
    keys = rows.row_of_event().astype(np.int64) * n_items + rows.items
    _, from_end = np.unique(keys[::-1], return_index=True)
    return len(keys) - 1 - from_end


def _recency_weights(when: LongArray, offsets: LongArray | IntArray, half_life_events: float) -> FloatArray:
    """(N,) recency weights of N items in rows by `offsets`.

    when : (N,) rises with time within a row
    """
    place = np.empty(len(when), np.int64)
    place[np.argsort(when)] = np.arange(len(when))  # `when` rises from row to row as well
    ends: LongArray = np.repeat(offsets[1:].astype(np.int64), np.diff(offsets))
    after = ends - 1 - place
    return np.exp2(-after / half_life_events).astype(np.float32)


def _without_repeats(rows: History, shape: tuple[int, int]) -> bool:
    """Whether no row holds an item twice; False also where the dense matrix to find out would be too large.

    Rows without repeats need no sorting, which would take a fifth of the time of batch recommendation.
    """
    if shape[0] * shape[1] > MAX_DENSE_CELLS:
        return False
    marks = np.zeros(shape, np.bool_)
    marks[rows.row_of_event(), rows.items] = True
    return int(np.count_nonzero(marks)) == len(rows.items)
