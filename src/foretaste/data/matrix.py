"""Histories as a sparse matrix: the same function for everybody at training and for one guest at serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from foretaste.types import FloatArray, History


def interaction_matrix(rows: History, n_items: int, kind_weight: FloatArray) -> csr_array:
    """(B, n_items) float32, 1 where the events of row b about an item speak for it on balance.

    kind_weight : (n_kinds,) sign x weight of each event kind; a dislike takes back what a click gave
    """
    weight = kind_weight[rows.kind]
    matrix = csr_array((weight, rows.items, rows.offsets), shape=(len(rows), n_items))
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # the arrays above belong to the history; adding up repeats would change them
        matrix.sum_duplicates()
    wanted = matrix.data > 0
    matrix.data = wanted.astype(np.float32)
    if not wanted.all():
        matrix.eliminate_zeros()
    return matrix
