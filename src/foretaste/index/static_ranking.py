"""Top-k from one non-personalised ranking: sorted once, then filtered per query without scanning all scores."""

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

    scores : (n_items,) float32; nan and −inf are never selected
    order  : the codes of the others, best first
    """

    def __init__(self, scores: FloatArray) -> None:
        self.scores = scores
        real = np.flatnonzero(scores > -np.inf)
        self.order: IntArray = real[np.argsort(-scores[real], kind="stable")].astype(np.int32)

    def recommend(
        self, queries: Queries, k: int, source: str, *, exclude: Ragged | None, allowed: BoolArray | None
    ) -> Candidates:
        """As `Retriever.recommend`; `source` names the model in the candidates."""
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
            first = np.argsort(seen, axis=1, kind="stable")[:, :k]  # items not excluded first, in their order
            items[:, : first.shape[1]] = np.where(np.take_along_axis(seen, first, axis=1), NO_ITEM, head[first])
        real = items != NO_ITEM
        scores[real] = self.scores[items[real]]
        return items, scores

    def _head(self, m: int, allowed: BoolArray | None) -> IntArray:
        """(≤ m,) the first m allowed items of the ranking."""
        if allowed is None:
            return self.order[:m]
        window = 4 * m
        while True:
            part = self.order[:window]
            head = part[allowed[part]]
            if len(head) >= m or window >= len(self.order):
                return head[:m]
            window *= 4
