"""Accuracy metrics of ranked lists, one value per user, so that two models can be compared by paired tests.

items    : (B, K) ranked item codes, NO_ITEM padded
relevant : (B, n_items) CSR of the held-out items and their gains, > 0
returns  : (B,) float64; nan for a user without held-out items
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from foretaste.errors import UnknownNameError, did_you_mean
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from foretaste.types import IntArray

    Measure = Callable[[IntArray, csr_array], NDArray[np.float64]]
    ListMeasure = Callable[["ListRelevance"], NDArray[np.float64]]


def gains_at(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """(B, K) gain of each listed item, 0 where it is not relevant and at NO_ITEM."""
    n = relevant.shape[1]
    row = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    keys = row * n + relevant.indices  # one key per held-out item
    order = np.argsort(keys)
    keys, gain = keys[order], relevant.data[order].astype(np.float64)
    listed = np.arange(len(items), dtype=np.int64)[:, None] * n + items
    if not len(keys):
        return np.zeros(items.shape)
    at = np.minimum(np.searchsorted(keys, listed), len(keys) - 1)
    return np.where((keys[at] == listed) & (items != NO_ITEM), gain[at], 0.0)


@dataclass(frozen=True, eq=False)
class ListRelevance:
    """Relevance of every listed item, looked up once and shared by all metrics.

    gains  : (B, K) gain at each rank, 0 where the item is not relevant
    listed : (B, K) false at NO_ITEM
    relevant : (B, n_items) CSR of the held-out items
    """

    gains: NDArray[np.float64]
    listed: NDArray[np.bool_]
    relevant: csr_array

    @classmethod
    def of(cls, items: IntArray, relevant: csr_array) -> ListRelevance:
        return cls(gains_at(items, relevant), items != NO_ITEM, relevant)

    def head(self, k: int) -> ListRelevance:
        """The same lists cut at rank k."""
        return ListRelevance(self.gains[:, :k], self.listed[:, :k], self.relevant)

    @property
    def k(self) -> int:
        return self.gains.shape[1]

    @cached_property
    def hit(self) -> NDArray[np.bool_]:
        """(B, K) true where the item is relevant"""
        return self.gains > 0

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """(B,) items held out"""
        return np.diff(self.relevant.indptr).astype(np.int64)

    def nan_if_nothing_held_out(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(self.count > 0, values, np.nan)


def _from_items(list_measure: ListMeasure) -> Measure:
    """The metric as a function of items and held-out items, which looks the relevance up itself."""

    @wraps(list_measure)
    def measure(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
        return list_measure(ListRelevance.of(items, relevant))

    return measure


def _hit_rate(lists: ListRelevance) -> NDArray[np.float64]:
    """1 where at least one listed item is relevant."""
    return lists.nan_if_nothing_held_out(np.asarray(lists.hit.any(axis=1), np.float64))


def _recall(lists: ListRelevance) -> NDArray[np.float64]:
    """Share of the relevant items that are listed."""
    return lists.nan_if_nothing_held_out(lists.hit.sum(axis=1) / np.maximum(lists.count, 1))


def _precision(lists: ListRelevance) -> NDArray[np.float64]:
    """Share of the K ranks that hold a relevant item; empty ranks of a short list count as misses."""
    return lists.nan_if_nothing_held_out(lists.hit.sum(axis=1) / max(1, lists.k))


def _f1(lists: ListRelevance) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall, 0 where both are."""
    p, r = _precision(lists), _recall(lists)
    return np.divide(2 * p * r, p + r, out=np.where(np.isnan(p), np.nan, 0.0), where=(p + r) > 0)


def _ndcg(lists: ListRelevance) -> NDArray[np.float64]:
    """DCG of each list divided by that of the best possible list of K items; 1.0 is perfect.

    DCG = Σ gain / log2(rank + 1) with linear gain (Järvelin & Kekäläinen, TOIS 2002).
    """
    discount = 1 / np.log2(np.arange(lists.k) + 2)
    dcg = lists.gains @ discount
    ideal = _best_gains(lists.relevant, lists.k) @ discount
    return np.divide(dcg, ideal, out=np.full(len(dcg), np.nan), where=ideal > 0)


