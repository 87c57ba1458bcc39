"""What every event store promises beyond keeping events: a live catalogue, followers, and that what goes is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.errors import DataError
from foretaste.events.memory import MemoryStore
from foretaste.events.model import Event, Logged, Mark
from foretaste.events.protocols import EventStore

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[], EventStore]

OLD = 1_000_000_000_000_000
"""A time, in µs, before any test ran."""


def event(name: str, user: str, item: str = "50", kind: str = "view", time: int | None = OLD, **rest: Any) -> Event:
    return Event(name, user, item, kind, time, **rest)


# The catalogue and those who follow


def test_an_item_is_put_hidden_shown_deleted_and_put_again(make: Make) -> None:
    store = make()
    assert store.item("tea") is None
    assert store.hide_item("tea") is None
    assert store.delete_item("tea") is None
    columns = {"title": "Tea é\x00", "price": 2.5, "tags": ["hot", None], "in": {"stock": True}}
    first, other = store.put_items({"tea": columns, "mug": {}})
    assert (first.name, first.columns, first.hidden, first.deleted) == ("tea", columns, False, False)
    assert first.change < other.change
    hidden = store.hide_item("tea")
    assert hidden is not None
    assert (hidden.hidden, hidden.columns, hidden.deleted) == (True, columns, False)
    (again,) = store.put_items({"tea": {"title": "Green tea"}})
    assert (again.hidden, again.columns) == (True, {"title": "Green tea"}), "its seller hid it; a price list does not"
    shown = store.hide_item("tea", hidden=False)
    assert shown is not None
    assert not shown.hidden
    deleted = store.delete_item("tea")
    assert deleted is not None
    assert (deleted.deleted, deleted.columns) == (True, {})
    assert store.item("tea") == deleted
    (back,) = store.put_items({"tea": {"title": "Tea"}})
    assert not back.deleted
    assert [item.name for item in store.items()] == ["mug", "tea"], "in order of their latest change"
    assert store.items(after=other.change) == [back]
    store.close()


def test_what_only_events_know_is_not_in_the_catalogue(make: Make) -> None:
    store = make()
    store.append([event("1", "ann", "tea")])
    assert store.item("tea") is None
    assert store.items() == []
    store.put_items({"tea": {"title": "Tea"}})
    assert [item.name for item in store.items()] == ["tea"]
    assert store.history("ann").item == ["tea"]
    store.close()


@pytest.mark.parametrize("columns", [{"x": float("nan")}, {"x": object()}])
def test_columns_that_json_cannot_hold_are_refused_and_nothing_is_kept(make: Make, columns: dict[str, Any]) -> None:
    store = make()
    with pytest.raises(DataError, match="cannot be kept as JSON"):
        store.put_items({"mug": {}, "tea": columns})
    with pytest.raises(DataError, match="cannot be kept as JSON"):
        store.put_user("ann", columns)
    assert store.items() == []
    assert store.user("ann") is None
    store.close()


def test_a_follower_sees_everything_once_and_in_order(make: Make) -> None:
    store = make()
    news = store.follow(Mark())
    assert (news.events, news.items, news.forgotten) == ([], [], False)
    store.append([event(str(i), f"u{i % 3}", str(i), time=i) for i in range(10)])
    store.put_items({"tea": {}, "mug": {}})
    seen, mark = [], Mark()
    while True:
        news = store.follow(mark, limit=4)
        seen += news.events
        mark = news.mark
        if len(news.events) < 4:
            break
    assert [(e.user, e.item, e.time) for e in seen] == [(f"u{i % 3}", str(i), i) for i in range(10)]
    assert seen[0] == Logged(seen[0].seq, "u0", "0", "view", 0, 1.0)
    assert store.mark() == mark
    store.hide_item("tea")
    store.append([event("0", "u0", "0", time=0), event("new", "u9")])  # a retry is no news
    news = store.follow(mark)
    assert [e.user for e in news.events] == ["u9"]
    assert [(item.name, item.hidden) for item in news.items] == [("tea", True)]
    assert not news.forgotten
    assert store.follow(news.mark) == ([], [], news.mark, False)
    store.close()


def test_a_follower_hears_that_something_was_forgotten(make: Make) -> None:
    store = make()
    store.append([event("1", "ann"), event("2", "bob")])
    for forget in (lambda: store.forget("ann", "50"), lambda: store.erase("bob"), lambda: store.forget_before(OLD + 5)):
        mark = store.mark()
        forget()
        news = store.follow(mark)
        assert news.forgotten
        assert not store.follow(news.mark).forgotten
    store.close()


def test_what_is_known_of_a_person_is_kept(make: Make) -> None:
    store = make()
    assert store.user("ann") is None
    store.append([event("1", "ann")])
    assert store.user("ann") == {}
    store.put_user("ann", {"country": "GB"})
    store.put_user("bob", {"country": "FR"})
    assert (store.user("ann"), store.user("bob")) == ({"country": "GB"}, {"country": "FR"})
    assert store.users(5) == [("ann", 1)], "nobody is active who did nothing"
    assert store.user_columns() == {"ann": {"country": "GB"}, "bob": {"country": "FR"}}
    store.put_user("bob", {})
    store.append([event("2", "eve")])
    assert store.user_columns() == {"ann": {"country": "GB"}}, "of bob and eve nothing is known"
    store.erase("ann")
    assert store.user_columns() == {}
    store.close()


def test_what_is_known_of_a_person_is_kept_after_they_were_erased_and_came_back(make: Make) -> None:
    """The store must not write to the row it remembers from before the erasure."""
    store = make()
    store.append([event("1", "ann")])
    store.erase("ann")
    store.put_user("ann", {"country": "GB"})
    assert store.user("ann") == {"country": "GB"}
    store.close()


# What goes is gone


def test_an_erased_person_is_gone_and_the_others_are_not(make: Make) -> None:
    store = make()
    store.append([event("1", "ann", "tea"), event("2", "bob", "tea"), event("3", "ann", "mug", time=None)])
    store.put_user("ann", {"country": "GB"})
    receipt = store.erase("ann")
    assert receipt.found["events"] == 2
    assert receipt.found["columns"] == 1
    assert "ann" not in str(receipt.to_json())
    assert store.count("ann") == len(store.history("ann")) == 0
    assert store.user("ann") is None
    assert store.export_person("ann") is None
    assert store.frame()["user"].to_list() == ["bob"]
    assert store.users(5) == [("bob", 1)]
    assert store.history("bob").item == ["tea"]
    assert store.position == 3, "a position is never used twice"
    nothing = store.erase("ann")
    assert nothing.total == 0
    assert store.erase("nobody").total == 0
    store.close()


def test_neither_a_retry_nor_an_old_file_brings_an_erased_person_back(make: Make) -> None:
    store = make()
    frame = pl.DataFrame({"user": ["ann", "bob"], "item": ["tea", "tea"], "time": [OLD, OLD]})
    timeless = pl.DataFrame({"user": ["ann", "bob"], "item": ["mug", "mug"]})
    store.import_frame(frame)
    store.append([event("1", "ann")])
    store.erase("ann")
    late, timed = store.append([event("1", "ann"), event("2", "bob")])
    assert late.status == "rejected"
    assert late.why is not None
    assert "was erased" in late.why
    assert "ann" not in late.why
    assert timed.status == "accepted"
    assert store.import_frame(frame) == 0
    assert store.import_frame(timeless) == 1
    assert store.count("ann") == 0
    # They came back themselves: what they do from now on is theirs.
    assert store.append([event("3", "ann", time=4_000_000_000_000_000)])[0].status == "accepted"
    assert store.history("ann").item == ["50"]
    store.close()


def test_a_removed_entry_stays_away(make: Make) -> None:
    store = make()
    frame = pl.DataFrame({"user": ["ann"] * 3, "item": ["tea", "mug", "tea"], "time": [OLD, OLD + 1, OLD + 2]})
    store.import_frame(frame)
    store.append([event("1", "ann", "tea", "buy"), event("2", "bob", "tea", "buy")])
    assert store.forget("ann", "cup") == 0
    assert store.forget("nobody", "tea") == 0
    assert store.forget("ann", "tea", time=OLD + 2) == 1
    assert store.forget("ann", "tea", kind="buy") == 1
    assert store.history("ann").item == ["tea", "mug"]
    assert store.import_frame(frame) == 0
    assert store.append([event("1", "ann", "tea", "buy")])[0].status == "duplicate"
    assert store.forget("ann", "tea") == 1
    assert store.history("ann").item == ["mug"]
    assert store.count("ann") == 1
    assert store.history("bob").item == ["tea"]
    assert store.append([event("4", "ann", "tea", "buy")])[0].status == "accepted", "to do it again is another event"
    store.close()


def test_a_reset_person_starts_anew(make: Make) -> None:
    store = make()
    store.put_user("ann", {"country": "GB"})
    store.append([event(str(i), "ann", str(i)) for i in range(5)])
    assert store.reset("ann") == 5
    assert store.reset("ann") == store.reset("nobody") == 0
    assert len(store.history("ann")) == 0
    assert store.user("ann") == {"country": "GB"}
    assert {outcome.status for outcome in store.append([event("3", "ann", "3")])} == {"duplicate"}
    store.append([event("new", "ann", "tea")])
    assert store.history("ann").item == ["tea"]
    store.close()


def test_what_is_too_old_goes_and_does_not_come_back(make: Make) -> None:
    store = make()
    frame = pl.DataFrame({"user": ["ann", "ann", "bob", "eve"], "item": ["a", "b", "a", "c"], "time": [1, 9, 2, None]})
    store.import_frame(frame)
    store.put_user("dan", {"country": "GB"})
    store.append([event("1", "dan", time=3)])
    assert store.forget_before(5) == 3
    assert store.frame().select("user", "time").rows() == [("ann", 9), ("eve", None)]
    assert store.user("bob") is None, "of whom nothing is left"
    assert store.user("dan") == {"country": "GB"}
    assert store.count("ann") == 1
    assert store.import_frame(frame) == 0
    (outcome,) = store.append([event("2", "bob", time=4)])
    assert outcome.status == "rejected"
    assert outcome.why == "It is older than what is kept here: events before 1970-01-01 were removed by age."
    assert store.append([event("3", "bob", time=5)])[0].status == "accepted"
    assert store.forget_before(2) == 0, "it never reaches further back again"
    assert store.append([event("4", "bob", time=4)])[0].status == "rejected"
    store.close()


def test_one_person_gets_all_that_is_held_on_them(make: Make) -> None:
    store = make()
    assert store.export_person("ann") is None
    store.put_user("ann", {"country": "GB"})
    answer = '{"recommendation": "r1"}'
    store.append([event("2", "ann", "mug", "buy", 1_500_000, value=2.0, context=answer), event("1", "ann", time=None)])
    store.append([event("3", "bob")])
    assert store.export_person("ann") == {
        "user": "ann",
        "columns": {"country": "GB"},
        "events": [
            {"item": "50", "kind": "view", "time": None, "value": 1.0, "context": None},
            {"item": "mug", "kind": "buy", "time": "1970-01-01T00:00:01.500000+00:00", "value": 2.0, "context": answer},
        ],
    }
    store.close()


def test_the_whole_log_imported_elsewhere_is_the_same_log(make: Make) -> None:
    store = make()
    store.append(
        [event("1", "ann", stamped=True, context="{}"), event("2", "ann"), event("3", "ann"), event("4", "bob")]
    )
    store.import_frame(pl.DataFrame({"user": ["ann", "ann"], "item": ["50", "50"]}))
    whole = store.frame(whole=True)
    assert whole.columns == ["seq", "user", "item", "kind", "time", "value", "id", "stamped", "context"]
    assert whole["id"].n_unique() == 6
    assert store.import_frame(whole) == 0, "it is all there"
    assert store.frame(after=1, limit=2)["seq"].to_list() == [2, 3]
    assert len(store.frame(limit=0)) == 0
    other = MemoryStore()
    assert other.import_frame(whole) == 6
    assert other.import_frame(whole) == 0
    assert other.frame(whole=True).drop("seq").equals(whole.drop("seq"))
    store.close()


# Any sequence of all this, against the plainest store

people, things = st.sampled_from(["ann", "bob", "eve"]), st.sampled_from(["tea", "mug"])
times = st.none() | st.integers(1, 6)
made = st.builds(
    Event,
    id=st.sampled_from("abcdefgh"),
    user=people,
    item=things,
    kind=st.sampled_from(["view", "buy"]),
    time=times,
    value=st.just(1.0),
)
steps = st.one_of(
    st.tuples(st.just("append"), st.lists(made, min_size=1, max_size=4)),
    st.tuples(st.just("append"), st.lists(made, min_size=1, max_size=4)),
    st.tuples(st.just("import"), st.lists(st.tuples(people, things, times), max_size=4)),
    st.tuples(st.just("erase"), people),
    st.tuples(st.just("forget"), st.tuples(people, things, st.none() | st.just("buy"), times)),
    st.tuples(st.just("reset"), people),
    st.tuples(st.just("forget_before"), st.integers(1, 6)),
    st.tuples(st.just("put_user"), people),
    st.tuples(st.just("put_items"), things),
    st.tuples(st.just("hide_item"), things),
    st.tuples(st.just("delete_item"), things),
)


def taken(store: EventStore, what: str, by: Any) -> object:
    if what == "append":
        return [outcome.status for outcome in store.append(by)]
    if what == "import":
        schema = {"user": pl.String, "item": pl.String, "time": pl.Int64}
        return store.import_frame(pl.DataFrame(by, schema, orient="row"))
    if what == "erase":
        found = store.erase(by).found
        return found["events"], found["columns"]
    if what == "forget":
        return store.forget(*by)
    if what == "put_user":
        return store.put_user(by, {"n": 1})
    if what == "put_items":
        return store.put_items({by: {"n": 1}})
    return getattr(store, what)(by)


@settings(max_examples=25, deadline=None)
@given(taking=st.lists(steps, max_size=12))
def test_every_store_does_the_same(taking: list[tuple[str, Any]], make: Make) -> None:
    store, plain = make(), MemoryStore()
    for what, by in taking:
        assert taken(store, what, by) == taken(plain, what, by), what
    assert store.frame().drop("seq").equals(plain.frame().drop("seq"))
    assert store.users(9) == plain.users(9)
    assert store.position == plain.position
    assert store.items() == plain.items()
    for user in ("ann", "bob", "eve"):
        assert store.history(user) == plain.history(user)
        assert store.user(user) == plain.user(user)
        assert store.export_person(user) == plain.export_person(user)
    store.close()
