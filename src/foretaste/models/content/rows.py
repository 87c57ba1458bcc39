"""Vectors of a catalogue that has grown: the rows that were learned stay where they lie, the others lie beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from foretaste.types import BoolArray, FloatArray, IntArray


class Rows:
    """(n, D) float32 rows, of which the first are never copied: they may be a mapped file that processes share.

    first    : (n₀, D)
    further  : (n − n₀, D) rows behind them; None for none
    replaced : codes below n₀ (r,), rising, and their rows (r, D) in place of those of `first`; None for none
    """

    def __init__(
        self,
        first: FloatArray,
        further: FloatArray | None = None,
        replaced: tuple[IntArray, FloatArray] | None = None,
    ) -> None:
        self.first = first
        self.further = further
        self.replaced = replaced

    def __len__(self) -> int:
        return len(self.first) + (0 if self.further is None else len(self.further))

    @property
    def width(self) -> int:
        return int(self.first.shape[1])

    @property
    def _plain(self) -> bool:
        return self.further is None and self.replaced is None

    def take(self, codes: IntArray) -> FloatArray:
        """(…, D) the rows of these codes (…,)."""
        if self._plain:
            return self.first[codes]
        n = len(self.first)
        found = np.empty((*codes.shape, self.width), np.float32)
        early = codes < n
        found[early] = self.first[codes[early]]
        if self.further is not None:
            found[~early] = self.further[codes[~early] - n]
        if self.replaced is not None:
            which, rows = self.replaced
            place = np.minimum(np.searchsorted(which, codes), len(which) - 1)
            anew = which[place] == codes
            found[anew] = rows[place[anew]]
        return found

    def weighted(self, weights: csr_array) -> FloatArray:
        """(B, D) sums of rows, each by its weight (B, n)."""
        n = len(self.first)
        if not self._plain and (self.replaced is not None or weights.indices.max(initial=0) >= n):
            rows = self.take(weights.indices)
            flat = csr_array((weights.data, np.arange(len(rows)), weights.indptr), shape=(weights.shape[0], len(rows)))
        else:
            rows = self.first
            flat = csr_array((weights.data, weights.indices, weights.indptr), shape=(weights.shape[0], n))
        found: FloatArray = flat @ rows
        return found

    def products(self, vectors: FloatArray) -> FloatArray:
        """(B, n) inner products of vectors (B, D) with every row, in a new array."""
        if self._plain:
            found: FloatArray = vectors @ self.first.T
            return found
        found = np.empty((len(vectors), len(self)), np.float32)
        n = len(self.first)
        found[:, :n] = vectors @ self.first.T
        if self.further is not None:
            found[:, n:] = vectors @ self.further.T
        if self.replaced is not None:
            which, rows = self.replaced
            found[:, which] = vectors @ rows.T
        return found

    def whole(self) -> FloatArray:
        """(n, D) in one array: `first` itself where nothing came after it, else a copy."""
        return self.first if self._plain else self.take(np.arange(len(self), dtype=np.int32))

    def grown(self, n: int, codes: IntArray, rows: FloatArray) -> Rows:
        """The same with n rows, those of `codes` (R,), rising, being `rows` (R, D); every new one is among them."""
        n0 = len(self.first)
        later = codes >= n0
        further = self.further
        if later.any():
            before = np.empty((0, self.width), np.float32) if further is None else further
            further = np.zeros((n - n0, self.width), np.float32)
            further[: len(before)] = before
            further[codes[later] - n0] = rows[later]
        replaced = self.replaced
        if not later.all():
            anew = dict(zip(codes[~later].tolist(), rows[~later], strict=True))
            if replaced is not None:
                anew = dict(zip(replaced[0].tolist(), replaced[1], strict=True)) | anew
            which = np.array(sorted(anew), np.int32)
            replaced = which, np.stack([anew[code] for code in which.tolist()])
        return Rows(self.first, further, replaced)


def new_and_changed(old: int, n: int, changed: IntArray | None) -> IntArray:
    """(R,) int32, rising: the codes of a catalogue of n items that a model of the first `old` has to read."""
    return np.union1d(np.arange(old, n), [] if changed is None else changed).astype(np.int32)


def any_in_row(rows: FloatArray) -> BoolArray:
    """(n,) whether a row says anything."""
    return np.asarray(rows.any(axis=1))
