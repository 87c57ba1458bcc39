"""`ials` against the normal equations, against `implicit`, and against its own loss."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix

import worlds
from foretaste.models.factors import least_squares
from foretaste.models.factors.ials import IALS, IALSConfig
from foretaste.models.factors.least_squares import LeastSquares
from foretaste.types import Run


def row_by_row(X: np.ndarray, side: LeastSquares) -> np.ndarray:
    """The same factors by one dense system per row."""
    H = side.factors.astype(np.float64)
    found = np.zeros((len(X), H.shape[1]))
    for b, x in enumerate(X):
        if x.any():
            taken = H[x > 0]
            penalty = side.strength * (len(taken) + side.unobserved * len(H)) ** side.exponent
            A = taken.T @ taken + side.unobserved * H.T @ H + penalty * np.eye(H.shape[1])
            found[b] = np.linalg.solve(A, taken.sum(axis=0))
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([50, 1 << 20]))
def test_a_half_step_solves_each_row(seed: int, factors: int, exponent: float, cells: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 25))
    X = (rng.random((12, n)) < rng.random((12, 1))).astype(np.float32)  # from empty rows to full ones
    side = LeastSquares(rng.normal(size=(n, factors)).astype(np.float32), 0.3, 0.1, exponent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(least_squares, "BLOCK_CELLS", cells)
        found = side.solve(csr_array(X))
    np.testing.assert_allclose(found, row_by_row(X, side), rtol=1e-2, atol=1e-3)


def test_a_person_is_folded_in_as_implicit_does() -> None:
    als: Any = pytest.importorskip("implicit.cpu.als")
    data = worlds.parity()
    X = data.matrix()
    ours = IALS(IALSConfig(factors=8, unobserved_weight=0.2, regularisation=0.5, frequency_exponent=0.0, epochs=3))
    side = ours.fit(data, Run()).items
    assert side is not None
    # Their loss is ours / α₀, with confidence 1 + 1 / α₀ of target 1 for 1 / α₀ of target 1: the same vectors, longer.
    theirs = als.AlternatingLeastSquares(factors=8, regularization=0.5 / 0.2, num_threads=1)
    theirs.item_factors = side.factors
    known = theirs.recalculate_user(np.arange(data.n_users), csr_matrix(X) * (1 + 1 / 0.2))
    np.testing.assert_allclose(side.solve(X) * (1 + 0.2), known, rtol=1e-2, atol=1e-4)


def loss(X: np.ndarray, model: IALS) -> float:
    side, config = model.items, model.config
    assert side is not None
    H = side.factors.astype(np.float64)
    W = side.solve(csr_array(X)).astype(np.float64)
    scores, alpha, nu = W @ H.T, config.unobserved_weight, config.frequency_exponent
    of_people = ((X.sum(axis=1) + alpha * len(H)) ** nu * (W**2).sum(axis=1)).sum()
    of_items = ((X.sum(axis=0) + alpha * len(W)) ** nu * (H**2).sum(axis=1)).sum()
    fit = (X * (scores - 1) ** 2).sum() + alpha * (scores**2).sum()
    return float(fit + config.regularisation * (of_people + of_items))


def test_every_epoch_lowers_the_loss() -> None:
    data = worlds.popularity(n_users=80)
    X = data.matrix().toarray()
    losses = [
        loss(X, IALS(IALSConfig(factors=6, epochs=epochs, regularisation=0.05)).fit(data, Run()))
        for epochs in (1, 2, 4, 8, 16)
    ]
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(losses))
    assert losses[-1] < losses[0]
