"""How good a ranked list is, one value per user, so that two models can be compared user by user.

items    : (B, K) ranked item codes, NO_ITEM padded
relevant : (B, n_items) CSR of the held-out items and their gains, > 0
returns  : (B,) float64; nan for a user with nothing held out, whom no list can please
"""

from __future__ import annotations

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


def gains_at(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """(B, K) gain of each listed item, 0 where it is not relevant and at NO_ITEM."""
    n = relevant.shape[1]
    row = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    known = row * n + relevant.indices  # one sorted key per held-out item
    order = np.argsort(known)
    known, gain = known[order], relevant.data[order].astype(np.float64)
    asked = np.arange(len(items), dtype=np.int64)[:, None] * n + items
    if not len(known):
        return np.zeros(items.shape)
    at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where((known[at] == asked) & (items != NO_ITEM), gain[at], 0.0)


def hit_rate(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """1 where at least one listed item is relevant."""
    return _for_askers(relevant, np.asarray((gains_at(items, relevant) > 0).any(axis=1), np.float64))


def recall(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """Share of the relevant items that are listed."""
    hits = (gains_at(items, relevant) > 0).sum(axis=1)
    return _for_askers(relevant, hits / np.maximum(_count(relevant), 1))


def precision(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """Share of the K places that hold a relevant item; a short list pays for its empty places."""
    return _for_askers(relevant, (gains_at(items, relevant) > 0).sum(axis=1) / max(1, items.shape[1]))


def f1(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall, 0 where both are."""
    p, r = precision(items, relevant), recall(items, relevant)
    return np.divide(2 * p * r, p + r, out=np.where(np.isnan(p), np.nan, 0.0), where=(p + r) > 0)


def ndcg(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """Discounted gain of each list against the best possible list of that length; 1.0 is perfect.

    DCG = Σ gain / log2(rank + 1), the gain linear (Järvelin & Kekäläinen 2002).
    """
    K = items.shape[1]
    discount = 1 / np.log2(np.arange(K) + 2)
    found = gains_at(items, relevant) @ discount
    best = _best_gains(relevant, K) @ discount
    return np.divide(found, best, out=np.full(len(items), np.nan), where=best > 0)


def mrr(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """1 / rank of the first relevant item, 0 where none is listed."""
    hit = gains_at(items, relevant) > 0
    first = np.where(hit.any(axis=1), 1 / (hit.argmax(axis=1) + 1), 0.0) if items.shape[1] else np.zeros(len(items))
    return _for_askers(relevant, first)


def average_precision(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """Mean precision at the ranks of the relevant items; divided by min(K, relevant), so 1 can be reached."""
    hit = gains_at(items, relevant) > 0
    K = items.shape[1]
    at_rank = np.cumsum(hit, axis=1) / np.arange(1, K + 1)
    best = np.minimum(np.maximum(_count(relevant), 1), max(1, K))
    return _for_askers(relevant, (at_rank * hit).sum(axis=1) / best)


def auc(items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
    """Chance that a relevant item stands before one that is not, over the whole catalogue.

    What is not listed counts as tied below the list, ties half: an empty list measures 0.5, and K = n_items is the
    usual AUC. nan where everything is relevant.
    """
    hit = gains_at(items, relevant) > 0
    miss = (items != NO_ITEM) & ~hit
    wanted = _count(relevant)
    unwanted = relevant.shape[1] - wanted
    below = unwanted[:, None] - np.cumsum(miss, axis=1)  # (B, K) not relevant and behind this place
    right = (below * hit).sum(axis=1) + 0.5 * (wanted - hit.sum(axis=1)) * (unwanted - miss.sum(axis=1))
    pairs = wanted * unwanted
    return np.divide(right, pairs, out=np.full(len(items), np.nan), where=pairs > 0)


MEASURES: dict[str, Measure] = {
    "hr": hit_rate,
    "recall": recall,
    "precision": precision,
    "f1": f1,
    "ndcg": ndcg,
    "mrr": mrr,
    "map": average_precision,
    "auc": auc,
}


class Metric(NamedTuple):
    """A measure at a depth: 'ndcg@10'."""

    name: str
    measure: Measure
    k: int

    def __call__(self, items: IntArray, relevant: csr_array) -> NDArray[np.float64]:
        """Lists longer than k are cut; shorter ones must have been asked for at k."""
        return self.measure(items[:, : self.k], relevant)


def parse_metric(name: str) -> Metric:
    """'ndcg@10' to the measure it names."""
    measure, _, k = name.partition("@")
    if measure not in MEASURES:
        raise UnknownNameError(f"No metric is called '{measure}'.{did_you_mean(measure, MEASURES)}")
    if not k.isdigit() or int(k) < 1:
        raise UnknownNameError(f"The metric '{name}' needs a depth; write '{measure}@10'.")
    return Metric(name, MEASURES[measure], int(k))


def _count(relevant: csr_array) -> NDArray[np.int64]:
    return np.diff(relevant.indptr).astype(np.int64)


def _for_askers(relevant: csr_array, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(_count(relevant) > 0, values, np.nan)


def _best_gains(relevant: csr_array, k: int) -> NDArray[np.float64]:
    """(B, k) the highest gains of each row, falling."""
    row = np.repeat(np.arange(relevant.shape[0]), np.diff(relevant.indptr))
    order = np.lexsort((-relevant.data, row))
    rank = np.arange(len(row)) - relevant.indptr[row]
    best = np.zeros((relevant.shape[0], k))
    within = rank < k
    best[row[within], rank[within]] = relevant.data[order][within]
    return best
