"""Coverage, novelty, diversity and evenness against their formulas written the slow way, and cases worked by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import rel_entr
from scipy.stats import percentileofscore

from foretaste.errors import DataError
from foretaste.metrics import beyond_accuracy
from foretaste.metrics.beyond_accuracy import (
    catalogue_coverage,
    exposure,
    gini,
    intra_list_diversity,
    long_tail,
    miscalibration,
    novelty,
    popularity_bias,
    serendipity,
    tail_share,
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
    monkeypatch.setattr(beyond_accuracy, "BLOCK_CELLS", block)
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


@pytest.mark.parametrize("block", [1, 40, 1 << 22])
def test_sparse_and_dense_vectors_give_the_same_diversity(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beyond_accuracy, "BLOCK_CELLS", block)
    rng = np.random.default_rng(3)
    vectors = rng.poisson(0.4, (30, 8)).astype(np.float64)  # some rows are 0
    items = random_lists(rng, 300, 6, 30)
    dense = intra_list_diversity(items, vectors)
    np.testing.assert_allclose(intra_list_diversity(items, csr_array(vectors)), dense, atol=1e-12, rtol=0)
    assert len(intra_list_diversity(items[:0], csr_array(vectors))) == 0


class Plain:
    """Every measure of one list, said as plainly as possible."""

    def __init__(self, popularity: np.ndarray, classes: np.ndarray) -> None:
        self.popularity, self.classes, self.n = popularity, classes.astype(float), len(popularity)
        by_popularity = sorted(range(self.n), key=lambda i: (-popularity[i], i))
        self.rank = {item: rank for rank, item in enumerate(by_popularity, start=1)}
        self.tail, before = set(), 0
        for item in by_popularity:
            if before >= 0.8 * popularity.sum():
                self.tail.add(item)
            before += popularity[item]

    def novelty(self, items: list[int]) -> float:
        total = (self.popularity + 1).sum()
        return mean([-math.log2((self.popularity[i] + 1) / total) for i in items])

    def popularity_bias(self, items: list[int]) -> float:
        return mean([percentileofscore(self.popularity, self.popularity[i], kind="mean") / 100 for i in items])

    def tail_share(self, items: list[int]) -> float:
        return mean([float(i in self.tail) for i in items])

    def serendipity(self, items: list[int], wanted: set[int], K: int) -> float:
        if not wanted:
            return math.nan
        ahead = [
            max((self.n + 1 - place) / self.n - (self.n + 1 - self.rank[item]) / self.n, 0)
            for place, item in enumerate(items, start=1)
            if item in wanted
        ]
        return sum(ahead) / K

    def mix(self, items: list[int]) -> np.ndarray:
        shares = [self.classes[i] / self.classes[i].sum() for i in items if self.classes[i].sum()]
        return np.mean(shares, axis=0) if shares else np.zeros(self.classes.shape[1])

    def miscalibration(self, items: list[int], history: list[int]) -> float:
        p, q = self.mix(history), self.mix(items)
        return float(rel_entr(p, 0.99 * q + 0.01 * p).sum()) if p.sum() and q.sum() else math.nan


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_random_lists_agree_with_the_plain_way_to_nine_digits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, B, K = 20, 1000, int(rng.integers(1, 8))
    popularity = rng.integers(0, 6, n)  # many ties, items nobody took
    classes = (rng.random((n, 4)) < 0.3).astype(np.float32)  # some items of no class, some of several
    plain = Plain(popularity, classes)
    lists = random_lists(rng, B, K, n)
    wanted = (rng.random((B, n)) < 0.15) * rng.choice([1.0, 2.0, 5.0], (B, n))
    wanted[::7] = 0  # people with nothing held out
    taken = rng.poisson(0.2, (B, n)).astype(np.float32)  # things taken twice; people without a history
    taken[::11] = 0
    rows = [row[row != NO_ITEM].tolist() for row in lists]
    histories = [np.repeat(np.arange(n), row.astype(int)).tolist() for row in taken]
    relevant = csr_array(wanted)
    relevant.eliminate_zeros()
    pairs = {
        "novelty": (novelty(lists, popularity), [plain.novelty(row) for row in rows]),
        "popularity": (popularity_bias(lists, popularity), [plain.popularity_bias(row) for row in rows]),
        "tail": (tail_share(lists, long_tail(popularity)), [plain.tail_share(row) for row in rows]),
        "serendipity": (
            serendipity(lists, relevant, popularity),
            [plain.serendipity(row, set(np.flatnonzero(w)), K) for row, w in zip(rows, wanted, strict=True)],
        ),
        "miscalibration": (
            miscalibration(lists, csr_array(taken), csr_array(classes)),
            [plain.miscalibration(row, history) for row, history in zip(rows, histories, strict=True)],
        ),
    }
    for name, (fast, slow) in pairs.items():
        np.testing.assert_allclose(fast, slow, atol=1e-9, rtol=0, err_msg=name)
        assert 0 < np.isnan(fast).sum() < B, f"{name}: some lists can be judged, some cannot"


def test_the_head_is_the_fewest_items_with_four_fifths_of_the_events() -> None:
    assert long_tail(np.array([1, 50, 30, 10, 9])).tolist() == [True, False, False, True, True]
    assert not long_tail(np.array([5])).any()
    assert len(long_tail(np.empty(0))) == 0


def test_a_list_with_the_mix_of_the_history_is_calibrated_and_one_of_another_class_is_not() -> None:
    # Items 0 and 1 are drama, 2 and 3 comedy; the person took one of each.
    classes = csr_array(np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32))
    taste = csr_array(np.array([[1, 0, 1, 0], [1, 0, 1, 0]], np.float32))
    found = miscalibration(np.array([[1, 3], [0, 1]], np.int32), taste, classes)
    assert found[0] == pytest.approx(0, abs=1e-12)
    # p = (½, ½), q̃ = (0.995, 0.005)
    assert found[1] == pytest.approx(0.5 * math.log(0.5 / 0.995) + 0.5 * math.log(0.5 / 0.005))


def test_serendipity_is_nothing_for_the_popular_and_most_for_the_last_offered_first() -> None:
    popularity = np.array([9, 8, 7, 1])
    relevant = csr_array(np.array([[1, 0, 0, 0], [0, 0, 0, 1]], np.float32))
    found = serendipity(np.array([[0], [3]], np.int32), relevant, popularity)
    assert found.tolist() == [0, 3 / 4]  # P = 1, P_pop = ¼
