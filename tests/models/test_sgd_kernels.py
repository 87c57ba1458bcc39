"""Compiled SGD kernels against plain Python versions of the papers' formulas."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from foretaste.models.factors.sgd_kernels import (
    logistic_epoch,
    random_below,
    skipgram_epoch,
    svd_epoch,
    svdpp_epoch,
)

RATE, SHRINK, SHRINK_BIAS, MEAN = (np.float32(x) for x in (0.02, 0.1, 0.05, 3.5))


def some_ratings(seed: int = 0) -> dict[str, np.ndarray]:
    """12 people, 9 items, each person a few different items."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(9)[: rng.integers(0, 7)] for _ in range(12)]
    user = np.repeat(np.arange(12), [len(row) for row in rows]).astype(np.int32)
    item = np.concatenate(rows).astype(np.int32)
    return {
        "user": user,
        "item": item,
        "rating": rng.integers(1, 6, len(user)).astype(np.float32),
        "offsets": np.searchsorted(user, np.arange(13)),
        "p": rng.normal(0, 0.5, (12, 5)).astype(np.float32),
        "q": rng.normal(0, 0.5, (9, 5)).astype(np.float32),
        "y": rng.normal(0, 0.5, (9, 5)).astype(np.float32),
        "user_bias": rng.normal(0, 0.1, 12).astype(np.float32),
        "item_bias": rng.normal(0, 0.1, 9).astype(np.float32),
    }


def test_svd_is_its_formula() -> None:
    fast = some_ratings()
    order = np.random.default_rng(1).permutation(len(fast["user"]))
    p, q, bu, bi = (fast[name].astype(np.float64) for name in ("p", "q", "user_bias", "item_bias"))
    squared = []
    for n in order:
        u, i = fast["user"][n], fast["item"][n]
        e = fast["rating"][n] - (MEAN + bu[u] + bi[i] + p[u] @ q[i])
        squared.append(e**2)
        bu[u] += RATE * (e - SHRINK_BIAS * bu[u])
        bi[i] += RATE * (e - SHRINK_BIAS * bi[i])
        p[u], q[i] = p[u] + RATE * (e * q[i] - SHRINK * p[u]), q[i] + RATE * (e * p[u] - SHRINK * q[i])
    loss = svd_epoch(
        order, fast["user"], fast["item"], fast["rating"], MEAN, fast["p"], fast["q"], fast["user_bias"],
        fast["item_bias"], RATE, SHRINK, SHRINK_BIAS,
    )  # fmt: skip
    assert loss == pytest.approx(np.mean(squared), rel=1e-5)
    for name, plain in {"p": p, "q": q, "user_bias": bu, "item_bias": bi}.items():
        np.testing.assert_allclose(fast[name], plain, rtol=1e-4, atol=1e-6, err_msg=name)


def test_svdpp_moves_every_y_at_every_rating_as_the_paper_does() -> None:
    fast = some_ratings()
    people = np.random.default_rng(1).permutation(12)
    p, q, y, bu, bi = (fast[name].astype(np.float64) for name in ("p", "q", "y", "user_bias", "item_bias"))
    for u in people:
        mine = range(fast["offsets"][u], fast["offsets"][u + 1])
        rated = [fast["item"][n] for n in mine]
        for n in mine:
            i = fast["item"][n]
            root = len(rated) ** -0.5
            z = root * y[rated].sum(axis=0)
            e = fast["rating"][n] - (MEAN + bu[u] + bi[i] + q[i] @ (p[u] + z))
            bu[u] += RATE * (e - SHRINK_BIAS * bu[u])
            bi[i] += RATE * (e - SHRINK_BIAS * bi[i])
            old = q[i].copy()
            q[i] += RATE * (e * (p[u] + z) - SHRINK * old)
            p[u] += RATE * (e * old - SHRINK * p[u])
            for j in rated:
                y[j] += RATE * (e * root * old - SHRINK * y[j])
    svdpp_epoch(
        people, fast["offsets"], fast["item"], fast["rating"], MEAN, fast["p"], fast["q"], fast["y"],
        fast["user_bias"], fast["item_bias"], RATE, SHRINK, SHRINK_BIAS,
    )  # fmt: skip
    for name, plain in {"p": p, "q": q, "y": y, "user_bias": bu, "item_bias": bi}.items():
        np.testing.assert_allclose(fast[name], plain, rtol=1e-4, atol=1e-6, err_msg=name)


