"""A person's factors from their ratings alone, in closed form: the same for a guest and for everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from foretaste.types import FloatArray, LongArray

PRIOR_RATINGS = 10.0
"""How many ratings the belief "an ordinary person" weighs: one rating is not yet a taste."""
BIAS_SHRINK = 3.0
"""The same for how kindly a person rates; that shows sooner."""


def ridge_rows(
    vectors: FloatArray, offsets: LongArray, residual: FloatArray, shrink: float
) -> tuple[FloatArray, FloatArray]:
    """p_u, b_u = argmin Σ (e − b − x·p)² + λ (n + PRIOR_RATINGS) |p|² + BIAS_SHRINK b² for each person.

    vectors  : (L, D) float32, the factors x of each rated item, row after row
    offsets  : (B + 1,) where each person's ratings begin and end
    residual : (L,) float32, what the items alone do not say
    shrink   : λ, per rating as in the descent that learned the factors
    returns  : (B, D) and (B,) float32; 0 for a person without ratings
    """
    B, D = len(offsets) - 1, vectors.shape[1]
    p, bias = np.zeros((B, D), np.float32), np.zeros(B, np.float32)
    for b in range(B):
        mine = slice(offsets[b], offsets[b + 1])
        n = int(offsets[b + 1] - offsets[b])
        if not n:
            continue
        penalty = shrink * (n + PRIOR_RATINGS)
        # The bias is a factor of everything, scaled so that one penalty serves both.
        scale = np.sqrt(penalty / BIAS_SHRINK)
        A = np.column_stack([vectors[mine], np.full(n, scale, np.float32)]).astype(np.float64)
        e = residual[mine].astype(np.float64)
        # (AᵀA + λI)⁻¹Aᵀ = Aᵀ(AAᵀ + λI)⁻¹: whichever system is the smaller; a guest of three ratings solves 3 by 3.
        if n <= D:
            solved = A.T @ np.linalg.solve(A @ A.T + penalty * np.eye(n), e)
        else:
            solved = np.linalg.solve(A.T @ A + penalty * np.eye(D + 1), A.T @ e)
        p[b], bias[b] = solved[:D], solved[D] * scale
    return p, bias
