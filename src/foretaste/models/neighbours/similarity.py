"""How alike two things are that share features: items that share people, or people who share items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from foretaste.types import FloatArray

Similarity = Literal["cosine", "tfidf", "bm25", "jaccard"]
"""
cosine  : Σ_f 1 / (√(|a| |b|) + shrinkage), over the features f both have
tfidf   : the same with idf_f² for each 1, in the sums below as above: a feature everybody has says little
bm25    : Σ_f idf_f² s_a s_b, with s_a = (k1 + 1) / (k1 (1 − b + b |a| / mean) + 1) (Robertson & Zaragoza 2009)
jaccard : Σ_f 1 / (|a| + |b| − Σ_f 1 + shrinkage)
idf_f = log n − log(1 + how many of n have f), and |a| is how many features a has.
"""
K1, B = 1.2, 0.75
"""The constants of BM25, as everybody uses them."""
_TINY = 1e-9


def feature_weights(similarity: Similarity, having: NDArray[np.generic], n: int) -> FloatArray:
    """(F,) what sharing each feature is worth.

    having : (F,) how many of the n things have the feature
    """
    if similarity in ("cosine", "jaccard"):
        return np.ones(len(having), np.float32)
    idf = np.maximum(np.log(max(n, 1)) - np.log1p(having), 0)
    return np.asarray(idf**2, np.float32)


def sizes(similarity: Similarity, rows: csr_array, weights: FloatArray) -> FloatArray:
    """(n,) |a| of each row of features; for tfidf in the weights of its features."""
    count: FloatArray = np.diff(rows.indptr).astype(np.float32)
    return np.asarray(rows @ weights, np.float32) if similarity == "tfidf" else count


def alike(
    similarity: Similarity, met: FloatArray, a: FloatArray, b: FloatArray, *, shrinkage: float, mean: float
) -> FloatArray:
    """Elementwise similarity of pairs.

    met  : summed weights of the features both have
    a, b : their sizes, see `sizes`
    mean : mean size in the training data, for bm25
    """
    shrunk = np.float32(shrinkage + _TINY)
    if similarity == "bm25":
        return np.asarray(met * _saturated(a, mean) * _saturated(b, mean), np.float32)
    if similarity == "jaccard":
        return np.asarray(met / (a + b - met + shrunk), np.float32)
    return np.asarray(met / (np.sqrt(a * b) + shrunk), np.float32)


def _saturated(size: FloatArray, mean: float) -> FloatArray:
    length = size / np.float32(max(mean, _TINY))
    return np.asarray((K1 + 1) / (K1 * (1 - B + B * length) + 1), np.float32)
