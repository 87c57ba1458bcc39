"""Properties shared by all models with contributions: they sum to the score, and respect event kinds."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worlds
from foretaste.data.dataset import Dataset
from foretaste.registry import model_class
from foretaste.types import Queries, Run

LINEAR = ("itemknn", "userknn", "rules", "p3alpha", "rp3beta", "gfcf", "bspm", "puresvd", "ials", "bpr", "slim", "ease")
needs = {"bpr": "implicit", "slim": "numba"}


@cache
def learned(name: str) -> Any:
    if name in needs and find_spec(needs[name]) is None:
        pytest.skip(f"{name} needs {needs[name]}: pip install 'foretaste[cf]'")
    return model_class(name)().fit(worlds.popularity(n_users=60, n_items=25), Run())


@pytest.mark.parametrize("name", LINEAR)
@settings(max_examples=15, deadline=None)
@given(history=st.lists(st.integers(0, 24), min_size=1, max_size=25, unique=True))
def test_the_parts_of_a_score_add_up_to_it(name: str, history: list[int]) -> None:
    model = learned(name)
    done, every = np.array(history, np.int32), np.arange(25, dtype=np.int32)
    parts = model.contributions(done, every)
    assert parts.shape == (25, len(history))
    score = model.score(Queries.guests([history]), every[None, :])[0]
    bias = model.bias if name == "bpr" else 0.0
    judged = ~np.isnan(score)
    scale = max(1.0, float(np.abs(parts).max()))
    np.testing.assert_allclose((parts.sum(axis=1) + bias)[judged], score[judged], rtol=1e-3, atol=1e-4 * scale)
    if name != "ials":  # which may judge an item nobody took by no part at all
        assert np.abs(parts.sum(axis=1)[~judged]).max(initial=0) < 1e-6


@pytest.mark.parametrize("name", LINEAR)
def test_a_dislike_is_not_taste(name: str) -> None:
    if name in needs:
        pytest.importorskip(needs[name])
    world = worlds.parity()
    rng = np.random.default_rng(0)
    liked = world.as_frame().select("user", "item", "time", kind=pl.lit("click"))
    # Everybody dislikes some of what they never took.
    people = [f"u{u}" for u in range(60) for _ in range(3)]
    others = [f"i{i}" for u in range(60) for i in rng.permutation(np.arange(1 - u % 2, 40, 2))[:3]]
    disliked = pl.DataFrame({"user": people, "item": others, "time": np.full(180, 1), "kind": ["dislike"] * 180})
    both = Dataset.from_frame(pl.concat([liked, disliked.select(liked.columns).cast(liked.schema)]))
    assert set(both.kinds.names) == {"click", "dislike"}
    only_liked = both.where(both.kinds.weights[both.kind] > 0)
    mixed = model_class(name)().fit(both, Run()).recommend(worlds.everyone(both), 6)
    plain = model_class(name)().fit(only_liked, Run()).recommend(worlds.everyone(only_liked), 6)
    np.testing.assert_array_equal(mixed.items, plain.items)
