"""An int8 pre-filter against looking at everything."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from foretaste.index import int8_prefilter, topk
from foretaste.index.int8_prefilter import Int8Prefilter
from foretaste.types import NO_ITEM, Ragged


def plain(
    table: np.ndarray, query: np.ndarray, k: int, findable: np.ndarray, out: np.ndarray
) -> tuple[list[int], list[float]]:
    """In double precision, sorted whole, ties to the smaller code."""
    scores = table.astype(np.float64) @ query.astype(np.float64)
    real = np.setdiff1d(np.flatnonzero(findable), out)
    best = real[np.argsort(-scores[real], kind="stable")][:k]
    return best.tolist(), scores[best].tolist()


@pytest.mark.parametrize("seed", range(60))
def test_the_best_are_those_of_looking_at_everything(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8_prefilter, "MIN_GROUPS", 1)
    rng = np.random.default_rng(seed)
    n, width, k = int(rng.integers(1, 3_000)), int(rng.integers(1, 20)), int(rng.integers(1, 30))
    # Whole numbers, whose products float32 has exactly: many ties, which go to the smaller code.
    most = int(rng.choice([1, 5, 60]))
    table = rng.integers(-most, most + 1, (n, width)).astype(np.float32)
    table *= rng.choice([1, 1, 1, 16], (n, 1))  # some far longer than others
    table[rng.random(n) < rng.choice([0, 0.3])] = 0
    judged = rng.random(n) < rng.choice([0.02, 0.7, 1])
    allowed = rng.random(n) < rng.choice([0.02, 0.7, 1]) if seed % 3 else None
    queries = rng.integers(-most, most + 1, (3, width)).astype(np.float32)
    queries[2] = 0 if seed % 2 else queries[2]
    out = Ragged.from_rows([rng.integers(0, n, int(rng.integers(0, 20))).astype(np.int32) for _ in range(3)])
    items, scores = Int8Prefilter(table, judged).search(queries, k, exclude=out if seed % 5 else None, allowed=allowed)
    assert items.shape == scores.shape == (3, k)
    for b in range(3):
        findable = judged if allowed is None else judged & allowed
        expected, values = plain(table, queries[b], k, findable, out.row(b) if seed % 5 else np.empty(0, int))
        assert items[b][items[b] != NO_ITEM].tolist() == expected
        assert scores[b][: len(expected)].tolist() == values
        assert np.isnan(scores[b][len(expected) :]).all()
        assert (items[b][len(expected) :] == NO_ITEM).all()


@pytest.mark.parametrize("seed", range(20))
def test_no_score_lies_outside_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 2_000)), int(rng.integers(1, 100))
    table = (rng.standard_normal(shape) * np.exp(rng.normal(0, 2, (shape[0], 1)))).astype(np.float32)
    query = (rng.standard_normal(shape[1]) * np.exp(rng.normal(0, 5))).astype(np.float32)
    found = Int8Prefilter(table)
    most, spread = found._bounds(query)
    exact = table.astype(np.float64) @ query.astype(np.float64)
    assert (exact <= most).all()
    assert (exact >= most - spread * found._scale).all()


def test_few_are_scored_in_full_and_they_hold_the_best() -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((20_000, 32)).astype(np.float32)
    query = rng.standard_normal(32).astype(np.float32)
    found = Int8Prefilter(table)
    rest = found._shortlist(*found._bounds(query), 100)
    assert len(rest) < 400
    assert set(np.argsort(-(table @ query))[:100].tolist()) <= set(rest.tolist())


def test_it_is_used_only_where_it_is_faster_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    pace = {"short": 1.0, "plain": 2.0}
    monkeypatch.setattr(int8_prefilter, "_seconds", lambda search, asked: pace[search.__name__])
    assert Int8Prefilter.if_faster(table) is not None
    pace["short"] = 3.0
    assert Int8Prefilter.if_faster(table) is None
    pace["short"] = 1.0
    monkeypatch.setattr(Int8Prefilter, "_products", lambda self, b: np.ones(300, np.int32))
    assert Int8Prefilter.if_faster(table) is None
    monkeypatch.setattr(Int8Prefilter, "_products", lambda self, b: np.no_such_product)
    assert Int8Prefilter.if_faster(table) is None


@pytest.mark.parametrize("seed", range(30))
def test_the_bound_is_reached_by_k(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-5, 6, (4, int(rng.integers(20, 300)))).astype(np.float32)
    scores[rng.random(scores.shape) < 0.3] = np.nan
    k = int(rng.integers(1, 8))
    bound = topk.kth_bound(scores, k, 16)
    for row, least in zip(scores, bound, strict=True):
        assert (row >= least).sum() >= min(k, np.isfinite(row).sum())
