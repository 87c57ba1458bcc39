"""The fast top-k against the slow readable one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foretaste.index import topk
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, top_k
from foretaste.types import NO_ITEM, Queries

SCORES = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 20)),
    elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0, float("nan"), float("-inf")]),
)


def plain_top_k(row: list[float], k: int) -> list[int]:
    real = [item for item, score in enumerate(row) if score > float("-inf")]
    return sorted(real, key=lambda item: (-row[item], item))[:k]


@given(SCORES, st.integers(1, 25))
def test_fast_is_plain(scores: np.ndarray, k: int) -> None:
    items, values = top_k(scores.copy(), k)
    assert items.shape == values.shape == (len(scores), k)
    for b, row in enumerate(scores):
        expected = plain_top_k(row.tolist(), k)
        assert items[b][items[b] != NO_ITEM].tolist() == expected
        assert values[b][: len(expected)].tolist() == [row[item] for item in expected]
        assert np.isnan(values[b][len(expected) :]).all()


def test_blocks_do_not_change_the_answer(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    table = rng.random((50, 30)).astype(np.float32)
    queries = Queries.guests([[b % 30] for b in range(50)])

    def score_all(some: Queries) -> np.ndarray:
        return table[some.history.items].copy()

    whole = recommend_in_blocks(score_all, queries, 5, 30, "x", exclude=queries.history)
    pairs = score_in_blocks(score_all, queries, whole.items, 30)
    monkeypatch.setattr(topk, "BLOCK_CELLS", 90)  # three questions at once
    blocks = recommend_in_blocks(score_all, queries, 5, 30, "x", exclude=queries.history)
    np.testing.assert_array_equal(whole.items, blocks.items)
    np.testing.assert_array_equal(pairs, score_in_blocks(score_all, queries, whole.items, 30))
    np.testing.assert_array_equal(pairs, whole.scores)


@pytest.mark.parametrize("seed", range(200))
def test_long_rows_are_searched_by_groups_and_give_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topk, "MIN_GROUPS", 1)
    rng = np.random.default_rng(seed)
    shape, k = (int(rng.integers(1, 5)), int(rng.integers(40, 200))), int(rng.integers(1, 6))
    scores = rng.normal(size=shape).astype(np.float32) if seed % 2 else rng.integers(-3, 4, shape).astype(np.float32)
    scores[rng.random(shape) < rng.choice([0, 0.1, 0.95])] = np.nan
    scores[rng.random(shape) < rng.choice([0, 0.1])] = -np.inf
    scores[rng.random(shape) < 0.05] = -0.0  # ties with 0
    before = scores.copy()
    items, values = top_k(scores, k)
    np.testing.assert_array_equal(scores, before, err_msg="the scores stay as they were")
    for b, row in enumerate(scores):
        expected = plain_top_k(row.tolist(), k)
        assert items[b][items[b] != NO_ITEM].tolist() == expected
        assert values[b][: len(expected)].tolist() == [row[item] for item in expected]


def test_rows_full_of_ties_and_rows_without_scores_stand_beside_others() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((7, 3000)).astype(np.float32)
    scores[1] = 1.0
    scores[2] = np.nan
    scores[3, :] = -np.inf
    scores[3, [5, 2999]] = [1.0, 2.0]
    scores[4] = rng.integers(0, 3, 3000)
    items, values = top_k(scores, 20)
    for b, row in enumerate(scores):
        expected = plain_top_k(row.tolist(), 20)
        assert items[b][items[b] != NO_ITEM].tolist() == expected
    assert items[1].tolist() == list(range(20))
    assert np.isnan(values[2]).all()
