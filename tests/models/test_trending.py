"""`trending` against its sum, computed densely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worlds
from foretaste.data.dataset import Dataset
from foretaste.models.plain import trending
from foretaste.models.plain.popular import Popular
from foretaste.models.plain.trending import Trending, TrendingConfig
from foretaste.types import History, Queries, Run

DAY = 86_400_000_000


def at(data: Dataset, days: np.ndarray) -> Dataset:
    """The same events at other times, one per event in the order of the columns."""
    return Dataset.sorted(
        users=data.users,
        items=data.items,
        user=data.user,
        item=data.item,
        time=(days * DAY).astype(np.int64),
        kind=data.kind,
        value=data.value,
        kinds=data.kinds,
    )


def asked(moments: np.ndarray) -> Queries:
    nobody = Queries.guests([[] for _ in moments])
    return replace(nobody, asked_at=(moments * DAY).astype(np.int64))


def slowly(data: Dataset, moment: float, half_life: float) -> np.ndarray:
    scores = np.zeros(data.n_items)
    known = [t for t in data.time if t <= np.int64(moment * DAY)]
    for item, t in zip(data.item, data.time, strict=True):
        if t <= np.int64(moment * DAY):
            scores[item] += 2.0 ** -((max(known) - t) / DAY / half_life)
    return scores


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.sampled_from([1, 3, 1 << 22]))
def test_it_is_the_decayed_sum_of_events_before_the_query(seed: int, half_life: float, at_once: int) -> None:
    rng = np.random.default_rng(seed)
    data = worlds.popularity(n_users=8, n_items=5, per_user=3, seed=seed)
    data = at(data, rng.integers(0, 30, len(data)) + rng.random())
    moments = rng.integers(-1, 40, 9) + rng.random(9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trending, "MAX_EVENTS_PER_BLOCK", at_once)
        model = Trending(TrendingConfig(half_life_days=half_life)).fit(data, Run())
        every = np.tile(np.arange(5, dtype=np.int32), (len(moments), 1))
        scores = model.score(asked(moments), every)
    plain = [slowly(data, moment, half_life) for moment in moments]
    np.testing.assert_allclose(scores, plain, rtol=1e-4, atol=1e-6)


def test_what_happens_after_the_question_changes_nothing() -> None:
    data = worlds.popularity(n_users=30)
    days = np.random.default_rng(0).integers(0, 100, len(data)).astype(float)
    data = at(data, days)
    until = data.where(data.time <= 50 * DAY)
    question = asked(np.array([50.0]))
    whole = Trending().fit(data, Run()).recommend(question, 10)
    part = Trending().fit(until, Run()).recommend(question, 10)
    np.testing.assert_array_equal(whole.items, part.items)
    np.testing.assert_allclose(whole.scores, part.scores, rtol=1e-5)
    assert (whole.items != Trending().fit(data, Run()).recommend(asked(np.array([100.0])), 10).items).any()


def test_a_question_in_a_hundred_years_still_has_an_order() -> None:
    data = worlds.popularity(n_users=30)
    data = at(data, np.zeros(len(data)))
    model = Trending(TrendingConfig(half_life_days=1.0)).fit(data, Run())
    later = model.recommend(asked(np.array([36_500.0])), 5)
    np.testing.assert_array_equal(later.items, Popular().fit(data, Run()).recommend(asked(np.array([1.0])), 5).items)
    assert (later.scores > 1).all()


def test_without_times_it_is_popular_and_says_so() -> None:
    timeless = worlds.dataset(np.array([0, 1, 2, 3]), np.array([0, 0, 1, 2]), timed=False)
    said: list[str] = []
    model = Trending().fit(timeless, Run(progress=lambda what, done, total: said.append(what)))
    assert model.timeless
    assert "no times" in said[0]
    guest = Queries(np.array([-1], np.int32), History.of_items([[]]))
    mine, popular = model.recommend(guest, 3), Popular().fit(timeless, Run()).recommend(guest, 3)
    np.testing.assert_array_equal(mine.items, popular.items)
    np.testing.assert_array_equal(mine.scores, popular.scores)
