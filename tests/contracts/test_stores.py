"""What every event store promises, kept by the one in memory and the one on disk alike."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.errors import DataError
from foretaste.events.model import EARLIEST, LATEST, Event
from foretaste.events.protocols import EventStore

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[], EventStore]


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=3)
events = st.builds(
    Event,
    id=st.sampled_from(["a", "b", "c", "d", "é", "\x00"]),
    user=st.sampled_from(["ann", "bob"]) | names,
    item=st.sampled_from(["50", "172"]) | names,
    kind=st.sampled_from(["view", "buy"]),
    time=st.none() | st.sampled_from([0, 1, 2]) | st.integers(EARLIEST, LATEST),
    value=st.sampled_from([1.0, 2.0]) | st.floats(-1e30, 1e30),
    stamped=st.booleans(),
    context=st.none() | st.sampled_from(['{"recommendation": "a"}', "\x00"]),
)


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(st.lists(events, max_size=5), max_size=5))
def test_any_batching_of_any_repetitions_gives_the_same_log(batches: list[list[Event]], make: Make) -> None:
    store = make()
    first: dict[str, Event] = {}  # the oracle: the first event of an id is the event
    for batch in batches:
        expected = []
        for event in batch:
            there = first.setdefault(event.id, event)
            expected.append("accepted" if there is event else "duplicate" if there.same_as(event) else "conflict")
        assert [outcome.status for outcome in store.append(batch)] == expected
    log = store.frame()
    assert log.drop("seq").rows() == [(e.user, e.item, e.kind, e.time, e.value) for e in first.values()]
    assert log["seq"].is_sorted()
    assert log["seq"].n_unique() == len(log)
    assert store.position == (log["seq"].max() or 0)
    by_user: dict[str, list[Event]] = {}
    for event in first.values():
        by_user.setdefault(event.user, []).append(event)
    for user, theirs in by_user.items():
        theirs.sort(key=lambda e: EARLIEST - 1 if e.time is None else e.time)  # stable: then by seq
        assert store.history(user).item == [event.item for event in theirs]
        assert store.history(user).time == [event.time for event in theirs]
        assert store.history(user, last=2).item == [event.item for event in theirs][-2:]
        assert store.count(user) == len(theirs)
    assert dict(store.users(100)) == {user: len(theirs) for user, theirs in by_user.items()}
    store.close()


def test_one_bad_event_does_not_harm_the_others(make: Make) -> None:
    store = make()
    outcomes = store.append(
        [
            Event("1", "ann", "50", "view"),
            Event("2", "", "50", "view"),
            Event("3", "ann", "50", "view", value=float("nan")),
            Event("4", "ann", "\ud800", "view"),
            Event("5", "ann", "50", "view", time=2**62),
            Event("6", "ann", "172", "view"),
        ]
    )
    assert [outcome.status for outcome in outcomes] == ["accepted", *["rejected"] * 4, "accepted"]
    assert [outcome.why for outcome in outcomes[1:5]] == [
        "'user' is empty; give a name.",
        "'value' nan is not a finite number up to 1e+30.",
        "'item' is not valid Unicode; send UTF-8.",
        f"'time' {2**62} is outside the years 1 to 9999; give µs since 1970 UTC.",
    ]
    assert store.history("ann").item == ["50", "172"]


def test_a_retry_that_we_stamped_later_is_the_same_event(make: Make) -> None:
    store = make()
    store.append([Event("1", "ann", "50", "view", time=1_000, stamped=True)])
    assert store.append([Event("1", "ann", "50", "view", time=2_000, stamped=True)])[0].status == "duplicate"
    assert store.append([Event("1", "ann", "50", "view", time=1_000)])[0].status == "conflict"
    assert store.history("ann").time == [1_000]


def test_history_is_in_order_of_time_then_arrival(make: Make) -> None:
    store = make()
    times = {"late": 30, "early": 10, "tie-1": 20, "tie-2": 20, "timeless-1": None, "timeless-2": None}
    store.append([Event(item, "ann", item, "view", time) for item, time in times.items()])
    assert store.history("ann").item == ["timeless-1", "timeless-2", "early", "tie-1", "tie-2", "late"]
    assert store.history("ann", last=3).item == ["tie-1", "tie-2", "late"]
    assert store.history("ann", last=0).item == []
    assert len(store.history("ann", last=99)) == 6
    assert len(store.history("nobody")) == 0
    assert store.count("nobody") == 0


def test_a_history_can_be_read_as_it_was_at_a_place_in_the_log(make: Make) -> None:
    store = make()
    store.append([Event("1", "ann", "first", "view", 10), Event("2", "bob", "his", "view", 11)])
    store.append([Event("3", "ann", "second", "view", 20)])
    then = store.history("ann")
    assert then.upto == store.position > 0
    store.append([Event("4", "ann", "late, of long ago", "view", 1), Event("5", "ann", "third", "view", 30)])
    assert store.history("ann").item == ["late, of long ago", "first", "second", "third"]
    again = store.history("ann", until=then.upto)
    assert (again, again.upto) == (then, then.upto)
    assert store.history("ann", last=1, until=then.upto).item == ["second"]
    assert len(store.history("ann", until=0)) == 0
    assert store.history("nobody").upto == 0


def test_users_are_listed_by_their_latest_activity(make: Make) -> None:
    store = make()
    done = [("ann", 5), ("bob", 9), ("eve", None), ("ann", 1), ("dan", 9)]
    store.append([Event(str(i), user, "50", "view", time) for i, (user, time) in enumerate(done)])
    assert store.users(10) == [("dan", 1), ("bob", 1), ("ann", 2), ("eve", 1)]
    assert store.users(2) == [("dan", 1), ("bob", 1)]
    assert store.users(0) == []


def test_frame_gives_what_came_after_a_position(make: Make) -> None:
    store = make()
    assert store.position == 0
    assert store.frame().columns == ["seq", "user", "item", "kind", "time", "value"]
    store.append([Event("1", "ann", "50", "view")])
    seen = store.position
    store.append([Event("1", "ann", "50", "view"), Event("2", "bob", "172", "buy", 7, 2.0)])
    assert store.frame(after=seen).drop("seq").rows() == [("bob", "172", "buy", 7, 2.0)]
    assert store.frame(after=store.position).schema == store.frame().schema
    assert len(store.frame(after=store.position)) == 0


rows = st.tuples(
    st.sampled_from(["ann", "bob", "a b"]),
    st.sampled_from(["50", "b 50", "172"]),
    st.sampled_from(["view", "buy"]),
    st.none() | st.integers(0, 2),
    st.sampled_from([1.0, -1.0, 0.0, -0.0]),
)


@settings(max_examples=40, deadline=None)
@given(table=st.lists(rows, max_size=12), cut=st.integers(0, 12))
def test_importing_twice_is_importing_once(table: list[tuple[object, ...]], cut: int, make: Make) -> None:
    schema = {"user": pl.String, "item": pl.String, "kind": pl.String, "time": pl.Int64, "value": pl.Float64}
    frame = pl.DataFrame(table, schema, orient="row")
    store = make()
    first = frame.head(cut)
    assert store.import_frame(first) == len(first)  # equal rows of one file are different events
    assert store.import_frame(frame) == len(frame) - len(first)  # a file that has grown adds what is new
    assert store.import_frame(frame) == 0
    assert store.frame().drop("seq").equals(frame.with_columns(pl.col("value") + 0.0))
    assert sum(n for _, n in store.users(10)) == len(frame)
    store.close()


def test_import_fills_what_may_be_left_out(make: Make) -> None:
    store = make()
    store.import_frame(pl.DataFrame({"user": [1, 2], "item": [50, 172], "value": [None, float("nan")]}))
    expected = [("1", "50", "interaction", None, 1.0), ("2", "172", "interaction", None, 1.0)]
    assert store.frame().drop("seq").rows() == expected


@pytest.mark.parametrize(
    "time",
    [
        datetime(2026, 11, 21, 10),
        datetime(2026, 11, 21, 10, tzinfo=UTC),
        datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=2))),
        1_795_255_200_000_000,
    ],
)
def test_import_reads_times_as_microseconds(make: Make, time: object) -> None:
    store = make()
    store.import_frame(pl.DataFrame({"user": ["ann"], "item": ["50"], "time": [time]}))
    assert store.history("ann").time == [1_795_255_200_000_000]


def test_a_day_is_its_first_moment(make: Make) -> None:
    store = make()
    store.import_frame(pl.DataFrame({"user": ["ann"], "item": ["50"], "time": [date(1970, 1, 2)]}))
    assert store.history("ann").time == [86_400_000_000]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user": ["ann"]}, "no column 'item'"),
        ({"user": ["ann", None], "item": ["50", "50"]}, "Row 2 of the events has no user"),
        ({"user": ["ann"], "item": [""]}, "Row 1 of the events has no item"),
        ({"user": ["ann"], "item": ["50"], "time": [2**60]}, "Row 1 of the events has a time outside the years"),
        ({"user": ["ann"], "item": ["50"], "time": ["noon"]}, "The column 'time' is String"),
        ({"user": ["ann"], "item": ["50"], "value": [float("inf")]}, "has a value beyond"),
    ],
)
def test_import_refuses_what_it_cannot_keep(make: Make, columns: dict[str, list[object]], message: str) -> None:
    store = make()
    with pytest.raises(DataError, match=message):
        store.import_frame(pl.DataFrame(columns))
    assert store.position == 0


def test_a_client_cannot_take_the_id_of_an_imported_event(make: Make) -> None:
    store = make()
    store.import_frame(pl.DataFrame({"user": ["ann"], "item": ["50"]}))
    ids = ["imported", "\xff", "ÿ" * 16]
    assert {outcome.status for outcome in store.append([Event(i, "bob", "1", "view") for i in ids])} == {"accepted"}


def test_threads_write_and_read_at_once(make: Make) -> None:
    store = make()
    wrong: list[str] = []

    def work(name: str) -> None:
        for i in range(40):
            store.append(
                [Event(f"{name}-{i}", name, str(i), "view", i), Event(f"shared-{i}", "all", str(i), "view", i)]
            )
            if store.history(name).item != [str(j) for j in range(i + 1)]:
                wrong.append(f"{name} does not see event {i}")

    threads = [threading.Thread(target=work, args=(f"t{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert store.history("all").item == [str(i) for i in range(40)]
    assert store.position >= len(store.frame()) == 200
