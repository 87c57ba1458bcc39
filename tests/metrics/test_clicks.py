"""Click measures against scikit-learn, against counting every pair, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss as sk_log_loss
from sklearn.metrics import roc_auc_score

from foretaste.errors import DataError
from foretaste.metrics.clicks import auc, expected_calibration_error, gauc, log_loss


def random_events(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = int(rng.integers(2, 60))
    scores = rng.integers(0, 12, n) / 11 if rng.random() < 0.5 else rng.random(n)  # half of the cases full of ties
    return scores, rng.integers(0, 2, n), rng.integers(0, 5, n)


def plain_auc(scores: np.ndarray, clicked: np.ndarray) -> float:
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[clicked == 1] for b in scores[clicked == 0]]
    return float(np.mean(pairs)) if pairs else math.nan


def test_random_cases_agree_with_scikit_learn_and_with_counting_pairs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores, clicked, group = random_events(rng)
        assert auc(scores, clicked) == pytest.approx(plain_auc(scores, clicked), abs=1e-9, nan_ok=True)
        if 0 < clicked.sum() < len(clicked):
            assert auc(scores, clicked) == pytest.approx(roc_auc_score(clicked, scores), abs=1e-9)
        inside = np.clip(scores, 1e-12, 1 - 1e-12)
        assert log_loss(inside, clicked) == pytest.approx(sk_log_loss(clicked, inside, labels=[0, 1]), abs=1e-9)
        total = events = 0.0
        for g in np.unique(group):
            mine = group == g
            if not math.isnan(one := plain_auc(scores[mine], clicked[mine])):
                total, events = total + one * mine.sum(), events + mine.sum()
        expected = total / events if events else math.nan
        assert gauc(scores, clicked, group) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_calibration_is_the_mean_gap_per_step() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        scores, clicked, _ = random_events(rng)
        bins = int(rng.integers(1, 12))
        plain = 0.0
        for step in range(bins):
            mine = [i for i, s in enumerate(scores) if min(int(s * bins), bins - 1) == step]
            if mine:
                plain += len(mine) / len(scores) * abs(scores[mine].mean() - clicked[mine].mean())
        assert expected_calibration_error(scores, clicked, bins=bins) == pytest.approx(plain, abs=1e-9)


def test_an_honest_predictor_is_calibrated_and_a_boastful_one_is_not() -> None:
    rng = np.random.default_rng(2)
    chance = rng.random(50_000)
    clicked = rng.random(50_000) < chance
    assert expected_calibration_error(chance, clicked) < 0.01
    assert expected_calibration_error(np.sqrt(chance), clicked) > 0.1


def test_cases_worked_by_hand() -> None:
    clicked = np.array([1, 0, 1, 0])
    assert auc(np.array([0.9, 0.8, 0.7, 0.6]), clicked) == 0.75
    assert auc(np.full(4, 0.5), clicked) == 0.5
    assert auc(-np.array([0.9, 0.1, 0.9, 0.1]), clicked) == 0
    assert log_loss(np.full(4, 0.5), clicked) == pytest.approx(math.log(2))
    assert log_loss(np.array([0.0, 1.0, 0.0, 1.0]), clicked) == pytest.approx(-math.log(1e-15), rel=1e-3)
    assert math.isnan(auc(np.ones(2), np.ones(2)))
    # Each person's own order is right, the scales of the two differ: only the AUC over everybody suffers.
    scores, person = np.array([0.9, 0.8, 0.3, 0.1]), np.array([0, 0, 1, 1], np.int32)
    assert gauc(scores, clicked, person) == 1
    assert math.isnan(gauc(scores, clicked, np.arange(4)))


def test_mistakes_are_named() -> None:
    good, labels = np.array([0.1, 0.9]), np.array([0, 1])
    with pytest.raises(DataError, match="do not pair up"):
        auc(good, labels[:1])
    with pytest.raises(DataError, match="1 of 2 events have no score"):
        auc(np.array([0.1, np.nan]), labels)
    with pytest.raises(DataError, match="with a threshold"):
        auc(good, np.array([1, 5]))
    with pytest.raises(DataError, match="sigmoid"):
        log_loss(np.array([-2.0, 3.0]), labels)
    with pytest.raises(DataError, match="give each event one"):
        gauc(good, labels, np.array([1], np.int32))
    with pytest.raises(DataError, match="at least one step"):
        expected_calibration_error(good, labels, bins=0)
