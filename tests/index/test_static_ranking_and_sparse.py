"""The two short cuts of top-k against the plain way through all scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from foretaste.index import sparse
from foretaste.index.sparse import dense_scores, recommend_sparse
from foretaste.index.static_ranking import StaticRanking
from foretaste.index.topk import recommend_in_blocks
from foretaste.types import Queries, Ragged


def _question(rng: np.random.Generator, B: int, n: int) -> tuple[Queries, Ragged | None, np.ndarray | None]:
    queries = Queries.guests([rng.integers(0, n, rng.integers(0, 6)).tolist() for _ in range(B)])
    exclude = queries.history if rng.random() < 0.7 else None
    allowed = rng.random(n) < rng.choice([0.0, 0.05, 0.8]) if rng.random() < 0.7 else None
    return queries, exclude, allowed


@pytest.mark.parametrize("seed", range(100))
def test_a_ranking_gives_the_lists_its_scores_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    B, n, k = int(rng.integers(1, 6)), int(rng.integers(1, 60)), int(rng.integers(1, 30))
    scores = rng.integers(-2, 3, n).astype(np.float32)  # many ties
    scores[rng.random(n) < 0.2] = rng.choice([np.nan, -np.inf])
    queries, exclude, allowed = _question(rng, B, n)
    plain = recommend_in_blocks(
        lambda some: np.tile(scores, (len(some), 1)), queries, k, n, "x", exclude=exclude, allowed=allowed
    )
    fast = StaticRanking(scores).recommend(queries, k, "x", exclude=exclude, allowed=allowed)
    np.testing.assert_array_equal(fast.items, plain.items)
    np.testing.assert_array_equal(fast.scores, plain.scores)


@pytest.mark.parametrize("seed", range(100))
def test_sparse_rows_give_the_lists_their_dense_form_gives(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse, "SPARSE_FACTOR", 1)  # as if few scores were there, however many are
    rng = np.random.default_rng(seed)
    B, n, k = int(rng.integers(1, 6)), int(rng.integers(1, 60)), int(rng.integers(1, 30))
    table = rng.integers(-2, 3, (B, n)).astype(np.float32)
    table[rng.random((B, n)) < rng.choice([0.2, 0.9, 1.0])] = 0
    queries, exclude, allowed = _question(rng, B, n)
    rows = csr_array(table)
    plain = recommend_in_blocks(
        lambda some: dense_scores(rows.copy()), queries, k, n, "x", exclude=exclude, allowed=allowed
    )
    fast = recommend_sparse(lambda some: rows, queries, k, n, "x", exclude=exclude, allowed=allowed)
    np.testing.assert_array_equal(fast.items, plain.items)
    np.testing.assert_array_equal(fast.scores, plain.scores)
