"""Several ranked lists into one, by reciprocal rank (Cormack, Clarke & Büttcher, SIGIR 2009)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from foretaste.types import NO_ITEM, Candidates, FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RANK_IN_SOURCES = "rank_in_sources"
"""Name of the (B, K, S) int32 column: each source's rank of the item from 1, 0 where it did not find it."""


def reciprocal_rank(lists: Mapping[str, Candidates], weights: Sequence[float], constant: float) -> Candidates:
    """score(item) = Σ over the sources that found it of weight / (constant + rank).

    Ranks and not scores, because the scores of different models, or of one model trained twice, have no common scale.
    """
    names = tuple(lists)
    items = np.concatenate([found.items for found in lists.values()], axis=1)  # (B, M)
    own = np.concatenate([found.scores for found in lists.values()], axis=1)
    widths = [found.items.shape[1] for found in lists.values()]
    source = np.repeat(np.arange(len(names)), widths)  # (M,)
    rank = np.concatenate([np.arange(1, width + 1) for width in widths])
    gain = np.repeat(np.asarray(weights, np.float64), widths) / (constant + rank)

    # Equal items stand side by side once each row is sorted by item; each run of them gets one slot of the union.
    order = np.argsort(items, axis=1, kind="stable")
    sorted_items = np.take_along_axis(items, order, axis=1)
    new = np.ones_like(sorted_items, dtype=bool)
    new[:, 1:] = sorted_items[:, 1:] != sorted_items[:, :-1]
    slot = np.cumsum(new, axis=1) - 1
    B, U = len(items), int(slot.max(initial=0)) + 1
    row = np.broadcast_to(np.arange(B)[:, None], slot.shape)

    union = np.full((B, U), NO_ITEM, np.int32)
    union[row, slot] = sorted_items
    total = np.bincount((row * U + slot).ravel(), gain[order].ravel(), B * U).astype(np.float64).reshape(B, U)
    found_by = np.full((B, U, len(names)), np.nan, np.float32)
    found_by[row, slot, source[order]] = np.take_along_axis(own, order, axis=1)
    ranks = np.zeros((B, U, len(names)), np.int32)
    ranks[row, slot, source[order]] = rank[order]

    total[union == NO_ITEM] = -np.inf
    best = np.argsort(-total, axis=1, kind="stable")  # the union rises by code, so ties go to the smaller
    merged = Candidates(union, total.astype(np.float32), found_by, names, {RANK_IN_SOURCES: ranks}).reorder(best)
    gone = merged.items == NO_ITEM  # on the right already, for nothing scores less
    if not gone.any():
        return merged
    nan = np.float32(np.nan)
    return replace(
        merged,
        scores=np.where(gone, nan, merged.scores),
        found_by=np.where(gone[:, :, None], nan, merged.found_by),
    )


def filled(ranked: Candidates, filler: Candidates) -> Candidates:
    """`ranked`, and where a row is short, items of `filler` that it does not have yet, behind its own.

    filler : one source, wide enough; it becomes a further source of the result
    """
    B, K = ranked.items.shape
    repeated = (filler.items[:, :, None] == ranked.items[:, None, :]).any(axis=2)
    extra = filler.keep(~repeated)
    S = len(ranked.sources)
    found_by = np.full((B, K + extra.items.shape[1], S + 1), np.nan, np.float32)
    found_by[:, :K, :S] = ranked.found_by
    found_by[:, K:, S] = extra.scores
    ranks = np.zeros(found_by.shape, np.int32)
    ranks[:, :K, :S] = ranked.columns[RANK_IN_SOURCES]
    ranks[:, K:, S] = np.where(extra.items == NO_ITEM, 0, np.arange(1, extra.items.shape[1] + 1))
    both = Candidates(
        np.concatenate([ranked.items, extra.items], axis=1),
        np.concatenate([ranked.scores, _below(ranked.scores, extra.scores)], axis=1),
        found_by,
        (*ranked.sources, *extra.sources),
        {RANK_IN_SOURCES: ranks},
    )
    return both.keep(both.items != NO_ITEM)


def _below(scores: FloatArray, extra: FloatArray) -> FloatArray:
    """(B, F) scores under every score of the row, falling, so that a filled list is still sorted."""
    lowest = np.where(np.isnan(scores), np.inf, scores).min(axis=1, initial=np.inf)
    lowest = np.where(np.isfinite(lowest), lowest, 1.0)
    steps = lowest[:, None] / np.arange(2, extra.shape[1] + 2)
    return np.where(np.isnan(extra), np.nan, steps).astype(np.float32)
