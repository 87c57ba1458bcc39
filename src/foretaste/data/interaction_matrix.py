"""Histories as a sparse matrix: the same function for everybody at training and for one guest at serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from foretaste.types import FloatArray, History, IntArray, LongArray

MAX_DENSE_CELLS = 1 << 23
"""Bytes to look for repeats in."""


def interaction_matrix(
    rows: History, n_items: int, kind_weight: FloatArray, half_life_events: float | None = None
) -> csr_array:
    """(B, n_items) float32, 1 where the events of row b about an item speak for it on balance.

    kind_weight      : (n_kinds,) sign x weight of each event kind; a dislike takes back what a click gave
    half_life_events : instead of 1 an item has 2^(−a / half-life), a being how many others were taken since
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
    """Of each row's different items, by their codes: where in the flat arrays the newest event of each stands."""
    keys = rows.row_of_event().astype(np.int64) * n_items + rows.items
    _, from_end = np.unique(keys[::-1], return_index=True)
    return len(keys) - 1 - from_end


def _recency_weights(when: LongArray, offsets: LongArray | IntArray, half_life_events: float) -> FloatArray:
    """(N,) for N items in rows by `offsets`, where `when` rises with time within a row."""
    place = np.empty(len(when), np.int64)
    place[np.argsort(when)] = np.arange(len(when))  # rows stand one after the other in time as well
    ends: LongArray = np.repeat(offsets[1:].astype(np.int64), np.diff(offsets))
    after = ends - 1 - place
    return np.exp2(-after / half_life_events).astype(np.float32)


def _without_repeats(rows: History, shape: tuple[int, int]) -> bool:
    """Whether no item comes twice in a row; False also where looking would take more room than a few answers do.

    Nothing has to be sorted then, which would be a fifth of the time in which everybody is answered.
    """
    if shape[0] * shape[1] > MAX_DENSE_CELLS:
        return False
    marks = np.zeros(shape, np.bool_)
    marks[rows.row_of_event(), rows.items] = True
    return int(np.count_nonzero(marks)) == len(rows.items)
