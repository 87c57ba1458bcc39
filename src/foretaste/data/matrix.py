"""Histories as a sparse matrix: the same function for everybody at training and for one guest at serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from foretaste.types import FloatArray, History

MOST_MARKS = 1 << 23
"""Bytes to look for repeats in."""


def interaction_matrix(rows: History, n_items: int, kind_weight: FloatArray) -> csr_array:
    """(B, n_items) float32, 1 where the events of row b about an item speak for it on balance.

    kind_weight : (n_kinds,) sign x weight of each event kind; a dislike takes back what a click gave
    """
    weight = kind_weight[rows.kind]
    shape = (len(rows), n_items)
    if _without_repeats(rows, shape):
        if not (wanted := weight > 0).all():
            rows = rows.where(wanted)
        ones = np.ones(len(rows.items), np.float32)
        return csr_array((ones, rows.items.copy(), rows.offsets), shape=shape)  # scipy may sort what it is given
    matrix = csr_array((weight, rows.items, rows.offsets), shape=shape).copy()  # adding up changes them
    matrix.sum_duplicates()
    wanted = matrix.data > 0
    matrix.data = wanted.astype(np.float32)
    if not wanted.all():
        matrix.eliminate_zeros()
    return matrix


def _without_repeats(rows: History, shape: tuple[int, int]) -> bool:
    """Whether no item comes twice in a row; False also where looking would take more room than a few answers do.

    Nothing has to be sorted then, which would be a fifth of the time in which everybody is answered.
    """
    if shape[0] * shape[1] > MOST_MARKS:
        return False
    marks = np.zeros(shape, np.bool_)
    marks[rows.row_of_event(), rows.items] = True
    return int(np.count_nonzero(marks)) == len(rows.items)
