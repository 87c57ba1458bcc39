"""Every measure against a second implementation: plain Python, scikit-learn, and cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import ndcg_score, roc_auc_score

from foretaste.errors import UnknownNameError
from foretaste.metrics.ranking import (
    MEASURES,
    auc,
    average_precision,
    f1,
    hit_rate,
    mrr,
    ndcg,
    parse_metric,
    precision,
    recall,
)
from foretaste.types import NO_ITEM

N_ITEMS = 12


def plain(name: str, items: list[int], gains: dict[int, float]) -> float:
    """One user, the slow readable way."""
    K = len(items)
    if not gains:
        return math.nan
    hits = [item in gains for item in items]
    n_hits = sum(hits)
    if name == "hr":
        return 1.0 if n_hits else 0.0
    if name == "recall":
        return n_hits / len(gains)
    if name == "precision":
        return n_hits / K
    if name == "f1":
        p, r = n_hits / K, n_hits / len(gains)
        return 2 * p * r / (p + r) if p + r else 0.0
    if name == "ndcg":
        dcg = sum(gains.get(item, 0.0) / math.log2(rank + 1) for rank, item in enumerate(items, start=1))
        best = sorted(gains.values(), reverse=True)[:K]
        return dcg / sum(gain / math.log2(rank + 1) for rank, gain in enumerate(best, start=1))
    if name == "mrr":
        return next((1 / rank for rank, hit in enumerate(hits, start=1) if hit), 0.0)
    if name == "map":
        precisions = [sum(hits[:rank]) / rank for rank, hit in enumerate(hits, start=1) if hit]
        return sum(precisions) / min(K, len(gains))
    if name == "auc":
        score = {item: K - place for place, item in enumerate(items) if item != NO_ITEM}
        others = [score.get(item, 0) for item in range(N_ITEMS) if item not in gains]
        pairs = [(a > b) + 0.5 * (a == b) for a in (score.get(item, 0) for item in gains) for b in others]
        return sum(pairs) / len(pairs)
    raise AssertionError(name)


def random_cases(rng: np.random.Generator, B: int, K: int) -> tuple[np.ndarray, list[dict[int, float]], csr_array]:
    items = np.full((B, K), NO_ITEM, np.int32)
    truths = []
    dense = np.zeros((B, N_ITEMS), np.float32)
    for b in range(B):
        length = rng.integers(0, K + 1)  # empty and short lists
        items[b, :length] = rng.permutation(N_ITEMS)[:length]
        held_out = rng.permutation(N_ITEMS)[: rng.integers(0, 6)]  # users with nothing held out
        gains = {int(i): float(rng.choice([1.0, 1.0, 2.0, 3.0])) for i in held_out}
        truths.append(gains)
        for item, gain in gains.items():
            dense[b, item] = gain
    return items, truths, csr_array(dense)


@pytest.mark.parametrize("name", MEASURES)
def test_ten_thousand_random_cases_agree_to_nine_digits(name: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        items, truths, relevant = random_cases(rng, B=100, K=int(rng.integers(1, 9)))
        fast = MEASURES[name](items, relevant)
        slow = np.array([plain(name, row.tolist(), gains) for row, gains in zip(items, truths, strict=True)])
        np.testing.assert_allclose(fast, slow, atol=1e-9, rtol=0)


def test_ndcg_is_scikit_learns_on_full_rankings() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        gains = rng.choice([0.0, 1.0, 2.0, 5.0], N_ITEMS)
        gains[0] = 1.0
        scores = rng.permutation(N_ITEMS).astype(float)  # no ties: scikit-learn averages over them
        ranked = np.argsort(-scores)[None, :].astype(np.int32)
        k = int(rng.integers(1, N_ITEMS + 1))
        ours = ndcg(ranked[:, :k], csr_array(gains[None, :]))[0]
        assert ours == pytest.approx(ndcg_score(gains[None, :], scores[None, :], k=k), abs=1e-9)


def test_auc_of_a_full_ranking_is_scikit_learns() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        wanted = np.zeros(N_ITEMS)
        wanted[rng.permutation(N_ITEMS)[: rng.integers(1, N_ITEMS)]] = 1
        scores = rng.permutation(N_ITEMS).astype(float)
        ranked = np.argsort(-scores)[None, :].astype(np.int32)
        assert auc(ranked, csr_array(wanted[None, :]))[0] == pytest.approx(roc_auc_score(wanted, scores), abs=1e-9)
    assert np.isnan(auc(ranked, csr_array(np.ones((1, N_ITEMS))))[0]), "nothing can stand behind"


def test_a_case_worked_by_hand() -> None:
    # Held out: items 2 and 5. Listed: 7, 2, 9, 5 -> hits at ranks 2 and 4.
    items = np.array([[7, 2, 9, 5]], np.int32)
    relevant = csr_array(([1.0, 1.0], ([0, 0], [2, 5])), shape=(1, 10))
    assert hit_rate(items, relevant)[0] == 1
    assert recall(items, relevant)[0] == 1
    assert precision(items, relevant)[0] == 0.5
    assert f1(items, relevant)[0] == pytest.approx(2 / 3)
    assert mrr(items, relevant)[0] == 0.5
    assert average_precision(items, relevant)[0] == pytest.approx((1 / 2 + 2 / 4) / 2)
    dcg = 1 / math.log2(3) + 1 / math.log2(5)
    assert ndcg(items, relevant)[0] == pytest.approx(dcg / (1 + 1 / math.log2(3)))


def test_a_perfect_list_measures_one_and_an_empty_one_nothing() -> None:
    relevant = csr_array(([3.0, 1.0, 2.0], ([0, 0, 0], [4, 1, 8])), shape=(1, 10))
    perfect = np.array([[4, 8, 1]], np.int32)
    empty = np.full((1, 3), NO_ITEM, np.int32)
    for name, measure in MEASURES.items():
        assert measure(perfect, relevant)[0] == 1, name
        assert measure(empty, relevant)[0] == (0.5 if name == "auc" else 0), name


def test_names_are_parsed_and_wrong_ones_corrected() -> None:
    assert parse_metric("ndcg@10").k == 10
    with pytest.raises(UnknownNameError, match="Did you mean 'ndcg'"):
        parse_metric("ndgc@10")
    for wrong in ("ndcg", "ndcg@", "ndcg@0", "ndcg@x"):
        with pytest.raises(UnknownNameError, match="needs a depth"):
            parse_metric(wrong)
