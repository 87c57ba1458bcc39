"""Fold-in of users: closed form and Newton's method against generic optimisers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.sparse import csr_array

from foretaste.models.factors import logistic_fold_in
from foretaste.models.factors.fold_in import BIAS_SHRINK, PRIOR_RATINGS, ridge_rows
from foretaste.models.factors.logistic_fold_in import LogisticFoldIn


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), D=st.integers(1, 6))
def test_ridge_rows_solve_the_normal_equations(seed: int, D: int) -> None:
    """Short rows go through the other side of the identity; both must be the same optimum."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 12, 5)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    x, e = rng.normal(size=(offsets[-1], D)).astype(np.float32), rng.normal(size=offsets[-1]).astype(np.float32)
    p, bias = ridge_rows(x, offsets, e, 0.1)
    for b, n in enumerate(lengths):
        mine = slice(offsets[b], offsets[b + 1])
        left = e[mine] - x[mine] @ p[b] - bias[b]
        if n == 0:
            assert not p[b].any()
            assert bias[b] == 0
            continue
        np.testing.assert_allclose(x[mine].T @ left, 0.1 * (n + PRIOR_RATINGS) * p[b], atol=1e-4)
        np.testing.assert_allclose(left.sum(), BIAS_SHRINK * bias[b], atol=1e-4)


def a_catalogue(n: int = 30, D: int = 4, scale: float = 1.0, seed: int = 0) -> LogisticFoldIn:
    rng = np.random.default_rng(seed)
    q = rng.normal(0, scale, (n, D)).astype(np.float32)
    offset = rng.normal(-2, 1, n).astype(np.float32)
    return LogisticFoldIn.of(q, offset, rng.integers(1, 50, n).astype(np.float64), 8, 0.005, rng)


def some_people(n: int = 30, B: int = 12, seed: int = 1) -> csr_array:
    rng = np.random.default_rng(seed)
    return csr_array((rng.random((B, n)) < np.linspace(0.03, 0.5, B)[:, None]).astype(np.float32))


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_newton_finds_the_optimum(scale: float) -> None:
    """Also from surprising events, from where an undamped step would leap away."""
    fold_in, taken = a_catalogue(scale=scale), some_people()
    found = fold_in(taken)
    X, b = fold_in.vectors.astype(np.float64), fold_in.offset.astype(np.float64)

    def loss(p: np.ndarray, items: np.ndarray) -> float:
        s = b + X @ p
        away = fold_in.push / len(s) * np.logaddexp(0, s).sum()
        return np.logaddexp(0, -s[items]).mean() + away + (1 + fold_in.push) * fold_in.shrink / 2 * p @ p

    for row in range(taken.shape[0]):
        items = taken.indices[taken.indptr[row] : taken.indptr[row + 1]]
        if not len(items):
            assert not found[row].any()
            continue
        best = minimize(loss, np.zeros(X.shape[1]), args=(items,), tol=1e-10)
        assert loss(found[row].astype(np.float64), items) < best.fun + 2e-3 * (1 + best.fun)


def test_a_sample_stands_for_a_large_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = some_people(n=400, B=6)
    whole = a_catalogue(n=400, scale=0.5)(taken)
    monkeypatch.setattr(logistic_fold_in, "MAX_NEGATIVES", 300)
    sampled = a_catalogue(n=400, scale=0.5)
    assert len(sampled.negatives) == 300
    found = sampled(taken)
    cosine = (whole * found).sum(axis=1) / np.linalg.norm(whole, axis=1) / np.linalg.norm(found, axis=1)
    assert cosine.min() > 0.95
