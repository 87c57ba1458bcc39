"""Item-to-item weights of which only the largest are kept: shared by the models that count meetings of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_array

from foretaste.data.matrix import interaction_matrix
from foretaste.index.topk import BLOCK_CELLS, recommend_in_blocks, score_in_blocks
from foretaste.models.saving import sparse_arrays, sparse_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, LongArray, Queries, Ragged, Run


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """What each item says for each other one, and answers from it: score = history · weights.

    weights     : (n_items, n_items) CSR float32; row j what having done j says
    kind_weight : (n_kinds,) float32
    """

    weights: csr_array
    kind_weight: FloatArray

    def recommend(
        self, queries: Queries, k: int, source: str, exclude: Ragged | None, allowed: BoolArray | None
    ) -> Candidates:
        n = self.weights.shape[0]
        return recommend_in_blocks(self._score_all, queries, k, n, source, exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, self.weights.shape[0])

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan where nothing in the history says anything for the item."""
        x = interaction_matrix(queries.history, self.weights.shape[0], self.kind_weight)
        scores: FloatArray = (x @ self.weights).toarray()
        scores[scores == 0] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        found: FloatArray = self.weights[history][:, items].toarray().T
        return found

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"kind_weight": self.kind_weight, **sparse_arrays("weights", self.weights)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        return cls(sparse_matrix("weights", arrays), arrays["kind_weight"].astype(np.float32))


def nearest_items(
    left: csr_array,
    right: csr_array,
    weigh: Callable[[IntArray, IntArray, FloatArray], FloatArray],
    k: int,
    run: Run,
    name: str,
) -> csr_array:
    """(n_items, n_items) CSR float32: row j is what having done j says for each item i; at most k entries per column.

    left, right : (n_items, n_users) and (n_users, n_items); their product says how items meet in people
    weigh       : (target i, source j, how they met) → weight, elementwise
    """
    n = right.shape[1]
    rows_at_once = max(1, BLOCK_CELLS // max(1, n))
    parts = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))]
    for start in range(0, n, rows_at_once):
        together = (left[start : start + rows_at_once] @ right).tocoo()
        target, source = together.coords[0] + start, together.coords[1]
        apart = target != source
        target, source = target[apart], source[apart]
        weight = weigh(target, source, together.data[apart])
        nearest = _first_of_each(target, np.lexsort((source, -weight, target)), k)
        parts.append(
            (source[nearest].astype(np.int32), target[nearest].astype(np.int32), weight[nearest].astype(np.float32))
        )
        run.progress(name, min(n, start + rows_at_once), n)
    sources, targets, weights = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(sources, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n))])
    return csr_array((weights[order], targets[order], indptr), shape=(n, n))


def _first_of_each(group: IntArray, order: LongArray, k: int) -> LongArray:
    """Of events in `order`, which sorts them by group, the first k of each group."""
    grouped = group[order]
    begins = np.flatnonzero(np.diff(grouped, prepend=-1))
    rank = np.arange(len(grouped)) - np.repeat(begins, np.diff(np.append(begins, len(grouped))))
    return order[rank < k]
