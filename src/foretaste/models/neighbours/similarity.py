"""Similarities of sparse binary vectors: items as sets of users, or users as sets of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from foretaste.types import FloatArray

Similarity = Literal["cosine", "tfidf", "bm25", "jaccard"]
"""
cosine  : Σ_f 1 / (√(|a| |b|) + shrinkage), over the common features f
tfidf   : the same with idf_f² for each 1, in numerator and sizes
bm25    : Σ_f idf_f² s_a s_b, with s_a = (k1 + 1) / (k1 (1 − b + b |a| / mean) + 1) (Robertson & Zaragoza 2009)
jaccard : Σ_f 1 / (|a| + |b| − Σ_f 1 + shrinkage)

idf_f = log n − log(1 + n_f), where n_f of n vectors have f; |a| is the number of features of a.
"""
K1, B = 1.2, 0.75
"""The usual constants of BM25."""
_TINY = 1e-9


def feature_weights(similarity: Similarity, frequency: NDArray[np.generic], n: int) -> FloatArray:
    """(F,) float32 weight of each feature: idf² for tfidf and bm25, else 1.

    frequency : (F,) how many of the n vectors have the feature
    """
    if similarity in ("cosine", "jaccard"):
        return np.ones(len(frequency), np.float32)
    idf = np.maximum(np.log(max(n, 1)) - np.log1p(frequency), 0)
    return np.asarray(idf**2, np.float32)


def row_sizes(similarity: Similarity, rows: csr_array, weights: FloatArray) -> FloatArray:
    """(n,) float32 |a| of each row; for tfidf the sum of its feature weights.

    rows    : (n, F) CSR of ones
    weights : (F,) `feature_weights`
    """
    count: FloatArray = np.diff(rows.indptr).astype(np.float32)
    return np.asarray(rows @ weights, np.float32) if similarity == "tfidf" else count


def pair_similarity(
    similarity: Similarity, overlap: FloatArray, a: FloatArray, b: FloatArray, *, shrinkage: float, mean: float
) -> FloatArray:
    """Elementwise similarity of pairs.

    overlap : summed weights of the common features
    a, b    : sizes of the two vectors (`row_sizes`)
    mean    : mean size in the training data, for bm25
    """
    shrunk = np.float32(shrinkage + _TINY)
    if similarity == "bm25":
        return np.asarray(overlap * _saturated(a, mean) * _saturated(b, mean), np.float32)
    if similarity == "jaccard":
        return np.asarray(overlap / (a + b - overlap + shrunk), np.float32)
    return np.asarray(overlap / (np.sqrt(a * b) + shrunk), np.float32)


def _saturated(size: FloatArray, mean: float) -> FloatArray:
    length = size / np.float32(max(mean, _TINY))
    return np.asarray((K1 + 1) / (K1 * (1 - B + B * length) + 1), np.float32)
