"""Sparse item-to-item weights: finding the largest per item, and scoring with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from scipy.sparse import csr_array, diags_array

from foretaste.data.interaction_matrix import interaction_matrix
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
    """score = x W for a recency-weighted history x.

    weights     : (n_items, n_items) CSR float32 W; row j holds the weights from item j to each target item
    kind_weight : (n_kinds,) float32, sign × weight of each event kind
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
        """The k best items per query; `half_life_events` as in `RecencyConfig`."""
        n = self.weights.shape[0]
        rows = partial(self._rows, half_life_events=half_life_events)
        return recommend_sparse(rows, queries, k, n, source, exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray, half_life_events: float | None = None) -> FloatArray:
        def dense(some: Queries) -> FloatArray:
            return dense_scores(self._rows(some, half_life_events))

        return score_in_blocks(dense, queries, items, self.weights.shape[0])

    def _rows(self, queries: Queries, half_life_events: float | None) -> csr_array:
        """(B, n_items) CSR scores; no entry where no item of the history has a weight to the item."""
        x = interaction_matrix(queries.history, self.weights.shape[0], self.kind_weight, half_life_events)
        return x @ self.weights

    def contributions(self, history: IntArray, items: IntArray, half_life_events: float | None = None) -> FloatArray:
        """(K, H) float32: W[j, i] times the recency weight of each event j; a row sums to the score of its item i."""
        weights: FloatArray = self.weights[history][:, items].toarray().T
        return weights * recency_weights(len(history), half_life_events)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"kind_weight": self.kind_weight, **sparse_arrays("weights", self.weights)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        return cls(sparse_matrix("weights", arrays), arrays["kind_weight"].astype(np.float32))


def random_walk_weights(train: Dataset, alpha: float, beta: float, k: int, run: Run, name: str) -> ItemWeights:
    """Weights of random walks item → user → item: W_ji = Σ_u (p_ju p_ui)^α / c_i^β (Paudel et al., TiiS 2017).

    p_ju = 1 / c_j and p_ui = 1 / |u|: uniform over the c_j users of an item, and over the |u| items of a user. At most
    k entries per column are kept.

    name : of the model, for progress reports
    """
    X = train.matrix()
    per_item = np.maximum(np.asarray(X.sum(axis=0), np.float32), 1)
    per_user = np.maximum(np.asarray(X.sum(axis=1), np.float32), 1)
    steps = csr_array(csr_array(X.T) @ diags_array(per_user**-alpha))

    def weight(target: IntArray, source: IntArray, overlap: FloatArray) -> FloatArray:
        return np.asarray(overlap * per_item[source] ** -alpha * per_item[target] ** -beta, np.float32)

    return ItemWeights(nearest_items(steps, X, weight, k, run, name), train.kinds.weights)


def nearest_items(
    left: csr_array,
    right: csr_array,
    weigh: Callable[[IntArray, IntArray, FloatArray], FloatArray],
    k: int,
    run: Run,
    name: str,
    *,
    keep: Literal["weight", "overlap"] = "weight",
) -> csr_array:
    """(n_items, n_items) CSR float32 W; of each column (target item) only the k largest entries are kept.

    left, right : (n_items, n_users) and (n_users, n_items); their product is the overlap of item pairs
    weigh       : (target i, source j, overlap) → weight W_ji, elementwise
    keep        : whether the entries are the weights or the overlaps
    name        : of the model, for progress reports
    """
    n = right.shape[1]
    parts = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))]
    for start, stop in _blocks(left, right):
        pairs = (left[start:stop] @ right).tocoo()
        target, source = pairs.coords[0] + start, pairs.coords[1]
        weight = weigh(target, source, pairs.data)
        weight[target == source] = -np.inf
        near = np.flatnonzero(_at_least_kth(target - start, weight, k))
        target, source, weight, overlap = target[near], source[near], weight[near], pairs.data[near]
        nearest = _first_k_of_each(target, np.lexsort((source, -weight, target)), k)
        entry = (weight if keep == "weight" else overlap)[nearest].astype(np.float32)
        parts.append((source[nearest].astype(np.int32), target[nearest].astype(np.int32), entry))
        run.progress(name, stop, n)
    sources, targets, weights = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(sources, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n))])
    return csr_array((weights[order], targets[order], indptr), shape=(n, n))


def _blocks(left: csr_array, right: csr_array) -> Iterator[tuple[int, int]]:
    """Starts and ends of blocks of rows whose product fits into memory."""
    n = right.shape[1]
    products = np.concatenate([[0], np.cumsum(np.diff(right.indptr)[left.indices], dtype=np.int64)])
    max_entries = np.clip(np.diff(products[left.indptr]), 1, n)  # upper bound for each row of the product
    cumulative = np.concatenate([[0], np.cumsum(max_entries)])
    per_block = BLOCK_CELLS // 8  # half a dozen numbers are held per entry
    start = 0
    while start < n:
        stop = max(start + 1, int(np.searchsorted(cumulative, cumulative[start] + per_block, side="right")) - 1)
        yield start, stop
        start = stop


def _at_least_kth(group: IntArray, weight: FloatArray, k: int) -> BoolArray:
    """Whether each entry is finite and at least the k-th largest weight of its group, ties included.

    Saves sorting all entries, which would take most of the time on dense data.

    group : ascending from 0
    """
    threshold = np.full(int(group[-1]) + 1 if len(group) else 0, -np.inf, weight.dtype)
    ends = np.searchsorted(group, np.arange(len(threshold) + 1))
    for row in np.flatnonzero(np.diff(ends) > k):
        of_row = weight[ends[row] : ends[row + 1]]
        threshold[row] = np.partition(of_row, len(of_row) - k)[len(of_row) - k]
    return (weight >= threshold[group]) & (weight > -np.inf)


def _first_k_of_each(group: IntArray, order: LongArray, k: int) -> LongArray:
    """The first k of each group, of entries in `order`, which sorts them by group."""
    grouped = group[order]
    starts = np.flatnonzero(np.diff(grouped, prepend=-1))
    rank = np.arange(len(grouped)) - np.repeat(starts, np.diff(np.append(starts, len(grouped))))
    return order[rank < k]
