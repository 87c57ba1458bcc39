"""Exact top-k of dense scores, in blocks of queries; ties go to the smaller item code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.index.input_checks import check_queries, checked_mask
from foretaste.types import NO_ITEM, BoolArray, Candidates, FloatArray, IntArray, LongArray, Queries, Ragged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BLOCK_CELLS = 1 << 21
"""Scores in memory at once: 2 million, 8 MB; more is no faster."""
GROUPS_PER_RANK = 4
"""Groups per wanted item in `kth_bound`: more groups give a tighter bound and take longer to scan."""
LAST_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)  # its lower half, as int32, is NO_ITEM
MIN_GROUPS = 256
"""With fewer groups the vectorised maximum works on runs too short to be fast."""
CACHE_CELLS = 1 << 19
"""Scores per pass over a block of rows, small enough to stay in the processor's cache: 2 MB."""
MAX_ABOVE_BOUND = 3
"""Times k: a row with more scores at or above its bound (it is full of ties) is sorted in full instead."""


def top_k(scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The k highest scores of each row, best first; NO_ITEM and nan where a row has fewer.

    scores  : (B, n_items) float32; nan and −inf are never selected
    returns : items (B, k) int32, scores (B, k) float32
    """
    # Ties go to the smaller code, so that two machines, and a batch and a single query, give the same list.
    # Initial codes follow a hash of the name, so the rule leaks no order of appearance.
    B, n = scores.shape
    items = np.full((B, k), NO_ITEM, np.int32)
    values = np.full((B, k), np.nan, np.float32)
    width = min(k, n)
    if width == 0:
        return items, values
    rows = max(1, CACHE_CELLS // n)
    groups = max(GROUPS_PER_RANK * width, MIN_GROUPS)
    for start in range(0, B, rows):
        block = scores[start : start + rows]
        best = _select_by_bound(block, width, groups) if n >= 2 * groups else _full_sort(block, width)
        items[start : start + rows, :width], values[start : start + rows, :width] = best
    return items, values


def _select_by_bound(scores: FloatArray, k: int, groups: int) -> tuple[IntArray, FloatArray]:
    """Top-k of rows far longer than k without a full sort.

    Items are dealt into more than k groups. The k-th highest group maximum is a lower bound of the k-th highest score,
    because k items reach it. Only scores at or above that bound, little more than k per row, are sorted.
    """
    B, n = scores.shape
    bound = kth_bound(scores, k, groups)
    reaches = scores >= bound[:, None]
    count = np.count_nonzero(reaches, axis=1)
    if (many := count > MAX_ABOVE_BOUND * k).any():
        reaches[many] = False
        count[many] = 0
    where = np.flatnonzero(reaches)
    row = np.repeat(np.arange(B), count)
    place = np.arange(len(where)) - np.repeat(np.cumsum(count) - count, count)
    code = where - row * n
    keys = np.full((B, max(k, int(count.max(initial=0)))), LAST_KEY, np.uint64)
    keys[row, place] = score_code_keys(scores[row, code], code)
    items, values = smallest_keys(keys, k)
    if many.any():
        items[many], values[many] = _full_sort(scores[many], k)
    return items, values


def kth_bound(scores: FloatArray, k: int, groups: int) -> FloatArray:
    """(B,) lower bounds of the k-th highest score: at least k scores of the row reach it, or all finite ones do.

    groups : more than k and fewer than the row has scores; nan and −inf are ignored
    """
    n = scores.shape[1]
    best = scores[:, :groups].copy()
    for start in range(groups, n, groups):
        part = scores[:, start : start + groups]
        head = best[:, : part.shape[1]]
        np.fmax(head, part, out=head)  # fmax ignores nan
    best[np.isnan(best)] = -np.inf
    bound: FloatArray = np.partition(best, groups - k, axis=1)[:, groups - k]
    return np.maximum(bound, np.finfo(np.float32).min)


def score_code_keys(scores: FloatArray, codes: LongArray) -> NDArray[np.uint64]:
    """uint64 sort keys, one per (score, code): ascending keys mean falling scores, then rising codes.

    scores : float32, finite; codes : of the same shape
    """
    bits = (scores + np.float32(0)).view(np.uint32)  # −0 becomes 0
    rising = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))  # the order of the scores (IEEE 754)
    return (~rising).astype(np.uint64) << np.uint64(32) | codes.astype(np.uint64)


def smallest_keys(keys: NDArray[np.uint64], k: int) -> tuple[IntArray, FloatArray]:
    """Items (B, k) and scores (B, k) decoded from the k smallest keys of each row; `keys` is sorted in place."""
    keys.sort(axis=1)  # sorting integers is several times faster than an argsort of scores
    keys = keys[:, :k]
    items = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)
    rising = ~(keys >> np.uint64(32)).astype(np.uint32)
    bits = np.where(rising >> 31, rising & np.uint32(0x7FFFFFFF), ~rising)
    return items, np.where(items == NO_ITEM, np.float32(np.nan), bits.view(np.float32))


def _full_sort(scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Top-k by sorting whole rows: for rows not much longer than k, or full of ties."""
    keys = np.where(scores > -np.inf, score_code_keys(scores, np.arange(scores.shape[1])), LAST_KEY)
    return smallest_keys(keys, k)


def set_nan(scores: FloatArray, where: BoolArray) -> None:
    """Set float32 scores to nan in place where a mask is true; the mask has their shape or that of one row.

    Does what `scores[where] = nan` does, twenty times as fast, because it has no branches: a float with every bit set
    is a nan (IEEE 754).
    """
    bits = scores.view(np.uint32)
    np.bitwise_or(bits, np.negative(where.astype(np.uint32)), out=bits)


def recommend_in_blocks(
    score_all: Callable[[Queries], FloatArray],
    queries: Queries,
    k: int,
    n_items: int,
    source: str,
    *,
    exclude: Ragged | None = None,
    allowed: BoolArray | None = None,
) -> Candidates:
    """`Retriever.recommend` for a model that can score the whole catalogue.

    score_all : queries -> (b, n_items) float32 in a new array, nan where it cannot score; called block by block
    """
    mask = checked_mask(allowed, n_items)
    banned = None if mask is None else ~mask

    def best_of(some: Queries, out: Ragged | None) -> tuple[IntArray, FloatArray]:
        scores = score_all(some)
        if out is not None:
            scores[out.row_of_event(), out.items] = np.nan
        if banned is not None:
            set_nan(scores, banned)
        return top_k(scores, k)

    return in_blocks(best_of, queries, k, n_items, source, exclude)


def in_blocks(
    best_of: Callable[[Queries, Ragged | None], tuple[IntArray, FloatArray]],
    queries: Queries,
    k: int,
    n_items: int,
    source: str,
    exclude: Ragged | None,
) -> Candidates:
    """The lists of all queries, computed for as many queries at a time as `BLOCK_CELLS` scores allow.

    best_of : queries and the items to exclude per query -> items (b, k) int32, scores (b, k) float32
    """
    check_queries(queries, n_items, exclude)
    B = len(queries)
    rows = max(1, BLOCK_CELLS // max(1, n_items))
    if rows >= B:
        return Candidates.of_one_source(*best_of(queries, exclude), source)
    items = np.full((B, k), NO_ITEM, np.int32)
    scores = np.full((B, k), np.nan, np.float32)
    for start in range(0, B, rows):
        block = np.arange(start, min(start + rows, B))
        some = queries.take(block)
        out = some.history if exclude is queries.history else None if exclude is None else exclude.take(block)
        items[block], scores[block] = best_of(some, out)
    return Candidates.of_one_source(items, scores, source)


def score_in_blocks(
    score_all: Callable[[Queries], FloatArray], queries: Queries, items: IntArray, n_items: int
) -> FloatArray:
    """`Scorer.score` for a model that can score the whole catalogue.

    items   : (B, K) codes, NO_ITEM allowed
    returns : (B, K) float32, nan at NO_ITEM
    """
    check_queries(queries, n_items)
    scores = np.full(items.shape, np.nan, np.float32)
    rows = max(1, BLOCK_CELLS // max(1, n_items))
    for start in range(0, len(queries), rows):
        block = np.arange(start, min(start + rows, len(queries)))
        picked = np.take_along_axis(score_all(queries.take(block)), np.maximum(items[block], 0), axis=1)
        scores[block] = np.where(items[block] == NO_ITEM, np.nan, picked)
    return scores
