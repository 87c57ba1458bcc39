"""Shuffling ties moves only events of the same user at the same time."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.splits import leave_last
from foretaste.errors import DataError
from foretaste.evaluation.robustness.tie_orders import shuffle_ties, tied_share

EVENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=40)


def build(events: list[tuple[int, int, int]]) -> Dataset:
    user, item, time = zip(*events, strict=True)
    return Dataset.from_frame(
        pl.DataFrame({"user": user, "item": item, "time": time, "value": np.arange(len(events), dtype=np.float32)})
    )


@settings(max_examples=80, deadline=None)
@given(EVENTS, st.integers(0, 3))
def test_every_event_keeps_its_person_its_time_and_its_value(events: list[tuple[int, int, int]], seed: int) -> None:
    data = build(events)
    shuffled = shuffle_ties(data, seed)
    np.testing.assert_array_equal(shuffled.user, data.user)
    np.testing.assert_array_equal(shuffled.time, data.time)

    def rows(d: Dataset) -> list[tuple[float, ...]]:
        return sorted(zip(d.user.tolist(), d.time.tolist(), d.item.tolist(), d.value.tolist(), strict=True))

    assert rows(shuffled) == rows(data)
    key = list(zip(data.user.tolist(), data.time.tolist(), strict=True))
    alone = np.array([key.count(k) == 1 for k in key])
    assert (shuffled.value[alone] == data.value[alone]).all(), "an event without company does not move"
    assert tied_share(data) == pytest.approx(1 - alone.mean())
    np.testing.assert_array_equal(shuffled.item, shuffle_ties(data, seed).item)


def test_with_all_times_equal_every_order_comes_up_about_as_often() -> None:
    data = build([(0, 1, 5), (0, 2, 5), (0, 3, 5)])
    last = [float(shuffle_ties(data, seed).value[-1]) for seed in range(600)]
    assert all(150 <= last.count(v) <= 250 for v in (0, 1, 2))  # 200 each, four standard errors are 46


def test_a_tied_test_item_changes_and_an_untied_one_stays() -> None:
    data = build([(0, 1, 1), (0, 2, 2), (0, 3, 3), (0, 4, 3), (1, 1, 1), (1, 2, 2), (1, 3, 3)])
    answers = [leave_last(shuffle_ties(data, seed)).test.relevant.toarray().argmax(axis=1) for seed in range(20)]
    distinct = [len({int(a[b]) for a in answers}) for b in range(2)]
    assert sorted(distinct) == [1, 2]


def test_without_times_there_are_no_ties_to_speak_of() -> None:
    timeless = worlds.dataset(np.array([0, 0]), np.array([0, 1]), timed=False)
    with pytest.raises(DataError, match="no events are tied"):
        shuffle_ties(timeless, 0)
    assert tied_share(worlds.parity()) == 0
