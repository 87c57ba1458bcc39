"""Item-to-item weights of which only the largest are kept: shared by the models that count meetings of items."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from scipy.sparse import csr_array, diags_array

from foretaste.data.matrix import interaction_matrix
from foretaste.index.sparse import dense_scores, recommend_sparse
from foretaste.index.topk import BLOCK_CELLS, score_in_blocks
from foretaste.models.recency import recency_weights
from foretaste.models.saving import sparse_arrays, sparse_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
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
        self,
        queries: Queries,
        k: int,
        source: str,
        exclude: Ragged | None,
        allowed: BoolArray | None,
        half_life_events: float | None = None,
    ) -> Candidates:
        """half_life_events : as `RecencyConfig` has it"""
        n = self.weights.shape[0]
        rows = partial(self._rows, half_life_events=half_life_events)
        return recommend_sparse(rows, queries, k, n, source, exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray, half_life_events: float | None = None) -> FloatArray:
        def dense(some: Queries) -> FloatArray:
            return dense_scores(self._rows(some, half_life_events))

        return score_in_blocks(dense, queries, items, self.weights.shape[0])

    def _rows(self, queries: Queries, half_life_events: float | None) -> csr_array:
        """(B, n_items) CSR; nothing where nothing in the history says anything for the item."""
        x = interaction_matrix(queries.history, self.weights.shape[0], self.kind_weight, half_life_events)
        return x @ self.weights

    def contributions(self, history: IntArray, items: IntArray, half_life_events: float | None = None) -> FloatArray:
        found: FloatArray = self.weights[history][:, items].toarray().T * recency_weights(
            len(history), half_life_events
        )
        return found

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"kind_weight": self.kind_weight, **sparse_arrays("weights", self.weights)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        return cls(sparse_matrix("weights", arrays), arrays["kind_weight"].astype(np.float32))


def walk(train: Dataset, alpha: float, beta: float, k: int, run: Run, name: str) -> ItemWeights:
    """Random walks of three steps, item → person → item: weight(j → i) = Σ_u (p_ju p_ui)^α / c_i^β.

    p_ju = 1 / c_j and p_ui = 1 / |u|: from an item to each of its c_j people alike, from a person to each of their
    items alike; at most k entries per column.
    """
    X = train.matrix()
    per_item = np.maximum(np.asarray(X.sum(axis=0), np.float32), 1)
    per_user = np.maximum(np.asarray(X.sum(axis=1), np.float32), 1)
    steps = csr_array(csr_array(X.T) @ diags_array(per_user**-alpha))

    def walked(target: IntArray, source: IntArray, met: FloatArray) -> FloatArray:
        return np.asarray(met * per_item[source] ** -alpha * per_item[target] ** -beta, np.float32)

    return ItemWeights(nearest_items(steps, X, walked, k, run, name), train.kinds.weights)


def nearest_items(
    left: csr_array,
    right: csr_array,
    weigh: Callable[[IntArray, IntArray, FloatArray], FloatArray],
    k: int,
    run: Run,
    name: str,
    *,
    keep: Literal["weight", "met"] = "weight",
) -> csr_array:
    """(n_items, n_items) CSR float32: row j is what having done j says for each item i; at most k entries per column.

    left, right : (n_items, n_users) and (n_users, n_items); their product says how items meet in people
    weigh       : (target i, source j, how they met) → weight, elementwise
    keep        : what the entries say of the nearest: the weight, or how they met
    """
    n = right.shape[1]
    parts = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))]
    for start, stop in _blocks(left, right):
        together = (left[start:stop] @ right).tocoo()
        target, source = together.coords[0] + start, together.coords[1]
        weight = weigh(target, source, together.data)
        weight[target == source] = -np.inf
        near = np.flatnonzero(_may_be_nearest(target - start, weight, k))
        target, source, weight, met = target[near], source[near], weight[near], together.data[near]
        nearest = _first_of_each(target, np.lexsort((source, -weight, target)), k)
        entry = (weight if keep == "weight" else met)[nearest].astype(np.float32)
        parts.append((source[nearest].astype(np.int32), target[nearest].astype(np.int32), entry))
        run.progress(name, stop, n)
    sources, targets, weights = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(sources, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n))])
    return csr_array((weights[order], targets[order], indptr), shape=(n, n))


def _blocks(left: csr_array, right: csr_array) -> Iterator[tuple[int, int]]:
    """Where blocks of rows begin and end whose meetings can be held at once; of sparse data many rows are one block."""
    n = right.shape[1]
    met = np.concatenate([[0], np.cumsum(np.diff(right.indptr)[left.indices], dtype=np.int64)])
    most = np.clip(np.diff(met[left.indptr]), 1, n)  # entries of each row of the product
    until = np.concatenate([[0], np.cumsum(most)])
    room = BLOCK_CELLS // 8  # of each meeting, half a dozen numbers are held
    start = 0
    while start < n:
        stop = max(start + 1, int(np.searchsorted(until, until[start] + room, side="right")) - 1)
        yield start, stop
        start = stop


def _may_be_nearest(group: IntArray, weight: FloatArray, k: int) -> BoolArray:
    """Whether each entry is among the k heaviest of its group, or level with the last of them; −∞ never is.

    Sorting everything would find the same, and takes most of the time where items meet often.

    group : rising from 0
    """
    least = np.full(int(group[-1]) + 1 if len(group) else 0, -np.inf, weight.dtype)
    ends = np.searchsorted(group, np.arange(len(least) + 1))
    for row in np.flatnonzero(np.diff(ends) > k):
        of_row = weight[ends[row] : ends[row + 1]]
        least[row] = np.partition(of_row, len(of_row) - k)[len(of_row) - k]
    return (weight >= least[group]) & (weight > -np.inf)


def _first_of_each(group: IntArray, order: LongArray, k: int) -> LongArray:
    """Of events in `order`, which sorts them by group, the first k of each group."""
    grouped = group[order]
    begins = np.flatnonzero(np.diff(grouped, prepend=-1))
    rank = np.arange(len(grouped)) - np.repeat(begins, np.diff(np.append(begins, len(grouped))))
    return order[rank < k]
