"""The best k of many scores: exact, in blocks, ties to the smaller code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.types import NO_ITEM, BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_CELLS = 1 << 23
"""Scores held at once: 8 million, 32 MB."""


def top_k(scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The k highest scores of each row, best first; NO_ITEM and nan where a row has fewer.

    scores  : (B, n_items) float32, overwritten; nan and −inf are never chosen
    returns : items (B, k) int32, scores (B, k) float32
    """
    # Ties go to the smaller code, so that two machines, and a batch and a single query, give the same list.
    # Codes are hashed, so this leaks nothing.
    B, n = scores.shape
    np.copyto(scores, -np.inf, where=np.isnan(scores))
    width = min(k, n)
    if width == 0:
        return np.full((B, k), NO_ITEM, np.int32), np.full((B, k), np.nan, np.float32)
    if width < n:
        chosen = np.argpartition(scores, n - width, axis=1)[:, n - width :]
        best = np.take_along_axis(scores, chosen, axis=1)
        edge = best.min(axis=1)
        tied = (scores == edge[:, None]).sum(axis=1) > (best == edge[:, None]).sum(axis=1)
        for b in np.flatnonzero(tied & np.isfinite(edge)):
            above = np.flatnonzero(scores[b] > edge[b])
            at_edge = np.flatnonzero(scores[b] == edge[b])[: width - len(above)]
            chosen[b] = np.concatenate([above, at_edge])
        chosen.sort(axis=1)
        best = np.take_along_axis(scores, chosen, axis=1)
    else:
        chosen = np.broadcast_to(np.arange(n), (B, n))
        best = scores
    order = np.argsort(-best, axis=1, kind="stable")
    items = np.full((B, k), NO_ITEM, np.int32)
    values = np.full((B, k), np.nan, np.float32)
    ranked = np.take_along_axis(best, order, axis=1)
    found = np.isfinite(ranked)
    items[:, :width] = np.where(found, np.take_along_axis(chosen, order, axis=1), NO_ITEM)
    values[:, :width] = np.where(found, ranked, np.nan)
    return items, values


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
    """What `Retriever.recommend` promises, for a model that can score the whole catalogue.

    score_all : queries -> (b, n_items) float32 of its own, nan where it cannot judge; called block by block
    """
    B = len(queries)
    rows = max(1, BLOCK_CELLS // max(1, n_items))
    items = np.full((B, k), NO_ITEM, np.int32)
    scores = np.full((B, k), np.nan, np.float32)
    for start in range(0, B, rows):
        block = np.arange(start, min(start + rows, B))
        found = score_all(queries if len(block) == B else queries.take(block))
        if exclude is not None:
            out = exclude.take(block)
            found[out.row_of_event(), out.items] = np.nan
        if allowed is not None:
            found[:, ~allowed] = np.nan
        items[block], scores[block] = top_k(found, k)
    return Candidates.of_one_source(items, scores, source)


def score_in_blocks(
    score_all: Callable[[Queries], FloatArray], queries: Queries, items: IntArray, n_items: int
) -> FloatArray:
    """What `Scorer.score` promises, for a model that can score the whole catalogue.

    items   : (B, K) codes, NO_ITEM allowed
    returns : (B, K) float32, nan at NO_ITEM
    """
    scores = np.full(items.shape, np.nan, np.float32)
    rows = max(1, BLOCK_CELLS // max(1, n_items))
    for start in range(0, len(queries), rows):
        block = np.arange(start, min(start + rows, len(queries)))
        picked = np.take_along_axis(score_all(queries.take(block)), np.maximum(items[block], 0), axis=1)
        scores[block] = np.where(items[block] == NO_ITEM, np.nan, picked)
    return scores
