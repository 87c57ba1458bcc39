"""Beyond-accuracy metrics: coverage, concentration, novelty, popularity bias, serendipity, calibration, diversity.

items : (B, K) ranked item codes, NO_ITEM padded
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, issparse

from foretaste.errors import DataError
from foretaste.metrics.ranking import gains_at
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.types import BoolArray, FloatArray, IntArray

BLOCK_CELLS = 1 << 22
"""Vector components in memory at once: 4 million, 32 MB."""


def exposure(items: IntArray, n_items: int) -> NDArray[np.int64]:
    """(n_items,) number of lists that contain each item."""
    return np.bincount(items[items != NO_ITEM], minlength=n_items).astype(np.int64)


def catalogue_coverage(items: IntArray, n_items: int) -> float:
    """Share of the catalogue that is recommended to at least one user; 0 for an empty catalogue."""
    return float((exposure(items, n_items) > 0).mean()) if n_items else 0.0


def gini(amounts: NDArray[np.integer] | NDArray[np.floating]) -> float:
    """Gini index of (n,) amounts ≥ 0: 0 when all are equal, (n − 1) / n when one has everything; nan if all are 0.

    Of `exposure` it measures how concentrated recommendations are on few items.
    """
    shares = np.sort(np.asarray(amounts, np.float64))
    n, total = len(shares), shares.sum()
    if total <= 0:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ shares / (n * total))


def novelty(items: IntArray, popularity: FloatArray | NDArray[np.integer]) -> NDArray[np.float64]:
    """(B,) mean self-information of each list in bits, −log2(share of all events); nan for an empty list.

    Zhou et al., PNAS 2010.

    popularity : (n_items,) events per item in the training part. One event is added to each, so that an item
                 without events has a large, finite self-information
    """
    counts = np.asarray(popularity, np.float64) + 1
    return _mean_over_list(items, -np.log2(counts / counts.sum()))


def popularity_bias(items: IntArray, popularity: FloatArray | NDArray[np.integer]) -> NDArray[np.float64]:
    """(B,) mean popularity percentile of each list: 0.5 for items drawn uniformly, near 1 for the most popular only.

    popularity : (n_items,) events per item; items of equal popularity share their mean percentile
    """
    _, level, size = np.unique(np.asarray(popularity), return_inverse=True, return_counts=True)
    below = np.cumsum(size) - size
    percentile = (below + size / 2) / max(1, len(level))
    return _mean_over_list(items, percentile[level])


def tail_share(items: IntArray, is_tail: BoolArray) -> NDArray[np.float64]:
    """(B,) share of each list in the long tail (APLT; Abdollahpouri et al., FLAIRS 2019); nan for an empty list.

    is_tail : (n_items,) true for items of the tail, see `long_tail`
    """
    return _mean_over_list(items, is_tail.astype(np.float64))


def long_tail(popularity: FloatArray | NDArray[np.integer], head_share: float = 0.8) -> BoolArray:
    """(n_items,) true outside the short head: the fewest items that together have `head_share` of all events."""
    counts = np.asarray(popularity, np.float64)
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    tail = np.empty(len(counts), bool)
    tail[order] = before >= head_share * counts.sum()
    return tail


def serendipity(
    items: IntArray, relevant: csr_array, popularity: FloatArray | NDArray[np.integer]
) -> NDArray[np.float64]:
    """(B,) relevant items that popularity would rank lower: mean over the K ranks of relevant · max(P − P_pop, 0).

    P = (n + 1 − rank) / n for an item's rank in the list, P_pop the same for its rank by popularity (Murakami, Mori,
    Orihara 2008, with popularity as the primitive method). nan for a user without held-out items, as for accuracy.

    relevant : (B, n_items) CSR of the held-out items
    """
    K, n = items.shape[1], relevant.shape[1]
    rank = np.empty(n)
    rank[np.argsort(-np.asarray(popularity, np.float64), kind="stable")] = np.arange(n)
    hit = gains_at(items, relevant) > 0
    ahead = np.maximum(rank[np.maximum(items, 0)] - np.arange(K), 0) / n if n else np.zeros(items.shape)
    return np.where(np.diff(relevant.indptr) > 0, (ahead * hit).sum(axis=1) / max(1, K), np.nan)


def miscalibration(
    lists: IntArray, taste: csr_array, classes: csr_array, smoothing: float = 0.01
) -> NDArray[np.float64]:
    """(B,) divergence of the classes of list and history: KL(p ‖ q̃), 0 is calibrated (Steck, RecSys 2018).

    p(g) is the share of class g in the user's history, q(g) in the list; an item of several classes is split evenly.
    q̃ = (1 − α) q + α p, α = `smoothing`, keeps it finite (eq. 3 to 6, without rank weights). nan where the
    history or the list has no class at all.

    taste   : (B, n_items) CSR, interactions of each user with each item
    classes : (n_items, G) CSR, classes of each item; rows of 0 where none is known
    """
    per_item = np.asarray(classes.sum(axis=1), np.float64)
    shares = csr_array(classes.astype(np.float64))
    shares.data = shares.data / np.repeat(per_item, np.diff(shares.indptr))
    expected, listed = _mix(csr_array(taste), shares), _mix(_listed(lists, classes.shape[0]), shares)
    blend = (1 - smoothing) * listed + smoothing * expected
    ratio = np.divide(expected, blend, out=np.ones_like(expected), where=expected > 0)
    divergence = (expected * np.log(ratio)).sum(axis=1)
    return np.where((expected.sum(axis=1) > 0) & (listed.sum(axis=1) > 0), np.maximum(divergence, 0), np.nan)


def _mix(taken: csr_array, shares: csr_array) -> NDArray[np.float64]:
    """(B, G) share of each class in each row; 0 everywhere where no class is known."""
    mix = np.asarray((taken @ shares).toarray(), np.float64)
    total = mix.sum(axis=1, keepdims=True)
    return np.divide(mix, total, out=np.zeros_like(mix), where=total > 0)


def _listed(items: IntArray, n_items: int) -> csr_array:
    """(B, n_items) 1 where the list contains the item."""
    listed = items != NO_ITEM
    offsets = np.concatenate([[0], np.cumsum(listed.sum(axis=1))])
    return csr_array((np.ones(offsets[-1]), items[listed].astype(np.int64), offsets), shape=(len(items), n_items))


def intra_list_diversity(items: IntArray, vectors: FloatArray | csr_array) -> NDArray[np.float64]:
    """(B,) mean cosine distance, 1 − cosine, over all pairs of a list (Ziegler et al., WWW 2005); nan below two items.

    The sum over all pairs is the squared length of the sum of the list's unit vectors, less every item with itself.

    vectors : (n_items, D) dense or CSR; an item whose vector is 0 is at distance 1 from every other
    """
    if issparse(vectors):
        return _sparse_diversity(items, csr_array(vectors))
    B, K = items.shape
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros(vectors.shape, np.float64), where=length > 0)
    square = np.einsum("nd,nd->n", unit, unit)  # 1, or 0 for an empty vector
    diversity = np.full(B, np.nan)
    rows = max(1, BLOCK_CELLS // max(1, K * vectors.shape[1]))
    for start in range(0, B, rows):
        block = items[start : start + rows]
        listed = block != NO_ITEM
        picked = unit[np.maximum(block, 0)] * listed[:, :, None]  # (b, K, D)
        total = picked.sum(axis=1)
        alone = (square[np.maximum(block, 0)] * listed).sum(axis=1)
        n = listed.sum(axis=1)
        cosine = np.einsum("bd,bd->b", total, total) - alone
        pairs = n * (n - 1)
        diversity[start : start + rows] = 1 - np.divide(cosine, pairs, out=np.full(len(block), np.nan), where=pairs > 0)
    return diversity


def _sparse_diversity(items: IntArray, vectors: csr_array) -> NDArray[np.float64]:
    """`intra_list_diversity` of CSR vectors."""
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1), np.float64))
    unit = csr_array(vectors.astype(np.float64))
    unit.data = unit.data / np.repeat(length, np.diff(unit.indptr))
    width = np.concatenate([np.diff(unit.indptr), [0]])  # index NO_ITEM = -1 reads the appended 0
    cost = np.cumsum(width[items].sum(axis=1))
    listed = items != NO_ITEM
    n = listed.sum(axis=1)
    alone = ((np.concatenate([length, [0.0]]) > 0)[items] & listed).sum(axis=1)
    squared = np.full(len(items), np.nan)
    block = cost // BLOCK_CELLS  # groups of lists with about BLOCK_CELLS stored numbers
    edges = np.flatnonzero(np.r_[True, block[1:] != block[:-1], True]) if len(items) else np.zeros(0, np.int64)
    for start, stop in pairwise(edges.tolist()):
        total = csr_array(_listed(items[start:stop], len(length)) @ unit)
        row = np.repeat(np.arange(stop - start), np.diff(total.indptr))
        squared[start:stop] = np.bincount(row, total.data**2, minlength=stop - start)
    pairs = n * (n - 1)
    return 1 - np.divide(squared - alone, pairs, out=np.full(len(items), np.nan), where=pairs > 0)


def _mean_over_list(items: IntArray, of_item: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) mean of a per-item value over each list; nan for an empty list."""
    if not len(of_item) and (items != NO_ITEM).any():
        raise DataError("The lists contain items and the catalogue has none; hand in the figures of every item.")
    listed = items != NO_ITEM
    n = listed.sum(axis=1)
    values = of_item[np.maximum(items, 0)] if len(of_item) else np.zeros(items.shape)
    return np.divide((values * listed).sum(axis=1), n, out=np.full(len(items), np.nan), where=n > 0)