def _mrr(lists: ListRelevance) -> NDArray[np.float64]:
    """1 / rank of the first relevant item, 0 where none is listed."""
    hit = lists.hit
    first = np.where(hit.any(axis=1), 1 / (hit.argmax(axis=1) + 1), 0.0) if lists.k else np.zeros(len(hit))
    return lists.nan_if_nothing_held_out(first)


def _average_precision(lists: ListRelevance) -> NDArray[np.float64]:
    """Sum of the precision at each relevant rank, divided by min(K, relevant items), so that 1 can be reached."""
    at_rank = np.cumsum(lists.hit, axis=1) / np.arange(1, lists.k + 1)
    best = np.minimum(np.maximum(lists.count, 1), max(1, lists.k))
    return lists.nan_if_nothing_held_out((at_rank * lists.hit).sum(axis=1) / best)


def _auc(lists: ListRelevance) -> NDArray[np.float64]:
    """Probability that a relevant item ranks above one that is not, over the whole catalogue.

    Unlisted items count as tied below the list, ties as half: an empty list gives 0.5, and K = n_items the usual AUC.
    nan where every item is relevant.
    """
    miss = lists.listed & ~lists.hit
    irrelevant = lists.relevant.shape[1] - lists.count
    below = irrelevant[:, None] - np.cumsum(miss, axis=1)  # (B, K) irrelevant items below this rank
    unlisted = (lists.count - lists.hit.sum(axis=1)) * (irrelevant - miss.sum(axis=1))
    ordered = (below * lists.hit).sum(axis=1) + 0.5 * unlisted
    pairs = lists.count * irrelevant
    return np.divide(ordered, pairs, out=np.full(len(ordered), np.nan), where=pairs > 0)


LIST_MEASURES: dict[str, ListMeasure] = {
    "hr": _hit_rate,
    "recall": _recall,
    "precision": _precision,
    "f1": _f1,
    "ndcg": _ndcg,
    "mrr": _mrr,
    "map": _average_precision,
    "auc": _auc,
}
MEASURES: dict[str, Measure] = {name: _from_items(list_measure) for name, list_measure in LIST_MEASURES.items()}
hit_rate, recall, precision, f1 = MEASURES["hr"], MEASURES["recall"], MEASURES["precision"], MEASURES["f1"]
ndcg, mrr, average_precision, auc = MEASURES["ndcg"], MEASURES["mrr"], MEASURES["map"], MEASURES["auc"]


class Metric(NamedTuple):
    """A ranking metric at a cutoff k: 'ndcg@10'."""

    name: str
    measure: Measure
    k: int

    def __call__(self, items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
        """(B,) values of items (B, K ≥ k), cut at k; shorter lists must have been retrieved with this k."""
        return self.measure(items[:, : self.k], relevant)

    def of_relevance(self, lists: ListRelevance) -> NDArray[np.float64]:
        """The same for lists whose relevance was looked up already."""
        return LIST_MEASURES[self.name.partition("@")[0]](lists.head(self.k))


def parse_metric(name: str) -> Metric:
    """The metric called 'ndcg@10'; UnknownNameError for an unknown name or a missing cutoff."""
    measure, _, k = name.partition("@")
    if measure not in MEASURES:
        raise UnknownNameError(f"No metric is called '{measure}'.{did_you_mean(measure, MEASURES)}")
    if not k.isdigit() or int(k) < 1:
        raise UnknownNameError(f"The metric '{name}' needs a depth; write '{measure}@10'.")
    return Metric(name, MEASURES[measure], int(k))


def _best_gains(relevant: csr_array, k: int) -> NDArray[np.float64]:
    """(B, k) the highest gains of each row, descending, padded with 0."""
    if not len(relevant.data) or (relevant.data == relevant.data[0]).all():  # equal gains: no sort
        gain = relevant.data[0] if len(relevant.data) else 0.0
        return np.where(np.arange(k) < np.diff(relevant.indptr)[:, None], np.float64(gain), 0.0)
    row = np.repeat(np.arange(relevant.shape[0]), np.diff(relevant.indptr))
    order = np.lexsort((-relevant.data, row))
    rank = np.arange(len(row)) - relevant.indptr[row]
    best = np.zeros((relevant.shape[0], k))
    within = rank < k
    best[row[within], rank[within]] = relevant.data[order][within]
    return best
