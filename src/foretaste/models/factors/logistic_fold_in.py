"""Fold-in for logistic matrix factorisation: a user's factors from the history, by Newton's method.

Letters: B users, I items, N of them as negatives, D factors including one for the bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from foretaste.types import FloatArray, IntArray

MAX_NEGATIVES = 4096
"""From a larger catalogue a uniform sample of negatives is used, which bounds the work per user."""
NEWTON_STEPS = 5
CONJUGATE_STEPS = 4
HALVINGS = 8


@dataclass(frozen=True, eq=False)
class LogisticFoldIn:
    """p = argmin mean_{i∈H} log(1 + e^(−s_i)) + (m / N) Σ_j log(1 + e^(s_j)) + (1 + m) λ/2 |p|²,  s = offset + x·p.

    This is the loss of `sgd_kernels.logistic_epoch` for one user with the items fixed, and with the m negative samples
    per event replaced by their expectation. It is convex, so the solution does not depend on the start.

    vectors      : (I, D) float32, x: the item factors, and a last column of 1 for the user bias
    offset       : (I,) float32, global bias plus item bias
    negatives    : (N,) int32 item codes: all items or a uniform sample
    push         : m, negatives per event
    shrink       : λ
    precondition : (D, D) float32, the inverse Hessian at p = 0 for a user with average behaviour
    """

    vectors: FloatArray
    offset: FloatArray
    negatives: IntArray
    push: float
    shrink: float
    precondition: FloatArray

    @classmethod
    def of(
        cls,
        factors: FloatArray,
        offset: FloatArray,
        popularity: NDArray[np.float64],
        push: float,
        shrink: float,
        rng: np.random.Generator,
    ) -> Self:
        """
        factors    : (I, D − 1) float32 item factors
        popularity : (I,) number of events of each item
        """
        n = len(factors)
        vectors = np.column_stack([factors, np.ones(n, np.float32)]).astype(np.float32)
        negatives = np.arange(n) if n <= MAX_NEGATIVES else np.sort(rng.choice(n, MAX_NEGATIVES, replace=False))
        weight = popularity / max(1.0, float(popularity.sum())) * _curvature_bound(offset)
        weight[negatives] += push / max(1, len(negatives)) * _slope(offset[negatives])
        hessian = (vectors.T * weight) @ vectors.astype(np.float64)
        hessian[np.diag_indices_from(hessian)] += max((1 + push) * shrink, 1e-6)
        inverse = np.linalg.inv(hessian).astype(np.float32)
        return cls(vectors, offset.astype(np.float32), negatives.astype(np.int32), push, shrink, inverse)

    def __call__(self, histories: csr_array) -> FloatArray:
        """(B, D) float32 user factors for a (B, I) CSR of ones; 0 for an empty history."""
        B, D = histories.shape[0], self.vectors.shape[1]
        p = np.zeros((B, D), np.float32)
        count = np.diff(histories.indptr)
        if not B or not count.any():
            return p
        row, item = np.repeat(np.arange(B, dtype=np.int32), count), histories.indices
        share = (1 / np.maximum(count, 1)).astype(np.float32)[row]  # weight of each event in its user's mean
        all_items = len(self.negatives) == len(self.vectors)
        X, own = self.vectors if all_items else self.vectors[self.negatives], self.vectors[item]
        away = np.tile(self.offset[self.negatives], (B, 1))  # (B, N) s of the negatives
        near = self.offset[item].copy()  # (L,) s of the events
        weight, ridge = np.float32(self.push / len(self.negatives)), np.float32((1 + self.push) * self.shrink)
        loss = self._loss(p, near, away, row, share)
        for _ in range(NEWTON_STEPS):
            chance, chance_near = _sigmoid(away), _sigmoid(near)
            gradient = (
                weight * (chance @ X) + ridge * p + _spread(share * (chance_near - 1), item, histories) @ self.vectors
            )
            curve = weight * chance * (1 - chance)
            # Newton overshoots where the loss is almost linear, far from the optimum; this curvature bound never does.
            curve_near = share * _curvature_bound(near)
            step = self._solve(-gradient, curve, curve_near, X, own, histories, item, row, ridge)
            step[count == 0] = 0
            along, along_near = step @ X.T, np.einsum("ld,ld->l", own, step[row])
            length = np.ones(B, np.float32)
            for _ in range(HALVINGS):
                after = self._loss(
                    p + length[:, None] * step,
                    near + length[row] * along_near,
                    away + length[:, None] * along,
                    row,
                    share,
                )
                worse = after > loss + 1e-6 * np.abs(loss)
                if not worse.any():
                    break
                length[worse] /= 2
            p += length[:, None] * step
            near += length[row] * along_near
            away += length[:, None] * along
            loss = np.minimum(loss, after)
        return p

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        names = ("vectors", "offset", "negatives", "precondition")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], push: float, shrink: float) -> Self:
        vectors, offset, precondition = (
            arrays[name].astype(np.float32, copy=False) for name in ("vectors", "offset", "precondition")
        )
        return cls(vectors, offset, arrays["negatives"].astype(np.int32, copy=False), push, shrink, precondition)

    def _solve(
        self,
        right: FloatArray,
        curve: FloatArray,
        curve_near: FloatArray,
        X: FloatArray,
        own: FloatArray,
        histories: csr_array,
        item: IntArray,
        row: IntArray,
        ridge: np.float32,
    ) -> FloatArray:
        """(B, D) x of Hessian x = right for each user, by preconditioned conjugate gradients."""
        x = np.zeros_like(right)
        residual = right
        better = residual @ self.precondition
        direction = better
        size = np.einsum("bd,bd->b", residual, better)
        for _ in range(CONJUGATE_STEPS):
            near = curve_near * np.einsum("ld,ld->l", own, direction[row])
            image = (curve * (direction @ X.T)) @ X + ridge * direction + _spread(near, item, histories) @ self.vectors
            along = np.einsum("bd,bd->b", direction, image)
            step = np.divide(size, along, out=np.zeros_like(size), where=along > 0)
            x = x + step[:, None] * direction
            residual = residual - step[:, None] * image
            better = residual @ self.precondition
            smaller = np.einsum("bd,bd->b", residual, better)
            turn = np.divide(smaller, size, out=np.zeros_like(size), where=size > 0)
            direction, size = better + turn[:, None] * direction, smaller
        return x

    def _loss(self, p: FloatArray, near: FloatArray, away: FloatArray, row: IntArray, share: FloatArray) -> FloatArray:
        """(B,) the objective."""
        positive = np.bincount(row, share * np.logaddexp(0, -near), len(p))
        negative = self.push / len(self.negatives) * _softplus(away).sum(axis=1, dtype=np.float64)
        loss: FloatArray = positive + negative + (1 + self.push) * self.shrink / 2 * np.einsum("bd,bd->b", p, p)
        return loss


def _spread(values: FloatArray, item: IntArray, like: csr_array) -> csr_array:
    return csr_array((values.astype(np.float32, copy=False), item, like.indptr), shape=like.shape)


def _sigmoid(s: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(s, -60, 60))), np.float32)


def _softplus(s: FloatArray) -> FloatArray:
    return np.maximum(s, 0) + np.log1p(np.exp(-np.abs(s)))


def _slope(s: FloatArray) -> FloatArray:
    chance = _sigmoid(s)
    return np.asarray(chance * (1 - chance), np.float32)


def _curvature_bound(s: FloatArray) -> FloatArray:
    """Curvature of the tightest parabola that touches log(1 + e^−s) at s from above (Jaakkola & Jordan 2000)."""
    size = np.maximum(np.abs(s), np.float32(1e-3))
    return np.asarray(np.tanh(size / 2) / (2 * size), np.float32)
