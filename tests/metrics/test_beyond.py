"""Coverage, novelty, diversity and evenness against their formulas written the slow way, and cases worked by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from foretaste.errors import DataError
from foretaste.metrics import beyond
from foretaste.metrics.beyond import (
    catalogue_coverage,
    exposure,
    gini,
    intra_list_diversity,
    novelty,
    popularity_bias,
)
from foretaste.types import NO_ITEM

LISTS = np.array([[0, 1, 2], [0, 3, NO_ITEM], [NO_ITEM, NO_ITEM, NO_ITEM]], np.int32)


def random_lists(rng: np.random.Generator, B: int, K: int, n_items: int) -> np.ndarray:
    items = np.stack([rng.permutation(n_items)[:K] for _ in range(B)]).astype(np.int32)
    return np.where(np.arange(K) < rng.integers(0, K + 1, (B, 1)), items, np.int32(NO_ITEM))


def test_coverage_and_exposure_count_each_item_once_per_list_and_no_padding() -> None:
    assert exposure(LISTS, 6).tolist() == [2, 1, 1, 1, 0, 0]
    assert catalogue_coverage(LISTS, 6) == pytest.approx(4 / 6)
    assert catalogue_coverage(LISTS[2:], 6) == 0
    assert catalogue_coverage(LISTS[2:], 0) == 0


def test_gini_is_the_mean_difference_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        amounts = rng.integers(0, 9, rng.integers(1, 20))
        if not amounts.sum():
            continue
        plain = sum(abs(int(a) - int(b)) for a in amounts for b in amounts) / (2 * len(amounts) * amounts.sum())
        assert gini(amounts) == pytest.approx(plain, abs=1e-12)
    assert gini(np.full(7, 3)) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 5])) == pytest.approx(3 / 4)
    assert math.isnan(gini(np.zeros(3)))


def test_novelty_is_mean_self_information() -> None:
    # Counts 7, 3, 3, 0, each with one event added: shares 8/16 ... of 8 + 4 + 4 + 1 = 17.
    popularity = np.array([7, 3, 3, 0])
    found = novelty(LISTS, popularity)
    bits = [-math.log2(count / 17) for count in (8, 4, 4, 1)]
    assert found[0] == pytest.approx((bits[0] + bits[1] + bits[2]) / 3)
    assert found[1] == pytest.approx((bits[0] + bits[3]) / 2)
    assert math.isnan(found[2])
    with pytest.raises(DataError, match="hand in the figures"):
        novelty(LISTS, np.empty(0))


def test_popularity_bias_of_even_draws_is_a_half_and_of_hits_near_one() -> None:
    rng = np.random.default_rng(1)
    popularity = rng.integers(0, 20, 500)  # many items share a level
    even = popularity_bias(random_lists(rng, 4000, 10, 500), popularity)
    assert np.nanmean(even) == pytest.approx(0.5, abs=0.01)  # four standard errors: 0.29 / sqrt(20,000) x 4 = 0.008
    hits = np.argsort(-popularity)[None, :10].astype(np.int32)
    assert popularity_bias(hits, popularity)[0] > 0.95
    assert popularity_bias(LISTS[:1], np.full(4, 2))[0] == 0.5


@pytest.mark.parametrize("block", [1, 1 << 22])
def test_diversity_is_the_mean_distance_of_all_pairs(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beyond, "BLOCK_CELLS", block)
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    vectors[7] = 0
    items = random_lists(rng, 300, 6, 30)
    for row, found in zip(items, intra_list_diversity(items, vectors), strict=True):
        distances = []
        for i, j in combinations(row[row != NO_ITEM], 2):
            a, b = vectors[i].astype(float), vectors[j].astype(float)
            length = np.linalg.norm(a) * np.linalg.norm(b)
            distances.append(1 - (a @ b / length if length else 0.0))
        assert found == pytest.approx(np.mean(distances) if distances else math.nan, abs=1e-6, nan_ok=True)


def test_diversity_of_one_thing_said_twice_is_nothing_and_of_opposites_two() -> None:
    vectors = np.array([[1, 0], [2, 0], [0, 1], [-1, 0]], np.float32)
    lists = np.array([[0, 1], [0, 2], [0, 3]], np.int32)
    assert intra_list_diversity(lists, vectors) == pytest.approx([0, 1, 2])