def test_logistic_descent_is_its_formula_with_the_same_draws() -> None:
    fast = some_ratings()
    mean, m = np.array([0.2], np.float32), 3
    order = np.random.default_rng(1).permutation(len(fast["user"]))
    p, q, bu, bi = (fast[name].astype(np.float64) for name in ("p", "q", "user_bias", "item_bias"))
    b, draws = 0.2, np.array([77], np.uint64)
    for n in order:
        u = fast["user"][n]
        for i, real in [(fast["item"][n], 1), *((None, 0) for _ in range(m))]:
            i = random_below(draws, 9) if i is None else i
            e = real - 1 / (1 + np.exp(-(b + bu[u] + bi[i] + p[u] @ q[i])))
            b += RATE * (e - SHRINK * b)
            bu[u] += RATE * (e - SHRINK * bu[u])
            bi[i] += RATE * (e - SHRINK * bi[i])
            p[u], q[i] = p[u] + RATE * (e * q[i] - SHRINK * p[u]), q[i] + RATE * (e * p[u] - SHRINK * q[i])
    logistic_epoch(
        order, fast["user"], fast["item"], m, fast["p"], fast["q"], fast["user_bias"], fast["item_bias"], mean,
        RATE, SHRINK, np.array([77], np.uint64),
    )  # fmt: skip
    assert mean[0] == pytest.approx(b, rel=1e-4)
    for name, plain in {"p": p, "q": q, "user_bias": bu, "item_bias": bi}.items():
        np.testing.assert_allclose(fast[name], plain, rtol=1e-4, atol=1e-6, err_msg=name)


def test_skipgram_is_its_formula_with_the_same_draws() -> None:
    fast = some_ratings()
    noise, window, m = np.array([0, 1, 1, 2, 5, 8], np.int32), 2, 2
    people = np.random.default_rng(1).permutation(12)
    v, c = fast["p"][:9].astype(np.float64), fast["q"].astype(np.float64)
    draws = np.array([5], np.uint64)
    for u in people:
        events = fast["item"][fast["offsets"][u] : fast["offsets"][u + 1]]
        for a, i in enumerate(events):
            reach = 1 + random_below(draws, window)
            for at in range(max(0, a - reach), min(len(events), a + reach + 1)):
                if events[at] == i:
                    continue
                moved = np.zeros(5)
                for draw in range(m + 1):
                    j = events[at] if draw == 0 else noise[random_below(draws, len(noise))]
                    if draw and j == events[at]:
                        continue
                    e = (draw == 0) - 1 / (1 + np.exp(-v[i] @ c[j]))
                    moved += RATE * e * c[j]
                    c[j] += RATE * e * v[i]
                v[i] += moved
    fast_v = fast["p"][:9].copy()
    skipgram_epoch(
        people, fast["offsets"], fast["item"], window, noise, m, fast_v, fast["q"], RATE, np.array([5], np.uint64)
    )
    np.testing.assert_allclose(fast_v, v, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fast["q"], c, rtol=1e-4, atol=1e-6)


def test_draws_are_even() -> None:
    state = np.array([1], np.uint64)
    drawn = np.array([random_below(state, 7) for _ in range(14_000)])
    counts = np.bincount(drawn, minlength=7)
    assert counts.sum() == 14_000
    assert len(counts) == 7
    assert (((counts - 2000) ** 2) / 2000).sum() < 22.5  # chi squared of 6, one in a thousand


def test_empty_data_is_no_error() -> None:
    fast = some_ratings()
    nobody = np.empty(0, np.int64)
    before = fast["q"].copy()
    svd_epoch(
        nobody, fast["user"], fast["item"], fast["rating"], MEAN, fast["p"], fast["q"], fast["user_bias"],
        fast["item_bias"], RATE, SHRINK, SHRINK_BIAS,
    )  # fmt: skip
    np.testing.assert_array_equal(before, fast["q"])
