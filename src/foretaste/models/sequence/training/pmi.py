"""Initial item embeddings from co-occurrence: the leading factors of the matrix of pointwise mutual information.

Skip-gram with negative sampling implicitly factorises this matrix (Levy & Goldberg, NIPS 2014). A network that starts
from its factors need not learn co-occurrence by gradient descent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import eigsh

if TYPE_CHECKING:
    from foretaste.types import FloatArray, History

GAP_WEIGHTS = (1.0, 0.7, 0.5, 0.3, 0.2)
"""Weight of a pair of events that are 1, 2, 3, … positions apart; farther pairs do not count."""
CONTEXT_SMOOTHING = 0.75
"""Exponent α of context counts (Levy et al., TACL 2015): reduces the bias of PMI towards rare items."""
EIGENVALUE_TOLERANCE = 1e-3
"""Relative error of the eigenvalues: half the time, and products that agree to seven digits."""
ROW_SCALE = 0.1
"""Root mean square of the entries. Rows three times as long train as slowly as random ones (docs/log.md)."""
MAX_PAIRS = 50_000_000
"""With more pairs than this, the larger gaps are not counted: the matrix has to fit into memory."""


def pmi_factors(history: History, n_items: int, width: int) -> FloatArray | None:
    """(n_items, width) float32 V √Λ: the largest eigenvalues Λ and their eigenvectors V of the symmetrised PPMI matrix.

    PPMI(i, j) = max(0, log (n_ij · Σ_k n_k^α / (n_i · n_j^α))) (Levy & Goldberg 2014; α: Levy et al.
    2015). Scaled to a root mean square of ROW_SCALE over the items with any co-occurrence; the rows of the others are
    0. Returns None where the catalogue is too small for so many factors, or no items co-occur.
    """
    if n_items <= width + 1:
        return None
    counts = _counts(history, n_items)
    total = np.asarray(counts.sum(1)).ravel()
    smooth = total**CONTEXT_SMOOTHING
    pairs = counts.tocoo()
    if not pairs.nnz:
        return None
    with np.errstate(divide="ignore"):
        value = np.log(pairs.data * smooth.sum() / (total[pairs.row] * smooth[pairs.col]))
    keep = value > 0
    positive = csr_matrix((value[keep], (pairs.row[keep], pairs.col[keep])), (n_items, n_items))
    begin = np.random.default_rng(0).standard_normal(n_items)  # independent of the seed: the solution is unique
    values, vectors = eigsh((positive + positive.T) / 2, width, which="LA", v0=begin, tol=EIGENVALUE_TOLERANCE)
    rows = vectors * np.sqrt(np.maximum(values, 0))
    isolated = total == 0
    rows[isolated] = 0
    size = np.sqrt(np.mean(rows[~isolated] ** 2))
    return (rows * (ROW_SCALE / size)).astype(np.float32) if size > 0 else None


def _counts(history: History, n_items: int) -> csr_matrix:
    """(n_items, n_items) symmetric co-occurrence counts n_ij within histories, weighted by GAP_WEIGHTS."""
    row = np.repeat(np.arange(len(history.offsets) - 1), history.lengths)
    weights = GAP_WEIGHTS[: max(1, MAX_PAIRS // max(1, len(row)))]
    counts = csr_matrix((n_items, n_items))
    for gap, weight in enumerate(weights, start=1):
        before, after = history.items[:-gap], history.items[gap:]
        pairs = (row[gap:] == row[:-gap]) & (before != after)
        cells = before[pairs], after[pairs]
        counts = counts + csr_matrix((np.full(len(cells[0]), weight), cells), (n_items, n_items))
    return counts + counts.T
