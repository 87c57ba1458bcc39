"""Several ranked lists into one, by reciprocal rank (Cormack, Clarke & Büttcher, SIGIR 2009)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foretaste.types import NO_ITEM, Candidates, FloatArray, IntArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Union:
    """The items that several lists of the same queries name, each of them once; whatever the lists weigh.

    items  : (B, U) int32, rising by code, NO_ITEM where there is none
    row    : (B, 1) intp, the rows counted
    slot   : (B, M) intp, the column of `items` that each place of the lists, side by side, belongs to
    source : (M,) which list each place is of
    rank   : (M,) its rank in there, from 1
    """

    items: IntArray
    row: NDArray[np.intp]
    slot: NDArray[np.intp]
    source: NDArray[np.intp]
    rank: NDArray[np.intp]

    @classmethod
    def of(cls, lists: Sequence[IntArray]) -> Union:
        """lists : (B, K) items of each source, best first, NO_ITEM padded; each with a K of its own"""
        items = np.concatenate(lists, axis=1)  # (B, M)
        widths = [found.shape[1] for found in lists]
        # Equal items stand side by side once each row is sorted by item; each run of them gets one slot of the union.
        order = np.argsort(items, axis=1, kind="stable")
        sorted_items = np.take_along_axis(items, order, axis=1)
        new = np.zeros(items.shape, np.intp)
        new[:, 1:] = sorted_items[:, 1:] != sorted_items[:, :-1]
        slot = np.empty_like(new)
        np.put_along_axis(slot, order, np.cumsum(new, axis=1), axis=1)
        row = np.arange(len(items))[:, None]
        union = np.full((len(items), int(slot.max(initial=0)) + 1), NO_ITEM, np.int32)
        union[row, slot] = items
        rank = np.concatenate([np.arange(1, width + 1) for width in widths])
        return cls(union, row, slot, np.repeat(np.arange(len(lists)), widths), rank)

    def totals(self, weights: Sequence[float], constant: float) -> NDArray[np.float64]:
        """(B, U) Σ over the sources that found the item of weight / (constant + rank); −inf where there is no item."""
        gain = np.asarray(weights, np.float64)[self.source] / (constant + self.rank)
        place = self.row * self.items.shape[1] + self.slot
        each = np.broadcast_to(gain, place.shape)
        total = np.bincount(place.ravel(), each.ravel(), self.items.size).astype(np.float64).reshape(self.items.shape)
        total[self.items == NO_ITEM] = -np.inf
        return total

    def best(self, weights: Sequence[float], constant: float, k: int) -> IntArray:
        """(B, min(k, U)) the items `reciprocal_rank` lists first, best first, NO_ITEM padded."""
        total = self.totals(weights, constant)
        U = total.shape[1]
        k = min(k, U)
        reaches = total >= np.partition(total, U - k, axis=1)[:, U - k, None]  # k of each row, and their ties
        row, slot = np.nonzero(reaches)
        order = np.lexsort((-total[reaches], row))  # stable, and the union rises by code
        begins = np.searchsorted(row, self.row)
        chosen = order[begins + np.arange(k)]
        return self.items[row[chosen], slot[chosen]]


def reciprocal_rank(lists: Mapping[str, Candidates], weights: Sequence[float], constant: float) -> Candidates:
    """score(item) = Σ over the sources that found it of weight / (constant + rank).

    Ranks and not scores, because the scores of different models, or of one model trained twice, have no common scale.
    """
    names = tuple(lists)
    union = Union.of([found.items for found in lists.values()])
    total = union.totals(weights, constant)
    found_by = np.full((*total.shape, len(names)), np.nan, np.float32)
    found_by[union.row, union.slot, union.source] = np.concatenate([found.scores for found in lists.values()], axis=1)
    ranks = np.zeros(found_by.shape, np.int32)
    ranks[union.row, union.slot, union.source] = union.rank

    best = np.argsort(-total, axis=1, kind="stable")  # the union rises by code, so ties go to the smaller
    merged = Candidates(union.items, total.astype(np.float32), found_by, ranks, names).reorder(best)
    gone = merged.items == NO_ITEM  # on the right already, for nothing scores less
    return merged.blanked(gone) if gone.any() else merged


def filled(ranked: Candidates, filler: Candidates) -> Candidates:
    """`ranked`, and where a row is short, items of `filler` that it does not have yet, behind its own.

    filler : one source, wide enough; it becomes a further source of the result
    """
    repeated = (filler.items[:, :, None] == ranked.items[:, None, :]).any(axis=2)
    extra = filler.keep(~repeated)
    places = np.arange(1, extra.items.shape[1] + 1, dtype=np.int32)
    ranks = np.where(extra.items == NO_ITEM, np.int32(0), places)[:, :, None]  # among what it adds
    return ranked.append(replace(extra, scores=_below(ranked.scores, extra.scores), ranks=ranks))


def _below(scores: FloatArray, extra: FloatArray) -> FloatArray:
    """(B, F) scores under every score of the row, falling, so that a filled list is still sorted."""
    lowest = np.where(np.isnan(scores), np.inf, scores).min(axis=1, initial=np.inf)
    lowest = np.where(np.isfinite(lowest), lowest, 1.0)
    steps = lowest[:, None] / np.arange(2, extra.shape[1] + 2)
    return np.where(np.isnan(extra), np.nan, steps).astype(np.float32)
