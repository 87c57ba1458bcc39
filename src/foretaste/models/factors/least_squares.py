"""The half-step of implicit ALS: optimal factors of many rows at once, with the other side fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.index.topk import BLOCK_CELLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scipy.sparse import csr_array

    from foretaste.types import BoolArray, FloatArray, IntArray, LongArray


class LeastSquares:
    """w = argmin Σ_{i observed} (w·h_i − 1)² + α₀ Σ_i (w·h_i)² + λ (n + α₀ |I|)^ν ‖w‖², for a row with n of |I| items.

    factors      : (|I|, d) float32, the fixed side h
    unobserved   : α₀
    strength     : λ
    exponent     : ν
    unseen_items : (|I|,) where h is 0
    """

    def __init__(self, factors: FloatArray, unobserved: float, strength: float, exponent: float) -> None:
        self.factors, self.unobserved, self.strength, self.exponent = factors, unobserved, strength, exponent
        # In the eigenbasis of α₀ HᵀH, the part of the system that all rows share is diagonal.
        wide = factors.astype(np.float64)
        values, vectors = np.linalg.eigh(unobserved * wide.T @ wide)
        self._shared: FloatArray = np.maximum(values, 0).astype(np.float32)  # (d,)
        self._axes: FloatArray = vectors.astype(np.float32)  # (d, d)
        padding = np.zeros((1, factors.shape[1]), np.float32)
        self.unseen_items: BoolArray = np.asarray(~factors.any(axis=1))
        self._rotated: FloatArray = np.concatenate([factors @ self._axes, padding])  # (|I| + 1, d)

    def solve(self, rows: csr_array) -> FloatArray:
        """(B, d) float32 optimal factors of each row of a (B, |I|) CSR of ones; zeros for an empty row."""
        d = len(self._shared)
        w = np.zeros((rows.shape[0], d), np.float32)
        for block, columns, real in self._blocks(rows):
            H = self._rotated[columns]  # (b, L, d)
            shared = self._shared + self._penalty(real.sum(axis=1))[:, None]  # (b, d)
            if H.shape[1] < H.shape[2]:  # (S + HᵀH)⁻¹ Hᵀ = S⁻¹ Hᵀ (I + H S⁻¹ Hᵀ)⁻¹: solve the smaller system
                weighted = H / shared[:, None, :]
                system = weighted @ H.transpose(0, 2, 1) + np.eye(H.shape[1], dtype=np.float32)
                answer = np.linalg.solve(system, real[:, :, None])
                w[block] = (weighted.transpose(0, 2, 1) @ answer)[:, :, 0]
            else:
                system = H.transpose(0, 2, 1) @ H
                system[:, np.arange(d), np.arange(d)] += shared
                w[block] = np.linalg.solve(system, H.sum(axis=1)[:, :, None])[:, :, 0]
        return w @ self._axes.T

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 h_i A⁻¹ h_j: contribution of event j to the score of item i (Hu et al. 2008, section 5)."""
        H, targets = self._rotated[history], self._rotated[items]
        size = np.array([len(np.unique(history))], np.float32)
        system = H.T @ H + np.diag(self._shared + self._penalty(size))
        parts: FloatArray = targets @ np.linalg.solve(system, H.T)
        return parts

    def _penalty(self, n: FloatArray) -> FloatArray:
        """(b,) λ (n + α₀ |I|)^ν."""
        penalty = self.strength * (n + self.unobserved * len(self.factors)) ** self.exponent
        return np.asarray(penalty, np.float32)

    def _blocks(self, rows: csr_array) -> Iterator[tuple[LongArray, IntArray, FloatArray]]:
        """Rows of similar length together: (b,) row numbers, (b, L) columns, padded, and (b, L) 1 where not padding."""
        d = self.factors.shape[1]
        lengths = np.diff(rows.indptr)
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        end = len(order)
        while end:
            longest = int(lengths[order[end - 1]])
            width = min(longest, d)
            start = max(0, end - max(1, BLOCK_CELLS // (4 * (2 * longest * d + width * width))))
            # Rows less than half as long go into another block, to limit padding.
            start = max(start, int(np.searchsorted(lengths[order], longest // 2 + 1)))
            start = min(start, end - 1)
            block = order[start:end]
            real = np.arange(longest) < lengths[block][:, None]
            columns = np.full(real.shape, len(self.factors), np.int32)
            columns[real] = rows.indices[_positions(rows.indptr[block], lengths[block])]
            yield block, columns, real.astype(np.float32)
            end = start


def _positions(starts: IntArray, lengths: IntArray) -> LongArray:
    """Positions in the flat arrays of the entries of rows that start at `starts`."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + np.repeat(starts, lengths)
