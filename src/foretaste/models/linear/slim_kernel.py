"""The compiled inner loop of `slim`: coordinate descent, item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from foretaste.types import FloatArray, IntArray


def _descend(
    indptr: IntArray,
    users: IntArray,
    starts: IntArray,
    candidates: IntArray,
    user_weight: FloatArray,
    residual: FloatArray,
    targets: tuple[int, int],
    l1: float,
    l2: float,
    tolerance: float,
    max_sweeps: int,
) -> FloatArray:
    """For each item i the w ≥ 0 that minimise ½ Σ_u ω_u (x_ui − x_u·w)² + l2/2 ‖w‖² + l1 ‖w‖₁, over its candidates.

    indptr, users      : the users of each item, as a CSC matrix of ones
    starts, candidates : candidates[starts[i]:starts[i + 1]] are those of item i, never i itself
    user_weight        : (n_users,) ω
    residual           : (n_users,) work space; zeros before and after the call
    targets            : the first item to solve for, and one past the last
    tolerance          : stop after a sweep over all candidates that changes no weight by more than this
    returns            : float32 weights of the candidates of these items
    """
    offset = starts[targets[0]]
    weights = np.zeros(starts[targets[1]] - offset, np.float32)
    for i in range(targets[0], targets[1]):
        for e in range(indptr[i], indptr[i + 1]):
            residual[users[e]] = 1.0
        full_sweep = True  # full sweeps alternate with cheap ones over the non-zero weights
        for _ in range(max_sweeps):
            max_change = 0.0
            for c in range(starts[i], starts[i + 1]):
                old = weights[c - offset]
                if old == 0.0 and not full_sweep:
                    continue
                j = candidates[c]
                gain, count = 0.0, 0.0
                for e in range(indptr[j], indptr[j + 1]):
                    gain += user_weight[users[e]] * residual[users[e]]
                    count += user_weight[users[e]]
                new = np.float32(max(0.0, gain + count * old - l1) / (count + l2))
                change = new - old
                if change != 0.0:
                    for e in range(indptr[j], indptr[j + 1]):
                        residual[users[e]] -= change
                    weights[c - offset] = new
                    max_change = max(max_change, abs(change))
            if max_change <= tolerance and full_sweep:
                break
            full_sweep = max_change <= tolerance
        for e in range(indptr[i], indptr[i + 1]):
            residual[users[e]] = 0.0
        for c in range(starts[i], starts[i + 1]):
            for e in range(indptr[candidates[c]], indptr[candidates[c] + 1]):
                residual[users[e]] = 0.0  # also for weights that ended at 0: they may have been larger before
    return weights


descend: Any = numba.njit(cache=True, nogil=True)(_descend)
