"""Nothing of a person's future is known to the question, and nothing is lost between the parts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.splits import EvalQueries, Split, by_time, fixed, leave_last
from foretaste.errors import DataError

EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 30)), min_size=1, max_size=60)


def build(events: list[tuple[int, int, int]], *, timed: bool = True) -> Dataset:
    frame = pl.DataFrame(
        {
            "user": [f"u{u}" for u, _, _ in events],
            "item": [f"i{i}" for _, i, _ in events],
            "time": [t for _, _, t in events],
        }
    )
    return Dataset.from_frame(frame if timed else frame.drop("time"))


def knows_nothing_of_the_future(data: Dataset, train: Dataset, questions: EvalQueries, *, everybody: bool) -> None:
    """The history ends at asked_at; what is asked for lies after it, or at it for events of equal time."""
    assert questions.queries.asked_at is not None
    for b, user in enumerate(questions.queries.user):
        history = questions.queries.history.take(np.array([b]))
        asked_at = questions.queries.asked_at[b]
        assert (history.time <= asked_at).all()
        held_out = data.items.ids.names_of(questions.relevant[[b]].indices)
        mine = [(data.item[j], data.time[j]) for j in np.flatnonzero(data.user == user)]
        for name in held_out:
            assert max(t for i, t in mine if data.items.ids.name(i) == name) >= asked_at
        assert not set(questions.relevant[[b]].indices) & set(history.items), "what one has is not asked for"
        if not everybody:
            assert len(train.histories().row(user)) <= len(history.items)
    if everybody and len(questions):
        assert len(train) == 0 or train.time.max() <= questions.queries.asked_at.min(), "nobody's future is learned"


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(1, 2))
def test_leave_last_holds_out_the_newest_of_each_person(events: list[tuple[int, int, int]], n: int) -> None:
    data = build(events)
    split = leave_last(data, n)
    assert len(split.refit) + sum(min(n, c) for c in np.bincount(data.user) if c >= 2 * n + 1) == len(data)
    knows_nothing_of_the_future(data, split.train, split.validation, everybody=False)
    knows_nothing_of_the_future(data, split.refit, split.test, everybody=False)
    for user in range(data.n_users):
        mine = data.histories().row(user).tolist()
        kept = split.train.histories().row(user).tolist()
        assert kept == (mine[: -2 * n] if len(mine) >= 2 * n + 1 else mine), "a prefix of the history"


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.sampled_from([0.1, 0.3]))
def test_by_time_learns_nothing_of_anybodys_future(events: list[tuple[int, int, int]], share: float) -> None:
    data = build(events)
    split = by_time(data, share, share)
    knows_nothing_of_the_future(data, split.train, split.validation, everybody=True)
    knows_nothing_of_the_future(data, split.refit, split.test, everybody=True)


def test_the_test_question_knows_the_validation_event_in_both_variants() -> None:
    data = worlds.parity()
    split = leave_last(data)
    assert (split.test.queries.history.lengths == split.validation.queries.history.lengths + 1).all()
    assert len(split.train) == len(split.refit) - data.n_users
    assert split.left_out == 0


def test_people_with_too_few_events_are_learned_from_and_counted() -> None:
    data = build([(0, 1, 1), (0, 2, 2), (1, 1, 1), (1, 2, 2), (1, 3, 3)])
    split = leave_last(data)
    assert len(split.test) == 1
    assert split.left_out == 1
    assert len(split.train) == 3


def test_order_alone_is_enough_for_leave_last_and_not_for_a_time_split() -> None:
    data = build([(0, i, 0) for i in range(5)], timed=False)
    split = leave_last(data)
    assert data.items.ids.names_of(split.test.relevant.indices) == ["i4"]
    assert split.test.queries.asked_at is None
    with pytest.raises(DataError, match="leave-one-out"):
        by_time(data)


def test_a_fixed_split_keeps_its_parts() -> None:
    data = build([(0, i, i) for i in range(6)])
    part = np.arange(6)
    split: Split = fixed(data, part >= 4, part == 3, "the split of the paper")
    assert sorted(data.items.ids.names_of(split.test.relevant.indices)) == ["i4", "i5"]
    assert data.items.ids.names_of(split.validation.relevant.indices) == ["i3"]
    assert len(split.train) == 3
    with pytest.raises(DataError, match="no event in two parts"):
        fixed(data, part >= 3, part == 3, "wrong")


@pytest.mark.parametrize("shares", [(0, 0.1), (0.6, 0.5), (1, 0.1)])
def test_shares_that_leave_nothing_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="leave nothing"):
        by_time(build([(0, 1, 1)]), *shares)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(0, 99))
def test_no_question_of_a_fixed_split_knows_what_came_after_it_was_asked(
    events: list[tuple[int, int, int]], seed: int
) -> None:
    """Published random splits hold out events from the middle of a history: the question is asked at its end."""
    data = build(events)
    part = np.random.default_rng(seed).integers(0, 3, len(data))
    split = fixed(data, part == 2, part == 1, "at random")
    for questions in (split.validation, split.test):
        history, asked_at = questions.queries.history, questions.queries.asked_at
        assert (history.time <= asked_at[history.row_of_event()]).all()
