"""Exact top-k of sparse scores: the same lists as `topk`, without a dense score matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.index.input_checks import checked_mask
from foretaste.index.topk import LAST_KEY, in_blocks, score_code_keys, set_nan, smallest_keys, top_k

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy.sparse import csr_array

    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged

SPARSE_FACTOR = 8
"""The sparse path is taken where fewer than one in SPARSE_FACTOR scores is stored: there it is faster."""


def recommend_sparse(
    rows_of: Callable[[Queries], csr_array],
    queries: Queries,
    k: int,
    n_items: int,
    source: str,
    *,
    exclude: Ragged | None = None,
    allowed: BoolArray | None = None,
) -> Candidates:
    """`Retriever.recommend` for a model whose scores of a query are a sparse row.

    rows_of : queries -> (b, n_items) CSR float32 without duplicates; an item that is not stored, or 0, has no score
    """
    mask = checked_mask(allowed, n_items)
    banned = None if mask is None else ~mask

    def best_of(some: Queries, out: Ragged | None) -> tuple[IntArray, FloatArray]:
        scores_csr = rows_of(some)
        if scores_csr.nnz * SPARSE_FACTOR < len(some) * n_items:
            return _best_entries(scores_csr, k, out, banned)
        scores = dense_scores(scores_csr)
        if out is not None:
            scores[out.row_of_event(), out.items] = np.nan
        if banned is not None:
            set_nan(scores, banned)
        return top_k(scores, k)

    return in_blocks(best_of, queries, k, n_items, source, exclude)


def dense_scores(scores_csr: csr_array) -> FloatArray:
    """(b, n_items), nan where nothing is stored."""
    scores: FloatArray = scores_csr.toarray()
    set_nan(scores, scores == 0)
    return scores


def _best_entries(
    scores_csr: csr_array, k: int, out: Ragged | None, banned: BoolArray | None
) -> tuple[IntArray, FloatArray]:
    """Items (B, k) and scores (B, k) of the highest stored entries; padding keys sort last."""
    B, n = scores_csr.shape
    row, item, score = np.repeat(np.arange(B), np.diff(scores_csr.indptr)), scores_csr.indices, scores_csr.data
    keep = (score != 0) & (score > -np.inf)  # also drops nan
    if banned is not None:
        keep &= ~banned[item]
    if out is not None:
        hidden = np.zeros((B, n), np.bool_)
        hidden[out.row_of_event(), out.items] = True
        keep &= ~hidden[row, item]
    row, item, score = row[keep], item[keep], score[keep]
    count = np.bincount(row, minlength=B)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    keys = np.full((B, max(k, int(count.max(initial=0)))), LAST_KEY, np.uint64)
    keys[row, place] = score_code_keys(score, item)
    return smallest_keys(keys, k)
