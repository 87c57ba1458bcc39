"""Exact top-k with int8 pre-filtering: int8 products bound every score, only the shortlist is scored in float32.

Exact search is bound by memory bandwidth, and an int8 table is a quarter of the bytes.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from foretaste.index.topk import (
    GROUPS_PER_RANK,
    LAST_KEY,
    MIN_GROUPS,
    kth_bound,
    score_code_keys,
    set_nan,
    smallest_keys,
    top_k,
)
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.types import BoolArray, FloatArray, IntArray, LongArray, Ragged

STEPS = 127
"""Quantisation steps on either side of zero."""
ROUNDING = 1e-5
"""Slack added to the bounds for float32 rounding, as a share of ‖q‖ ‖v‖; a hundred times what is needed."""
TIMING_QUERIES = 5
"""Random queries with which both ways are timed."""


class Int8Prefilter:
    """Exact maximum inner product search over a table that does not change.

    With v ≈ s·c and q ≈ t·b, c and b integers from −127 to 127 and s, t one scale per vector,

        |q·v − s t (b·c)| ≤ ‖q‖ ‖v − s c‖ + ‖q − t b‖ s ‖c‖ ≤ s (‖q‖ max ‖v − s c‖ / s + ‖q − t b‖ max ‖c‖)

    by Cauchy–Schwarz, the maxima being over the table. So the integer products bound each score from above and below.
    An item whose upper bound is under the k-th highest lower bound is dropped; the shortlist that remains, two or three
    times k items, is scored in float32.
    """

    def __init__(self, vectors: FloatArray, scorable: BoolArray | None = None) -> None:
        """
        vectors  : (n, D) float32, kept by reference
        scorable : (n,) true for items that may be returned; None for all
        """
        import torch

        self._vectors = vectors
        scale = np.abs(vectors).max(axis=1, initial=0).astype(np.float32) / np.float32(STEPS)
        n, width = vectors.shape
        codes = np.zeros((n, max(width, 2)), np.int8)  # torch._int_mm gives garbage for a table of width 1
        max_error_norm = max_code_norm = 0.0
        for start in range(0, n, 1 << 16):
            part, s = vectors[start : start + (1 << 16)], scale[start : start + (1 << 16), None]
            c = np.rint(np.divide(part, s, out=np.zeros_like(part), where=s > 0))
            codes[start : start + len(part), :width] = c
            off = np.divide(part, s, out=np.zeros_like(part), where=s > 0) - c
            max_error_norm = max(max_error_norm, float(np.linalg.norm(off, axis=1).max(initial=0)))
            max_code_norm = max(max_code_norm, float(np.linalg.norm(c, axis=1).max(initial=0)))
        self._max_error_norm, self._max_code_norm = max_error_norm, max_code_norm
        self._table: Any = torch.from_numpy(codes)
        self._scale = scale if scorable is None else np.where(scorable, scale, np.float32(np.nan))

    @classmethod
    def if_faster(cls, vectors: FloatArray, scorable: BoolArray | None = None) -> Self | None:
        """None where int8 is no faster on this processor, or torch multiplies int8 wrongly or not at all."""
        prefilter = cls(vectors, scorable)
        rng = np.random.default_rng(0)
        sample = rng.standard_normal((TIMING_QUERIES, vectors.shape[1])).astype(np.float32)
        b = rng.integers(-STEPS, STEPS + 1, vectors.shape[1], np.int8)
        some = slice(0, len(vectors), max(1, len(vectors) // 1000))
        expected = prefilter._table[some].numpy()[:, : len(b)] @ b.astype(np.int32)
        try:
            result = prefilter._products(b)[some]
        except (AttributeError, RuntimeError):  # torch._int_mm is private and may go
            return None
        if not np.array_equal(result, expected):
            return None
        k = min(200, len(vectors))

        def plain(query: FloatArray) -> object:
            return top_k(query[None] @ vectors.T, k)

        def short(query: FloatArray) -> object:
            return prefilter.search(query[None], k)

        return prefilter if _seconds(short, sample) < _seconds(plain, sample) else None

    def search(
        self, vectors: FloatArray, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        """The k items of highest score per query, best first, ties to the smaller code; NO_ITEM and nan as padding.

        vectors : (B, D) query vectors, searched one by one: the method pays for single queries
        exclude : B rows of items that must not be returned
        allowed : (n,) bool, the only items that may be returned
        returns : items (B, k) int32, scores (B, k) float32
        """
        banned = None if allowed is None else ~allowed
        items = np.full((len(vectors), k), NO_ITEM, np.int32)
        scores = np.full((len(vectors), k), np.nan, np.float32)
        for b, query in enumerate(vectors):
            out = None if exclude is None else exclude.row(b)
            items[b], scores[b] = self._best(np.ascontiguousarray(query, np.float32), k, out, banned)
        return items, scores

    def _best(
        self, query: FloatArray, k: int, out: IntArray | None, banned: BoolArray | None
    ) -> tuple[IntArray, FloatArray]:
        upper, spread = self._bounds(query)
        if banned is not None:
            set_nan(upper, banned)
        if out is not None:
            upper[out] = np.nan
        items = self._shortlist(upper, spread, min(k, len(upper)))
        # Not `vectors @ query`: its rounding depends on the other rows of the table.
        exact: FloatArray = np.einsum("nd,d->n", self._vectors[items], query)
        keys = np.full((1, max(k, len(items))), LAST_KEY, np.uint64)
        keys[0, : len(items)] = score_code_keys(exact, items)
        result, scores = smallest_keys(keys, k)
        return result[0], scores[0]

    def _bounds(self, query: FloatArray) -> tuple[FloatArray, np.float32]:
        """(n,) upper bounds of all scores; and the width of the bounds in units of each vector's scale."""
        t = max(float(np.abs(query).max(initial=0)) / STEPS, float(np.finfo(np.float32).tiny))
        b = np.rint(query / t)
        length, off = float(np.linalg.norm(query)), float(np.linalg.norm(query - t * b))
        slack = np.float32(length * (self._max_error_norm + ROUNDING * self._max_code_norm) + off * self._max_code_norm)
        upper = self._products(b.astype(np.int8)).astype(np.float32)
        upper *= np.float32(t)
        upper += slack
        upper *= self._scale
        return upper, 2 * slack

    def _products(self, b: NDArray[np.int8]) -> NDArray[np.int32]:
        """(n,) int32 products b·c with every quantised vector."""
        import torch

        b = np.pad(b, (0, self._table.shape[1] - len(b))) if len(b) < 2 else b
        result: NDArray[np.int32] = torch._int_mm(torch.from_numpy(b)[None], self._table.t()).numpy()[0]
        return result

    def _shortlist(self, upper: FloatArray, spread: np.float32, k: int) -> LongArray:
        """Codes of the items that may be in the top k, ascending."""
        groups = max(GROUPS_PER_RANK * k, MIN_GROUPS)
        least = np.finfo(np.float32).min
        if len(upper) >= 2 * groups:
            first = np.flatnonzero(upper >= kth_bound(upper[None], k, groups)[0])
            if len(first) >= k:  # the k-th highest score is at least the k-th highest lower bound
                least = np.partition(upper[first] - spread * self._scale[first], len(first) - k)[len(first) - k]
        return np.flatnonzero(upper >= least)


def _seconds(search: Any, sample: FloatArray) -> float:
    """Seconds of the fastest of several searches."""
    took = []
    for query in sample:
        began = perf_counter()
        search(query)
        took.append(perf_counter() - began)
    return min(took)
