"""Every vector looked at in 8 bits first, and only those that may be among the best in full: the same lists, sooner.

Reading a large table is what an exact search costs, and this reads a quarter of it.
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
"""Of an 8-bit number, up and down."""
ROUNDING = 1e-5
"""Share of a product of lengths that is put on the bounds for what float32 rounds; a hundred times what it needs."""
TIMING_QUERIES = 5
"""Questions by which it is seen which way is faster."""


class Int8Prefilter:
    """The k best inner products of a table that does not change, exactly.

    With v ≈ s·c and q ≈ t·b, c and b whole numbers from −127 to 127 and s, t a scale for each vector,

        |q·v − s t (b·c)| ≤ ‖q‖ ‖v − s c‖ + ‖q − t b‖ s ‖c‖ ≤ s (‖q‖ max ‖v − s c‖ / s + ‖q − t b‖ max ‖c‖)

    by Cauchy and Schwarz, the maxima being over the table. So the whole products bound each score from above and from
    below; what cannot reach the k-th best lower bound is out, and the rest, two or three times k, is scored in full.
    """

    def __init__(self, vectors: FloatArray, scorable: BoolArray | None = None) -> None:
        """
        vectors : (n, D) float32, kept as it is and not copied
        judged  : (n,) the items that can be found; None for all
        """
        import torch

        self._vectors = vectors
        scale = np.abs(vectors).max(axis=1, initial=0).astype(np.float32) / np.float32(STEPS)
        n, width = vectors.shape
        codes = np.zeros((n, max(width, 2)), np.int8)  # of a table one wide torch gives anything at all
        steps_off = longest = 0.0
        for start in range(0, n, 1 << 16):
            part, s = vectors[start : start + (1 << 16)], scale[start : start + (1 << 16), None]
            c = np.rint(np.divide(part, s, out=np.zeros_like(part), where=s > 0))
            codes[start : start + len(part), :width] = c
            off = np.divide(part, s, out=np.zeros_like(part), where=s > 0) - c
            steps_off = max(steps_off, float(np.linalg.norm(off, axis=1).max(initial=0)))
            longest = max(longest, float(np.linalg.norm(c, axis=1).max(initial=0)))
        self._steps_off, self._longest = steps_off, longest
        self._table: Any = torch.from_numpy(codes)
        self._scale = scale if scorable is None else np.where(scorable, scale, np.float32(np.nan))

    @classmethod
    def if_faster(cls, vectors: FloatArray, scorable: BoolArray | None = None) -> Self | None:
        """None where this processor multiplies whole numbers no faster, or torch does it wrong or not at all."""
        prefilter = cls(vectors, scorable)
        rng = np.random.default_rng(0)
        sample = rng.standard_normal((TIMING_QUERIES, vectors.shape[1])).astype(np.float32)
        b = rng.integers(-STEPS, STEPS + 1, vectors.shape[1], np.int8)
        some = slice(0, len(vectors), max(1, len(vectors) // 1000))
        right = prefilter._table[some].numpy()[:, : len(b)] @ b.astype(np.int32)
        try:
            result = prefilter._products(b)[some]
        except (AttributeError, RuntimeError):  # the product is not among what torch promises to keep
            return None
        if not np.array_equal(result, right):
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
        """The k best of each question, best first, ties to the smaller code; NO_ITEM and nan where there are fewer.

        vectors : (B, D) questions; one after the other, for this pays where there is one
        exclude : B rows of items that must not be found
        allowed : (n,) the only items that may be found
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
        # Not `vectors @ query`: how that rounds depends on what else is in the table.
        exact: FloatArray = np.einsum("nd,d->n", self._vectors[items], query)
        keys = np.full((1, max(k, len(items))), LAST_KEY, np.uint64)
        keys[0, : len(items)] = score_code_keys(exact, items)
        result, scores = smallest_keys(keys, k)
        return result[0], scores[0]

    def _bounds(self, query: FloatArray) -> tuple[FloatArray, np.float32]:
        """(n,) above every score; and how many scales of its vector a lower bound lies below that."""
        t = max(float(np.abs(query).max(initial=0)) / STEPS, float(np.finfo(np.float32).tiny))
        b = np.rint(query / t)
        length, off = float(np.linalg.norm(query)), float(np.linalg.norm(query - t * b))
        slack = np.float32(length * (self._steps_off + ROUNDING * self._longest) + off * self._longest)
        upper = self._products(b.astype(np.int8)).astype(np.float32)
        upper *= np.float32(t)
        upper += slack
        upper *= self._scale
        return upper, 2 * slack

    def _products(self, b: NDArray[np.int8]) -> NDArray[np.int32]:
        """(n,) b·c of every vector."""
        import torch

        b = np.pad(b, (0, self._table.shape[1] - len(b))) if len(b) < 2 else b
        result: NDArray[np.int32] = torch._int_mm(torch.from_numpy(b)[None], self._table.t()).numpy()[0]
        return result

    def _shortlist(self, upper: FloatArray, spread: np.float32, k: int) -> LongArray:
        """The items that may be among the k best, by rising code."""
        groups = max(GROUPS_PER_RANK * k, MIN_GROUPS)
        least = np.finfo(np.float32).min
        if len(upper) >= 2 * groups:
            first = np.flatnonzero(upper >= kth_bound(upper[None], k, groups)[0])
            if len(first) >= k:  # the k-th best score is no less than the k-th best of any lower bounds
                least = np.partition(upper[first] - spread * self._scale[first], len(first) - k)[len(first) - k]
        return np.flatnonzero(upper >= least)


def _seconds(search: Any, sample: FloatArray) -> float:
    """The quickest of some."""
    took = []
    for query in sample:
        began = perf_counter()
        search(query)
        took.append(perf_counter() - began)
    return min(took)
