"""The half-step of implicit alternating least squares: the best factors of many rows at once, the other side fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.index.topk import BLOCK_CELLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scipy.sparse import csr_array

    from foretaste.types import BoolArray, FloatArray, IntArray, LongArray


class LeastSquares:
    """w = argmin Σ_{i took} (w·h_i − 1)² + α₀ Σ_i (w·h_i)² + λ (n + α₀ |I|)^ν ‖w‖², for a row that took n of |I|.

    factors    : (|I|, d) float32, the fixed side h
    unobserved : α₀
    strength   : λ
    exponent   : ν
    """

    def __init__(self, factors: FloatArray, unobserved: float, strength: float, exponent: float) -> None:
        self.factors, self.unobserved, self.strength, self.exponent = factors, unobserved, strength, exponent
        # Along the eigenvectors of α₀ HᵀH, what all rows share is diagonal, and costs nothing to invert.
        wide = factors.astype(np.float64)
        values, vectors = np.linalg.eigh(unobserved * wide.T @ wide)
        self._shared: FloatArray = np.maximum(values, 0).astype(np.float32)  # (d,)
        self._axes: FloatArray = vectors.astype(np.float32)  # (d, d)
        padding = np.zeros((1, factors.shape[1]), np.float32)
        self.unmet: BoolArray = np.asarray(~factors.any(axis=1))
        self._turned: FloatArray = np.concatenate([factors @ self._axes, padding])  # (|I| + 1, d)

    def solve(self, rows: csr_array) -> FloatArray:
        """(B, d) the best factors of each row of a (B, |I|) CSR of ones; zeros for an empty row."""
        d = len(self._shared)
        found = np.zeros((rows.shape[0], d), np.float32)
        for block, taken, real in self._blocks(rows):
            H = self._turned[taken]  # (b, L, d)
            shared = self._shared + self._penalty(real.sum(axis=1))[:, None]  # (b, d)
            if H.shape[1] < H.shape[2]:  # (S + HᵀH)⁻¹ Hᵀ = S⁻¹ Hᵀ (I + H S⁻¹ Hᵀ)⁻¹: the smaller of the two systems
                weighted = H / shared[:, None, :]
                system = weighted @ H.transpose(0, 2, 1) + np.eye(H.shape[1], dtype=np.float32)
                answer = np.linalg.solve(system, real[:, :, None])
                found[block] = (weighted.transpose(0, 2, 1) @ answer)[:, :, 0]
            else:
                system = H.transpose(0, 2, 1) @ H
                system[:, np.arange(d), np.arange(d)] += shared
                found[block] = np.linalg.solve(system, H.sum(axis=1)[:, :, None])[:, :, 0]
        return found @ self._axes.T

    def parts(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) what each thing done adds to the w·h_i of each item: h_i A⁻¹ h_j (Hu et al. 2008, section 5)."""
        H, wanted = self._turned[history], self._turned[items]
        size = np.array([len(np.unique(history))], np.float32)
        system = H.T @ H + np.diag(self._shared + self._penalty(size))
        found: FloatArray = wanted @ np.linalg.solve(system, H.T)
        return found

    def _penalty(self, taken: FloatArray) -> FloatArray:
        """(b,) λ (n + α₀ |I|)^ν."""
        penalty = self.strength * (taken + self.unobserved * len(self.factors)) ** self.exponent
        return np.asarray(penalty, np.float32)

    def _blocks(self, rows: csr_array) -> Iterator[tuple[LongArray, IntArray, FloatArray]]:
        """Rows of about equal length together: (b,) which, (b, L) what they took, and (b, L) 1 where real."""
        d = self.factors.shape[1]
        lengths = np.diff(rows.indptr)
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        end = len(order)
        while end:
            longest = int(lengths[order[end - 1]])
            width = min(longest, d)
            start = max(0, end - max(1, BLOCK_CELLS // (4 * (2 * longest * d + width * width))))
            # Rows less than half as long would spend their time on padding; they have a block of their own.
            start = max(start, int(np.searchsorted(lengths[order], longest // 2 + 1)))
            start = min(start, end - 1)
            block = order[start:end]
            real = np.arange(longest) < lengths[block][:, None]
            taken = np.full(real.shape, len(self.factors), np.int32)
            taken[real] = rows.indices[_positions(rows.indptr[block], lengths[block])]
            yield block, taken, real.astype(np.float32)
            end = start


def _positions(begins: IntArray, lengths: IntArray) -> LongArray:
    """Places in the flat arrays of rows that begin at `begins`."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + np.repeat(begins, lengths)
