"""An approximate index says how good it is, and is refused when that is not good enough."""

from __future__ import annotations

import numpy as np
import pytest

from foretaste.errors import ConfigError
from foretaste.index.approximate import ApproximateConfig, ApproximateIndex
from foretaste.index.faiss import FaissEngine
from foretaste.index.usearch import UsearchEngine
from foretaste.types import NO_ITEM


def noise(n: int, width: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


class Forgetful:
    """Proposes only items of even code, whatever the effort."""

    efforts = (1, 2)
    effort = 1

    @classmethod
    def build(cls, *_: object) -> Forgetful:
        return cls()

    def propose(self, vectors: np.ndarray, k: int) -> np.ndarray:
        return np.broadcast_to(np.arange(0, 2 * k, 2, dtype=np.int32) % 1000, (len(vectors), k)).copy()


def test_refused_below_the_stated_recall(monkeypatch) -> None:
    monkeypatch.setattr("foretaste.index.approximate._engine_class", lambda name: Forgetful)
    with pytest.raises(ConfigError, match=r"finds \d\d\.\d% of the true top 100 .* asks for 97\.0%; use the exact"):
        ApproximateIndex.build(noise(1000))
    half = ApproximateIndex.build(noise(1000), ApproximateConfig(least_recall=0.1))
    assert half.recall < 0.6


@pytest.mark.parametrize("engine", [FaissEngine, UsearchEngine])
def test_effort_is_raised_until_the_recall_is_there(engine: type, monkeypatch) -> None:
    pytest.importorskip(engine.__module__.rpartition(".")[2])
    name = engine.__module__.rpartition(".")[2]
    vectors = noise(4000)
    little = ApproximateIndex.build(vectors, ApproximateConfig(engine=name, least_recall=0.3, fetched=1))
    much = ApproximateIndex.build(vectors, ApproximateConfig(engine=name, least_recall=0.98, fetched=1))
    assert much.recall >= 0.98
    assert much._engine.effort > little._engine.effort
    assert much.measured_recall(noise(100, seed=3)) > little.measured_recall(noise(100, seed=3))


def test_real_questions_may_be_given(monkeypatch) -> None:
    pytest.importorskip("faiss")
    asked: list[np.ndarray] = []
    monkeypatch.setattr(ApproximateIndex, "_recalls", lambda self, queries: asked.append(queries) or np.ones(1))
    mine = noise(7, seed=5)
    ApproximateIndex.build(noise(500), queries=mine)
    assert asked[0] is mine


def test_a_filter_that_strikes_out_too_much_falls_back_to_exact() -> None:
    """Everything near the question is forbidden, and still the list is full and right."""
    pytest.importorskip("faiss")
    vectors = noise(2000)
    index = ApproximateIndex.build(vectors, ApproximateConfig(exact_below=1))
    near = index.search(vectors[:1], 900)[0][0]
    allowed = np.ones(2000, bool)
    allowed[near] = False
    found = index.search(vectors[:1], 5, allowed=allowed)[0][0]
    rest = np.setdiff1d(np.arange(2000), near)
    assert (found != NO_ITEM).all()
    assert found.tolist() == rest[np.argsort(-(vectors[rest] @ vectors[0]), kind="stable")][:5].tolist()
