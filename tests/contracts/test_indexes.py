"""What every index of vectors promises, kept by the exact one and by those of other libraries alike."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.errors import BundleError, DataError
from foretaste.index.approximate import ApproximateConfig, ApproximateIndex
from foretaste.index.exact import ExactIndex
from foretaste.types import NO_ITEM, Ragged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[[np.ndarray], Any]

N, D = 3000, 16


def clustered(n: int = N, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(40, D))[rng.integers(0, 40, n)] + 0.4 * rng.normal(size=(n, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", params=["exact", "faiss", "usearch"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "exact":
        return ExactIndex
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed: pip install 'foretaste[ann]'")
    # exact_below: these worlds are small, and the engine is what is tested
    config = ApproximateConfig(engine=request.param, exact_below=1, measured_at=20)
    return lambda vectors: ApproximateIndex.build(vectors, config)


@pytest.fixture(scope="module")
def index(make: Make) -> Any:
    return make(clustered())


def plain(
    vectors: np.ndarray, query: np.ndarray, k: int, exclude: set[int] = frozenset(), allowed: set[int] | None = None
) -> list[int]:
    """The slow readable one."""
    free = [
        i for i in range(len(vectors)) if vectors[i].any() and i not in exclude and (allowed is None or i in allowed)
    ]
    scores = {i: float(vectors[i] @ query) for i in free}
    return sorted(free, key=lambda i: (-scores[i], i))[:k]


def test_finds_what_is_nearest(index: Any) -> None:
    vectors, queries = clustered(), clustered(50, seed=1)
    items, scores = index.search(queries, 20)
    assert items.shape == scores.shape == (50, 20)
    assert items.dtype == np.int32
    assert scores.dtype == np.float32
    hits = np.mean([len(set(plain(vectors, q, 20)) & set(row)) / 20 for q, row in zip(queries, items, strict=True)])
    assert hits >= 0.95
    np.testing.assert_allclose(scores, np.einsum("bkd,bd->bk", vectors[items], queries), atol=1e-5)
    assert (np.diff(scores, axis=1) <= 1e-6).all()


def test_filters_are_kept_and_lists_stay_full(index: Any) -> None:
    queries = clustered(30, seed=2)
    best, _ = index.search(queries, 15)
    exclude = Ragged.from_rows([row[:10] for row in best])
    rng = np.random.default_rng(0)
    for share in (0.9, 0.4, 0.02):
        allowed = rng.random(N) < share
        items, scores = index.search(queries, 10, exclude=exclude, allowed=allowed)
        assert (items != NO_ITEM).all(), "enough is left for everybody"
        assert allowed[items].all()
        assert not any(set(row) & set(exclude.row(b)) for b, row in enumerate(items))
        assert not np.isnan(scores).any()


def test_few_allowed_are_found_exactly(index: Any) -> None:
    vectors, queries = clustered(), clustered(20, seed=3)
    few = [5, 17, 900, 1234, 2999]
    allowed = np.zeros(N, bool)
    allowed[few] = True
    items, _ = index.search(queries, 8, allowed=allowed)
    for query, row in zip(queries, items, strict=True):
        assert row[:5].tolist() == plain(vectors, query, 8, allowed=set(few))
        assert (row[5:] == NO_ITEM).all(), "a short list stays short"


def test_nothing_allowed_and_nobody_asking(index: Any) -> None:
    items, scores = index.search(clustered(2), 4, allowed=np.zeros(N, bool))
    assert (items == NO_ITEM).all()
    assert np.isnan(scores).all()
    assert index.search(np.empty((0, D), np.float32), 4)[0].shape == (0, 4)


def test_new_changed_and_deleted_items(make: Make) -> None:
    index = make(clustered())
    away = np.zeros((1, D), np.float32)
    away[0, 0] = 3.0
    new = np.array([N + 5], np.int32)
    index.put(new, away)
    assert len(index) == N + 1
    assert index.search(away, 1)[0].tolist() == [[N + 5]]
    index.put(new, -away)
    assert index.search(away, 50)[0].max() < N, "moved to the other side of the world"
    assert index.search(-away, 1)[0].tolist() == [[N + 5]]
    index.delete(np.array([N + 5, N + 77, NO_ITEM], np.int32))
    assert N + 5 not in index.search(-away, 100)[0]
    assert len(index) == N
    index.put(new, away)
    assert index.search(away, 1)[0].tolist() == [[N + 5]]
    assert (index.search(away, 3, allowed=np.ones(N, bool))[0] < N).all(), "newer than the filter: not allowed"


def test_an_item_without_a_vector_is_not_found(make: Make) -> None:
    vectors = clustered(500)
    vectors[7] = 0
    index = make(vectors)
    assert len(index) == 499
    assert 7 not in index.search(vectors[:3], 499)[0]
    index.put(np.array([8], np.int32), np.zeros((1, D), np.float32))
    assert 8 not in index.search(vectors[8:9], 498)[0]


def test_wrong_widths_are_one_sentence(index: Any) -> None:
    with pytest.raises(DataError, match="vectors of width 16"):
        index.put(np.array([1], np.int32), np.ones((1, 3), np.float32))


def test_saved_and_loaded_it_answers_the_same(make: Make, tmp_path: Path) -> None:
    index = make(clustered())
    index.put(np.array([3, N], np.int32), clustered(2, seed=9))
    index.delete(np.array([4], np.int32))
    index.save(tmp_path / "index")
    again = type(index).load(tmp_path / "index")
    for before, after in zip(
        index.search(clustered(9, seed=5), 12), again.search(clustered(9, seed=5), 12), strict=True
    ):
        np.testing.assert_array_equal(before, after)
    again.put(np.array([N + 1], np.int32), clustered(1, seed=8))
    assert len(again) == len(index) + 1
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".pkl", ".pickle", ".npy"}]
    for path in (tmp_path / "index").iterdir():
        path.write_bytes(b"torn")
    with pytest.raises(BundleError, match="build it again"):
        type(index).load(tmp_path / "index")


small = st.integers(0, 11)
steps = st.lists(
    st.tuples(st.just("put"), small, st.integers(0, 39))
    | st.tuples(st.just("delete"), small, st.just(0))
    | st.tuples(st.just("ask"), st.integers(1, 6), st.integers(0, 39)),
    max_size=15,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_any_history_of_changes_gives_the_plain_answer(make: Make, steps: list[tuple[str, int, int]]) -> None:
    pool = clustered(40, seed=4)
    vectors = np.zeros((12, D), np.float32)
    vectors[:6] = pool[:6]
    index = make(vectors)
    for what, a, b in steps:
        if what == "put":
            vectors[a] = pool[b]
            index.put(np.array([a], np.int32), pool[b : b + 1])
        elif what == "delete":
            vectors[a] = 0
            index.delete(np.array([a], np.int32))
        else:
            items, scores = index.search(pool[b : b + 1], a)
            expected = plain(vectors, pool[b], a)
            np.testing.assert_allclose(scores[0][: len(expected)], vectors[expected] @ pool[b], atol=1e-5)
            assert (items[0][len(expected) :] == NO_ITEM).all()
        assert len(index) == vectors.any(axis=1).sum()
