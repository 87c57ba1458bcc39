"""Fold-in for rating models: a user's factors and bias by ridge regression on their ratings, guests included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from foretaste.types import FloatArray, LongArray

PRIOR_RATINGS = 10.0
"""Prior strength of the factors, in ratings: with few ratings they stay near 0."""
BIAS_SHRINK = 3.0
"""Prior strength of the user bias, in ratings; it is estimated sooner."""


def ridge_rows(
    vectors: FloatArray, offsets: LongArray, residual: FloatArray, shrink: float
) -> tuple[FloatArray, FloatArray]:
    """p_u, b_u = argmin Σ (e − b − x·p)² + λ (n + PRIOR_RATINGS) |p|² + BIAS_SHRINK b² for each of B users.

    vectors  : (L, D) float32, the factors x of each rated item, user by user
    offsets  : (B + 1,) where each user's ratings start and end
    residual : (L,) float32 e, the ratings minus the predictions from items alone
    shrink   : λ per rating, as in the SGD that learned the factors
    returns  : (B, D) and (B,) float32; 0 for a user without ratings
    """
    B, D = len(offsets) - 1, vectors.shape[1]
    p, bias = np.zeros((B, D), np.float32), np.zeros(B, np.float32)
    for b in range(B):
        mine = slice(offsets[b], offsets[b + 1])
        n = int(offsets[b + 1] - offsets[b])
        if not n:
            continue
        penalty = shrink * (n + PRIOR_RATINGS)
        # The bias is one more factor, scaled so that the same penalty applies to both.
        scale = np.sqrt(penalty / BIAS_SHRINK)
        A = np.column_stack([vectors[mine], np.full(n, scale, np.float32)]).astype(np.float64)
        e = residual[mine].astype(np.float64)
        # (AᵀA + λI)⁻¹Aᵀ = Aᵀ(AAᵀ + λI)⁻¹: solve the smaller of the two systems.
        if n <= D:
            solved = A.T @ np.linalg.solve(A @ A.T + penalty * np.eye(n), e)
        else:
            solved = np.linalg.solve(A.T @ A + penalty * np.eye(D + 1), A.T @ e)
        p[b], bias[b] = solved[:D], solved[D] * scale
    return p, bias
