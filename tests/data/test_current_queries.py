"""Impressions without a reaction against the plain sentence, and what was rejected."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data.current_queries import disliked_items, unanswered_impressions
from foretaste.data.dataset import Dataset
from foretaste.data.impressions import Impressions
from foretaste.data.kinds import EventKind, Kinds
from foretaste.data.splits import leave_last

EVENT = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(1, 20))
KINDS = Kinds(
    [EventKind(name="view"), EventKind(name="shown", weight=0, hides_item=False), EventKind(name="dislike", sign=-1)]
)
FIRST = [("a", "x", 0), ("b", "y", 0), ("c", "z", 0)]


def _data(
    events: list[tuple[str, str, int]], shown: list[tuple[str, str, int]], kinds: list[str] | None = None
) -> Dataset:
    everything = [*FIRST, *events]
    frame = pl.DataFrame(
        {
            "user": [u for u, _, _ in everything],
            "item": [i for _, i, _ in everything],
            "time": [t for _, _, t in everything],
            "kind": ["view", "view", "view", *(kinds or ["view"] * len(events))],
        }
    )
    data = Dataset.from_frame(frame, kinds=KINDS)
    table = pl.DataFrame(
        {"user": [u for u, _, _ in shown], "item": [i for _, i, _ in shown], "time": [t for _, _, t in shown]},
        schema={"user": pl.String, "item": pl.String, "time": pl.Int64},
    )
    return data.with_impressions(Impressions.from_frame(table, data.users, data.items.ids))


@settings(deadline=None)
@given(st.lists(EVENT, max_size=12), st.lists(EVENT, max_size=12, unique=True), st.integers(1, 21))
def test_only_what_was_shown_since_the_last_reaction_is_left(events, shown, until) -> None:
    data = _data(events, shown)
    users = data.users.codes(["c", "a"])
    found = unanswered_impressions(data, users, np.full(data.n_users, until, np.int64))
    if not shown:
        assert found is None or not len(found.items)
        return
    assert found is not None
    for b, user in enumerate("ca"):
        last: dict[str, int] = {}
        for u, i, t in [*FIRST, *events]:
            if u == user:
                last[i] = max(t, last.get(i, t))
        plain = sorted((t, i) for u, i, t in shown if u == user and t < until and t > last.get(i, -1))
        names = data.items.ids.names.gather(found.row(b)).to_list()
        times = found.time[found.offsets[b] : found.offsets[b + 1]].tolist()
        assert sorted(zip(times, names, strict=True)) == plain
        assert times == sorted(times)


def test_rejected_items_stand_once_the_latest_last() -> None:
    data = _data(
        [("a", "y", 1), ("a", "x", 2), ("a", "y", 3), ("b", "x", 4)], [], ["dislike", "dislike", "dislike", "view"]
    )
    users = data.users.codes(["a", "b"])
    rows = disliked_items(data.histories().take(users), data.kinds)
    assert rows is not None
    assert data.items.ids.names.gather(rows.row(0)).to_list() == ["x", "y"]
    assert len(rows.row(1)) == 0


def test_an_evaluation_query_knows_what_was_shown_before_it_and_nothing_later() -> None:
    data = _data([("a", "y", 5), ("a", "z", 9)], [("a", "z", 4), ("a", "y", 6), ("a", "x", 8), ("a", "x", 10)])
    split = leave_last(data)
    row = split.test.queries.user.tolist().index(data.users.codes(["a"])[0])
    shown = split.test.queries.shown
    assert shown is not None
    assert sorted(data.items.ids.names.gather(shown.row(row)).to_list()) == ["x", "y", "z"]
