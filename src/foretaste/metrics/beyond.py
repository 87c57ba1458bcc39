"""What accuracy does not see: how much of the catalogue is offered, how surprising, how varied, how fairly.

items : (B, K) ranked item codes, NO_ITEM padded
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.types import FloatArray, IntArray

BLOCK_CELLS = 1 << 22
"""Numbers of item vectors held at once: 4 million, 32 MB."""


def exposure(items: IntArray, n_items: int) -> NDArray[np.int64]:
    """(n_items,) in how many lists each item stands."""
    return np.bincount(items[items != NO_ITEM], minlength=n_items).astype(np.int64)


def catalogue_coverage(items: IntArray, n_items: int) -> float:
    """Share of the catalogue that is offered to at least one person; 0 for an empty catalogue."""
    return float((exposure(items, n_items) > 0).mean()) if n_items else 0.0


def gini(amounts: NDArray[np.integer] | NDArray[np.floating]) -> float:
    """How unevenly (n,) amounts ≥ 0 are shared: 0 when all have the same, (n − 1) / n when one has everything.

    With `exposure` it says how few items get the attention. nan where there is nothing to share.
    """
    shares = np.sort(np.asarray(amounts, np.float64))
    n, total = len(shares), shares.sum()
    if total <= 0:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ shares / (n * total))


def novelty(items: IntArray, popularity: FloatArray | NDArray[np.integer]) -> NDArray[np.float64]:
    """Mean self-information of each list in bits, −log2(share of all events); nan for an empty list.

    popularity : (n_items,) events per item in the training part. One event is added to each, so that an item nobody
                 took is very surprising rather than infinitely so
    """
    counts = np.asarray(popularity, np.float64) + 1
    return _mean_over_list(items, -np.log2(counts / counts.sum()))


def popularity_bias(items: IntArray, popularity: FloatArray | NDArray[np.integer]) -> NDArray[np.float64]:
    """Mean popularity percentile of each list: 0.5 when items are drawn evenly, near 1 when only hits are offered.

    popularity : (n_items,) events per item; items equally popular share the middle of their percentiles
    """
    _, level, size = np.unique(np.asarray(popularity), return_inverse=True, return_counts=True)
    below = np.cumsum(size) - size
    percentile = (below + size / 2) / max(1, len(level))
    return _mean_over_list(items, percentile[level])


def intra_list_diversity(items: IntArray, vectors: FloatArray) -> NDArray[np.float64]:
    """(B,) mean cosine distance, 1 − cosine, between any two items of a list; nan with fewer than two items.

    vectors : (n_items, D); an item whose vector is 0 is at distance 1 from every other
    """
    B, K = items.shape
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros(vectors.shape, np.float64), where=length > 0)
    square = np.einsum("nd,nd->n", unit, unit)  # 1, or 0 for an empty vector
    found = np.full(B, np.nan)
    rows = max(1, BLOCK_CELLS // max(1, K * vectors.shape[1]))
    for start in range(0, B, rows):
        block = items[start : start + rows]
        listed = block != NO_ITEM
        picked = unit[np.maximum(block, 0)] * listed[:, :, None]  # (b, K, D)
        # The sum over all pairs is the squared length of the sum, less every item with itself: K D, not K² D.
        total = picked.sum(axis=1)
        alone = (square[np.maximum(block, 0)] * listed).sum(axis=1)
        n = listed.sum(axis=1)
        cosine = np.einsum("bd,bd->b", total, total) - alone
        pairs = n * (n - 1)
        found[start : start + rows] = 1 - np.divide(cosine, pairs, out=np.full(len(block), np.nan), where=pairs > 0)
    return found


def _mean_over_list(items: IntArray, of_item: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) mean of a figure per item over each list; nan for an empty list."""
    if not len(of_item) and (items != NO_ITEM).any():
        raise DataError("The lists name items and the catalogue has none; hand in the figures of every item.")
    listed = items != NO_ITEM
    n = listed.sum(axis=1)
    values = of_item[np.maximum(items, 0)] if len(of_item) else np.zeros(items.shape)
    return np.divide((values * listed).sum(axis=1), n, out=np.full(len(items), np.nan), where=n > 0)
