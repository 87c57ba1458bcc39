"""What graph filters share: the normalised user-item matrix and the ideal low-pass filter of its item graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

if TYPE_CHECKING:
    from foretaste.types import FloatArray, Run


def normalised(R: csr_array) -> csr_array:
    """(n_users, n_items) CSR float32 R̃ = D_u^(−½) R D_i^(−½), with D_u and D_i the degrees of users and items."""
    per_user, per_item = _degrees(R)
    return csr_array(diags_array(per_user**-0.5) @ R @ diags_array(per_item**-0.5)).astype(np.float32)


def low_pass_filter(
    R: csr_array, normal: csr_array, rank: int, weight: float, run: Run
) -> tuple[FloatArray, FloatArray]:
    """D^(−½) V (n_items, rank) and weight · Vᵀ D^(½) (rank, n_items), float32: factors of the ideal low-pass filter.

    V are the first right singular vectors of R̃ (Shen et al., CIKM 2021); D the degrees of items. normal is R̃ of R.
    The rank is cut to the smaller side of R minus one; it is 0 for weight 0 or an empty matrix.
    """
    _, per_item = _degrees(R)
    rank = min(rank, min(normal.shape) - 1)
    if rank > 0 and weight > 0 and normal.nnz:
        _, _, V = svds(normal, rank, rng=run.rng())  # V: (rank, n_items)
    else:
        V = np.zeros((0, R.shape[1]), np.float32)
    into = np.ascontiguousarray((V * per_item**-0.5).T, np.float32)
    return into, (weight * V * per_item**0.5).astype(np.float32)


def _degrees(R: csr_array) -> tuple[FloatArray, FloatArray]:
    return np.maximum(np.asarray(R.sum(axis=1)), 1), np.maximum(np.asarray(R.sum(axis=0)), 1)
