"""10,000 small random cases for each measure that has its own file, against formulas written as plainly as can be.

The measures of ranked lists have theirs in test_ranking.py, those of one list beyond accuracy in test_beyond.py.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from foretaste.metrics.beyond_accuracy import catalogue_coverage, exposure, gini, intra_list_diversity
from foretaste.metrics.clicks import auc, expected_calibration_error, gauc, log_loss
from foretaste.metrics.rating import mae, mse, rmse
from foretaste.types import NO_ITEM

PARTS = range(10)
CASES = 1000


def plain_auc(scores: list[float], clicked: list[int]) -> float:
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a, c in zip(scores, clicked, strict=True)
        if c
        for b, d in zip(scores, clicked, strict=True)
        if not d
    ]
    return sum(pairs) / len(pairs) if pairs else math.nan


def plain_gauc(scores: list[float], clicked: list[int], group: list[int]) -> float:
    found = weight = 0.0
    for g in set(group):
        mine = [(s, c) for s, c, of in zip(scores, clicked, group, strict=True) if of == g]
        one = plain_auc([s for s, _ in mine], [c for _, c in mine])
        if not math.isnan(one):
            found, weight = found + one * len(mine), weight + len(mine)
    return found / weight if weight else math.nan


def plain_calibration(scores: list[float], clicked: list[int], bins: int) -> float:
    gaps = [0.0] * bins
    for s, c in zip(scores, clicked, strict=True):
        gaps[min(int(s * bins), bins - 1)] += s - c
    return sum(abs(gap) for gap in gaps) / len(scores)


@pytest.mark.parametrize("part", PARTS)
def test_clicks(part: int) -> None:
    rng = np.random.default_rng(part)
    for _ in range(CASES):
        n = int(rng.integers(1, 10))
        scores = rng.integers(0, 8, n) / 7  # ties, and chances of 0 and 1
        clicked, group = rng.integers(0, 2, n), rng.integers(0, 3, n)
        s, c, g = scores.tolist(), clicked.tolist(), group.tolist()
        given = [min(max(p if hit else 1 - p, 1e-15), 1 - 1e-15) for p, hit in zip(s, c, strict=True)]
        for found, plain in (
            (auc(scores, clicked), plain_auc(s, c)),
            (gauc(scores, clicked, group), plain_gauc(s, c, g)),
            (expected_calibration_error(scores, clicked, bins=4), plain_calibration(s, c, 4)),
            (log_loss(scores, clicked), -sum(map(math.log, given)) / n),
        ):
            assert abs(found - plain) < 1e-9 or (math.isnan(found) and math.isnan(plain))


@pytest.mark.parametrize("part", PARTS)
def test_ratings(part: int) -> None:
    rng = np.random.default_rng(part)
    for _ in range(CASES):
        n = int(rng.integers(1, 12))
        predicted, true = rng.normal(3, 1, n), rng.integers(1, 6, n).astype(np.float64)
        errors = [p - t for p, t in zip(predicted.tolist(), true.tolist(), strict=True)]
        squared = sum(e * e for e in errors) / n
        assert abs(mse(predicted, true) - squared) < 1e-9
        assert abs(rmse(predicted, true) - math.sqrt(squared)) < 1e-9
        assert abs(mae(predicted, true) - sum(map(abs, errors)) / n) < 1e-9


@pytest.mark.parametrize("part", PARTS)
def test_the_catalogue_as_a_whole(part: int) -> None:
    rng = np.random.default_rng(part)
    for _ in range(CASES):
        n, B, K = int(rng.integers(1, 9)), int(rng.integers(0, 4)), int(rng.integers(1, 4))
        lists = [rng.permutation(n)[: rng.integers(0, K + 1)].tolist() for _ in range(B)]
        items = np.array([row + [NO_ITEM] * (K - len(row)) for row in lists], np.int32).reshape(B, K)
        counts = [sum(row.count(i) for row in lists) for i in range(n)]
        assert exposure(items, n).tolist() == counts
        assert abs(catalogue_coverage(items, n) - sum(c > 0 for c in counts) / n) < 1e-9
        total = sum(counts)
        if total:
            plain = sum(abs(a - b) for a in counts for b in counts) / (2 * n * total)
            assert abs(gini(np.array(counts)) - plain) < 1e-9
        else:
            assert math.isnan(gini(np.array(counts)))


@pytest.mark.parametrize("part", PARTS)
def test_diversity(part: int) -> None:
    rng = np.random.default_rng(part)
    n, K = 9, 4
    vectors = rng.integers(-2, 3, (n, 3)).astype(np.float64)  # some are 0, some opposite, some alike
    length = [math.hypot(*row) for row in vectors.tolist()]
    rows = [rng.permutation(n)[: rng.integers(0, K + 1)].tolist() for _ in range(CASES)]
    items = np.array([row + [NO_ITEM] * (K - len(row)) for row in rows], np.int32)
    for row, found in zip(rows, intra_list_diversity(items, vectors).tolist(), strict=True):
        apart = [
            1 - (float(vectors[i] @ vectors[j]) / (length[i] * length[j]) if length[i] * length[j] else 0.0)
            for i, j in combinations(row, 2)
        ]
        if apart:
            assert abs(found - sum(apart) / len(apart)) < 1e-9
        else:
            assert math.isnan(found)
