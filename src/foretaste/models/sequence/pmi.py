"""Rows of items to begin learning with: items that people take near one another begin near one another.

What word2vec learns pair by pair has a closed form, the factors of the matrix of pointwise mutual information (Levy &
Goldberg, NIPS 2014). A network that begins there need not find by gradients what can be counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import eigsh

if TYPE_CHECKING:
    from foretaste.types import FloatArray, History

NEAR = (1.0, 0.7, 0.5, 0.3, 0.2)
"""What a pair counts whose events stand 1, 2, 3, … places apart."""
SMOOTH = 0.75
"""The power of how often an item is met, as context: rare items are not made special by chance."""
ENOUGH = 1e-3
"""Relative error of the eigenvalues: half the time, and products that agree to seven digits."""
SIZE = 0.1
"""Measured (docs/log.md): rows three times as long are learned from as slowly as random ones."""
MOST_PAIRS = 50_000_000
"""Of more events, only nearer pairs are counted: the matrix has to fit into memory."""


def pmi_factors(history: History, n_items: int, width: int) -> FloatArray | None:
    """(n_items, width) float32: rows whose products say how much more often than by chance two items stand together.

    PMI(i, j) = log (n_ij · Σ_k n_k^α / (n_i · n_j^α)), where above 0; of it V √Λ, the greatest eigenvalues. Their
    root mean square is SIZE over the items that stand near any; of the others the rows are 0. None where the catalogue
    is too small for so many factors.
    """
    if n_items <= width + 1:
        return None
    counts = _counts(history, n_items)
    total = np.asarray(counts.sum(1)).ravel()
    smooth = total**SMOOTH
    pairs = counts.tocoo()
    if not pairs.nnz:
        return None
    with np.errstate(divide="ignore"):
        value = np.log(pairs.data * smooth.sum() / (total[pairs.row] * smooth[pairs.col]))
    keep = value > 0
    positive = csr_matrix((value[keep], (pairs.row[keep], pairs.col[keep])), (n_items, n_items))
    begin = np.random.default_rng(0).standard_normal(n_items)  # the same whatever the seed: what is sought is given
    values, vectors = eigsh((positive + positive.T) / 2, width, which="LA", v0=begin, tol=ENOUGH)
    found = vectors * np.sqrt(np.maximum(values, 0))
    alone = total == 0
    found[alone] = 0
    size = np.sqrt(np.mean(found[~alone] ** 2))
    return (found * (SIZE / size)).astype(np.float32) if size > 0 else None


def _counts(history: History, n_items: int) -> csr_matrix:
    """(n_items, n_items) n_ij, symmetric: how often i and j stand near one another in somebody's history."""
    row = np.repeat(np.arange(len(history.offsets) - 1), history.lengths)
    weights = NEAR[: max(1, MOST_PAIRS // max(1, len(row)))]
    found = csr_matrix((n_items, n_items))
    for gap, weight in enumerate(weights, start=1):
        before, after = history.items[:-gap], history.items[gap:]
        pairs = (row[gap:] == row[:-gap]) & (before != after)
        places = before[pairs], after[pairs]
        found = found + csr_matrix((np.full(len(places[0]), weight), places), (n_items, n_items))
    return found + found.T
