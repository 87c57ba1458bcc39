"""Lists cut from one ranking that is the same for everybody: nobody's scores are gone through again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.index.input_checks import checked_mask
from foretaste.index.topk import in_blocks
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged


class StaticRanking:
    """All items in falling order of one score, ties to the smaller code.

    scores : (n_items,) float32; nan and −inf are never chosen
    order  : the codes of the others, best first
    """

    def __init__(self, scores: FloatArray) -> None:
        self.scores = scores
        real = np.flatnonzero(scores > -np.inf)
        self.order: IntArray = real[np.argsort(-scores[real], kind="stable")].astype(np.int32)

    def recommend(
        self, queries: Queries, k: int, source: str, *, exclude: Ragged | None, allowed: BoolArray | None
    ) -> Candidates:
        """What `Retriever.recommend` promises."""
        mask = checked_mask(allowed, len(self.scores))

        def best_of(some: Queries, out: Ragged | None) -> tuple[IntArray, FloatArray]:
            return self._best(len(some), k, out, mask)

        return in_blocks(best_of, queries, k, len(self.scores), source, exclude)

    def _best(self, B: int, k: int, out: Ragged | None, allowed: BoolArray | None) -> tuple[IntArray, FloatArray]:
        longest = 0 if out is None else int(out.lengths.max(initial=0))
        head = self._head(k + longest, allowed)
        items = np.full((B, k), NO_ITEM, np.int32)
        scores = np.full((B, k), np.nan, np.float32)
        if out is None or not len(out.items):
            items[:, : len(head)] = head[:k]
        else:
            place = np.full(len(self.scores), len(head), np.int32)
            place[head] = np.arange(len(head), dtype=np.int32)
            hidden = np.zeros((B, len(head) + 1), np.bool_)
            hidden[out.row_of_event(), place[out.items]] = True
            seen = hidden[:, :-1]
            first = np.argsort(seen, axis=1, kind="stable")[:, :k]  # what is not hidden, in order, then what is
            items[:, : first.shape[1]] = np.where(np.take_along_axis(seen, first, axis=1), NO_ITEM, head[first])
        real = items != NO_ITEM
        scores[real] = self.scores[items[real]]
        return items, scores

    def _head(self, m: int, allowed: BoolArray | None) -> IntArray:
        """The first m that are allowed."""
        if allowed is None:
            return self.order[:m]
        looked_at = 4 * m
        while True:
            part = self.order[:looked_at]
            found = part[allowed[part]]
            if len(found) >= m or looked_at >= len(self.order):
                return found[:m]
            looked_at *= 4
