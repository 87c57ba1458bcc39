"""Operations on matrices of item vectors: unit length, whitening, truncated SVD."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from foretaste.types import FloatArray

OVERSAMPLING, POWER_ITERATIONS = 16, 3


class Whitening(NamedTuple):
    """x ↦ (x − mean) · turn, scaled to length 1; 0 where x is 0.

    turn = S^(−1/2) with S = (1 − ρ) D Σ / tr Σ + ρ I, the covariance Σ of the vectors shrunk towards the identity.
    Embeddings of language models lie in a narrow cone (Ethayarajh 2019); whitening makes their cosines more telling
    (Su et al. 2021).

    mean : (D,) float32; turn : (D, D) float32
    """

    mean: FloatArray
    turn: FloatArray

    @classmethod
    def of(cls, vectors: FloatArray, shrinkage: float) -> Whitening:
        """Fit to vectors (n, D), ignoring rows of zeros.

        shrinkage : ρ, 0 to 1; 1 only subtracts the mean
        """
        nonzero = vectors[vectors.any(axis=1)].astype(np.float64)
        D = vectors.shape[1]
        mean = nonzero.mean(axis=0) if len(nonzero) else np.zeros(D)
        covariance = nonzero.T @ nonzero / max(1, len(nonzero)) - np.outer(mean, mean)
        shrunk = (1 - shrinkage) * covariance / max(float(np.trace(covariance)), 1e-12) * D + shrinkage * np.eye(D)
        size, direction = np.linalg.eigh(shrunk)
        turn = (direction / np.sqrt(np.maximum(size, 1e-9))) @ direction.T
        return cls(mean.astype(np.float32), turn.astype(np.float32))

    def __call__(self, vectors: FloatArray) -> FloatArray:
        """(n, D) whitened vectors."""
        turned = ((vectors - self.mean) @ self.turn).astype(np.float32, copy=False)
        turned[~vectors.any(axis=1)] = 0
        return unit_rows(turned)


def unit_rows(vectors: FloatArray) -> FloatArray:
    """(n, D) rows scaled to Euclidean length 1; a row of zeros stays 0."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return scaled


def truncated_svd(rows: csr_array, k: int, rng: np.random.Generator) -> FloatArray:
    """(m, ≤ k) float32: the first k right singular vectors of sparse rows (n, m), orthonormal columns.

    Randomised, with power iterations (Halko, Martinsson & Tropp 2011, algorithm 4.4); the same seed gives bit-equal
    results, which ARPACK does not.
    """
    width = min(k + OVERSAMPLING, *rows.shape)
    near = np.linalg.qr(rows @ rng.standard_normal((rows.shape[1], width)).astype(np.float32))[0]
    for _ in range(POWER_ITERATIONS):
        near = np.linalg.qr(rows @ np.linalg.qr(rows.T @ near)[0])[0]
    return np.ascontiguousarray(np.linalg.svd((rows.T @ near).T, full_matrices=False)[2][:k].T.astype(np.float32))
