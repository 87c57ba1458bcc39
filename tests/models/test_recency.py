"""Recency weighting at prediction time: no model is fitted again for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.data.splits import leave_last
from foretaste.models.recency import HALF_LIVES, RecencyConfig, half_life_variants, recency_weights
from foretaste.registry import model_class
from foretaste.selection.choose_settings import choose_settings
from foretaste.types import History, Queries, Run

RECENCY_MODELS = ("itemknn", "rp3beta", "p3alpha", "rules", "slim", "ease", "gfcf")
KINDS = np.array([1, -1, 0], np.float32)
events = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=9)


@given(st.lists(events, min_size=1, max_size=4), st.sampled_from([0.5, 1.0, 3.0]))
def test_fast_is_plain(rows: list[list[tuple[int, int]]], half_life: float) -> None:
    plain = np.zeros((len(rows), 5), np.float32)
    for b, row in enumerate(rows):
        total = {item: sum(KINDS[kind] for of, kind in row if of == item) for item, _ in row}
        newest_first = dict.fromkeys(item for item, _ in reversed(row) if total[item] > 0)
        for since, item in enumerate(newest_first):
            plain[b, item] = 2 ** (-since / half_life)
    flat = [event for row in rows for event in row]
    offsets = np.cumsum([0, *(len(row) for row in rows)]).astype(np.int64)
    items = np.array([item for item, _ in flat], np.int32)
    kind = np.array([kind for _, kind in flat], np.uint8)
    history = History(items, offsets, None, kind, np.ones(len(flat), np.float32))
    np.testing.assert_allclose(interaction_matrix(history, 5, KINDS, half_life).toarray(), plain, rtol=1e-6)
    np.testing.assert_array_equal(interaction_matrix(history, 5, KINDS).toarray(), plain > 0)
    np.testing.assert_array_equal(history.items, items)
    np.testing.assert_array_equal(history.offsets, offsets)


@pytest.fixture(scope="module", params=RECENCY_MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    if request.param == "slim":
        pytest.importorskip("numba", reason="the extra 'cf' is not installed")
    made = model_class(request.param)
    return made().fit(worlds.parity(), Run(seed=0))


def test_contributions_add_up_and_are_recency_weighted(model: Any) -> None:
    for other in half_life_variants(model):
        history = np.array([3, 8, 5], np.int32)
        every = np.arange(worlds.parity().n_items, dtype=np.int32)
        parts = other.contributions(history, every)
        scores = other.score(Queries.guests([history]), every[None])[0]
        np.testing.assert_allclose(parts.sum(axis=1), np.nan_to_num(scores), rtol=1e-4, atol=1e-6)
        events = other.config.half_life_events
        np.testing.assert_allclose(parts, model.contributions(history, every) * recency_weights(3, events), rtol=1e-6)


def test_variants_leave_the_model_unchanged(model: Any) -> None:
    others = list(half_life_variants(model))
    assert [other.config.half_life_events for other in others] == list(HALF_LIVES)
    assert model.config.half_life_events is None
    assert isinstance(model.config, RecencyConfig)
    assert not list(half_life_variants(others[0])), "a half-life that is set is not varied"


def test_it_survives_saving(model: Any, tmp_path: Any) -> None:
    other = next(half_life_variants(model))
    other.save(tmp_path)
    again = type(model).load(tmp_path)
    asked = Queries.guests([[3, 8, 5]])
    np.testing.assert_array_equal(again.recommend(asked, 5).items, other.recommend(asked, 5).items)
    assert again.config == other.config


def drifting() -> Dataset:
    """Half the people take 15 items of one half of the catalogue; the others 9 of one and then 6 of the other half."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(120):
        half, turns = user % 2, 9 if user < 60 else 15
        of = [rng.permutation(30), rng.permutation(30)]
        for step in range(15):
            here = half if step < turns else 1 - half
            rows.append((f"u{user}", f"i{here}-{of[here][step]}", step))
    return Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "time"], orient="row"))


def test_in_a_world_where_tastes_change_choosing_finds_it() -> None:
    chosen = choose_settings("itemknn", leave_last(drifting()), Run(seed=0))
    assert chosen.config.half_life_events is not None
    assert chosen.score > max(score for config, score in chosen.tried if config.half_life_events is None)
