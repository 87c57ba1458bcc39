"""The fast top-k against the slow readable one."""

from __future__ import annotations

import numpy as np
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
