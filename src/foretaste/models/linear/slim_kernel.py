"""The inner loop of `slim`, compiled: coordinate descent for one item after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from foretaste.types import FloatArray, IntArray


def _descend(
    indptr: IntArray,
    people: IntArray,
    begins: IntArray,
    candidates: IntArray,
    loud: FloatArray,
    residual: FloatArray,
    targets: tuple[int, int],
    l1: float,
    l2: float,
    tolerance: float,
    most_sweeps: int,
) -> FloatArray:
    """For each item i the w ≥ 0 that minimise ½ Σ_u ω_u (x_ui − x_u·w)² + l2/2 ‖w‖² + l1 ‖w‖₁, over its candidates.

    indptr, people     : who took each item, as a CSC matrix of ones
    begins, candidates : candidates[begins[i]:begins[i + 1]] may speak for i; never i itself
    loud               : (n_users,) ω, what each person counts
    residual           : (n_users,) zeros, and zeros again at the end
    targets            : the first item to solve for, and one past the last
    tolerance          : a sweep over all candidates that changes no weight by more than this is the last
    returns            : the weights of the candidates of these items, float32
    """
    offset = begins[targets[0]]
    weights = np.zeros(begins[targets[1]] - offset, np.float32)
    for i in range(targets[0], targets[1]):
        for e in range(indptr[i], indptr[i + 1]):
            residual[people[e]] = 1.0
        everyone = True  # sweeps over the weights that are not 0 are cheap: they come between those over all
        for _ in range(most_sweeps):
            furthest = 0.0
            for c in range(begins[i], begins[i + 1]):
                old = weights[c - offset]
                if old == 0.0 and not everyone:
                    continue
                j = candidates[c]
                gain, count = 0.0, 0.0
                for e in range(indptr[j], indptr[j + 1]):
                    gain += loud[people[e]] * residual[people[e]]
                    count += loud[people[e]]
                new = np.float32(max(0.0, gain + count * old - l1) / (count + l2))
                change = new - old
                if change != 0.0:
                    for e in range(indptr[j], indptr[j + 1]):
                        residual[people[e]] -= change
                    weights[c - offset] = new
                    furthest = max(furthest, abs(change))
            if furthest <= tolerance and everyone:
                break
            everyone = furthest <= tolerance
        for e in range(indptr[i], indptr[i + 1]):
            residual[people[e]] = 0.0
        for c in range(begins[i], begins[i + 1]):
            for e in range(indptr[candidates[c]], indptr[candidates[c] + 1]):
                residual[people[e]] = 0.0  # also where the weight is 0 in the end: it may have been more on the way
    return weights


descend: Any = numba.njit(cache=True, nogil=True)(_descend)
