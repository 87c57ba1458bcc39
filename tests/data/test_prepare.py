"""Preparation: each rule against its slow and readable version, and nothing unless it was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data.dataset import Dataset
from foretaste.data.prepare.config import PrepareConfig
from foretaste.data.prepare.core import core_of
from foretaste.data.prepare.items import plain_text
from foretaste.data.prepare.prepare import prepare
from foretaste.data.relations import Relation
from foretaste.errors import ConfigError, DataError

SECOND = 1_000_000

events = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 4),
        st.sampled_from(["view", "buy"]),
        st.integers(0, 30),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=60,
)


def made(rows: list[tuple[int, int, str, int, int]], *, timed: bool = True) -> Dataset:
    frame = pl.DataFrame(
        {
            "user": [f"u{row[0]}" for row in rows],
            "item": [f"i{row[1]}" for row in rows],
            "kind": [row[2] for row in rows],
            "time": [row[3] * SECOND for row in rows],
            "value": [float(row[4]) for row in rows],
        },
        schema_overrides={"time": pl.Int64},
    )
    return Dataset.from_frame(frame if timed else frame.drop("time"))


def rows_of(data: Dataset) -> list[tuple[object, ...]]:
    return list(data.as_frame().iter_rows())


@given(events)
@settings(max_examples=50, deadline=None)
def test_nothing_is_done_unasked(rows: list[tuple[int, int, str, int, int]]) -> None:
    data = made(rows)
    same, report = prepare(data, PrepareConfig())
    assert same is data
    assert report.steps == ()
    assert not PrepareConfig().changes_data
    assert not PrepareConfig(core_counts="pairs").changes_data
    assert PrepareConfig(strip_html=True).changes_data


def slow_core(pairs: list[tuple[int, int]], least_user: int, least_item: int) -> list[tuple[int, int]]:
    """Take away one user or item with too few at a time, until there is none."""
    while True:
        for place, least in ((0, least_user), (1, least_item)):
            held = [pair[place] for pair in pairs]
            poor = [name for name in held if held.count(name) < least]
            if poor:
                pairs = [pair for pair in pairs if pair[place] != poor[0]]
                break
        else:
            return pairs


@given(events, st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=80, deadline=None)
def test_the_core_is_the_slow_core(
    rows: list[tuple[int, int, str, int, int]], least_user: int, least_item: int
) -> None:
    user = np.array([row[0] for row in rows], np.int32)
    item = np.array([row[1] for row in rows], np.int32)
    users, items, _ = core_of(user, item, 6, 5, least_user, least_item)
    keep = users[user] & items[item]
    slow = slow_core([(row[0], row[1]) for row in rows], least_user, least_item)
    assert list(zip(user[keep].tolist(), item[keep].tolist(), strict=True)) == slow


def test_a_core_leaves_a_whole_data_set() -> None:
    rows = [(u, i, "view", u + i, 1) for u in range(4) for i in range(3)] + [(5, 4, "view", 1, 1), (0, 4, "view", 2, 1)]
    catalogue = pl.DataFrame({"item": [f"i{i}" for i in range(6)], "title": [f"Title {i}" for i in range(6)]})
    raw = made(rows)
    people = pl.DataFrame({"user": raw.users.names}).with_columns(age=pl.Series(range(len(raw.users))))
    data = Dataset.from_frame(raw.as_frame(), catalogue)
    data = replace(data, user_table=people)
    found, report = prepare(data, PrepareConfig(min_user_events=2, min_item_events=2))
    assert (len(found), found.n_users, found.n_items) == (12, 4, 3)
    step = report.steps[0]
    assert (step.before.events, step.after.events, step.before.items, step.after.items) == (14, 12, 6, 3)
    assert "2 events or more" in step.sentence
    assert sorted(found.items.titles()) == ["Title 0", "Title 1", "Title 2"]
    assert found.items.titles()[found.items.ids.code("i1") or 0] == "Title 1"
    assert found.user_table is not None
    assert found.user_table["user"].to_list() == found.users.names.to_list()
    ages = dict(people.iter_rows())
    assert all(ages[name] == age for name, age in found.user_table.iter_rows())
    order = [name for name in data.users.names if name in set(found.users.names)]
    assert found.users.names.to_list() == order, "the order of the codes stays"
    with pytest.raises(DataError, match=r"No event is left .*\[prepare\]"):
        prepare(data, PrepareConfig(min_user_events=100))


def test_a_core_of_pairs_counts_a_pair_once() -> None:
    data = made([(0, 0, "view", t, 1) for t in range(9)] + [(1, 0, "view", 1, 1), (1, 1, "view", 1, 1)])
    assert prepare(data, PrepareConfig(min_user_events=2))[0].n_users == 2
    assert prepare(data, PrepareConfig(min_user_events=2, core_counts="pairs"))[0].n_users == 1


def slow_repeats(data: Dataset, rule: str, within: float | None) -> list[tuple[object, ...]]:
    runs: dict[tuple[object, ...], list[list[int]]] = {}
    rows = rows_of(data)
    for place, (user, item, kind, _, time) in enumerate(rows):
        of_these = runs.setdefault((user, item, kind), [])
        if of_these and (within is None or time - rows[of_these[-1][-1]][4] <= within * SECOND):
            of_these[-1].append(place)
        else:
            of_these.append([place])
    kept = {}
    for run in (run for of_these in runs.values() for run in of_these):
        place = run[-1] if rule == "last" else run[0]
        value = sum(rows[i][3] for i in run) if rule == "sum" else rows[place][3]
        kept[place] = (*rows[place][:3], value, rows[place][4])
    return [kept[place] for place in sorted(kept)]


@given(events, st.sampled_from(["first", "last", "sum"]), st.sampled_from([None, 1, 5.5]))
@settings(max_examples=80, deadline=None)
def test_repeats_are_the_slow_repeats(
    rows: list[tuple[int, int, str, int, int]], rule: str, within: float | None
) -> None:
    data = made(rows)
    found, _ = prepare(data, PrepareConfig(repeats=rule, repeats_within_seconds=within))
    assert rows_of(found) == slow_repeats(data, rule, within)


@given(events)
@settings(max_examples=50, deadline=None)
def test_exact_copies_go_and_nothing_else(rows: list[tuple[int, int, str, int, int]]) -> None:
    found, report = prepare(made(rows + rows), PrepareConfig(repeats="exact"))
    assert sorted(rows_of(found)) == sorted(set(rows_of(made(rows))))
    assert report.steps[0].before.events == 2 * len(rows)


@given(events, st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_sessions_are_cut_at_every_pause_and_nowhere_else(rows: list[tuple[int, int, str, int, int]], gap: int) -> None:
    data = made(rows)
    table = pl.DataFrame({"user": data.users.names, "town": [f"of {name}" for name in data.users.names]})
    found, _ = prepare(replace(data, user_table=table), PrepareConfig(session_gap_minutes=gap / 60))
    assert len(found) == len(data)
    wanted: dict[str, list[tuple[object, ...]]] = {}
    last: dict[object, tuple[int, int]] = {}
    for user, item, kind, value, time in rows_of(data):
        number, before = last.get(user, (0, -(10**9) * SECOND))
        number += time - before > gap * SECOND
        last[user] = (number, time)
        wanted.setdefault(f"{user}#{number}", []).append((item, kind, value, time))
    got: dict[str, list[tuple[object, ...]]] = {}
    for user, *rest in rows_of(found):
        got.setdefault(user, []).append(tuple(rest))
    assert got == wanted
    assert found.user_table is not None
    assert found.user_table["user"].to_list() == found.users.names.to_list()
    assert all(town == f"of {user.partition('#')[0]}" for user, town in found.user_table.iter_rows())


def test_what_needs_times_says_so() -> None:
    data = made([(0, 0, "view", 1, 1)], timed=False)
    for config in (
        PrepareConfig(repeats="exact"),
        PrepareConfig(repeats="first", repeats_within_seconds=3),
        PrepareConfig(session_gap_minutes=3),
    ):
        with pytest.raises(ConfigError, match="needs times"):
            prepare(data, config)
    assert len(prepare(data, PrepareConfig(repeats="first"))[0]) == 1
    with pytest.raises(ConfigError, match="session_gap_minutes"):
        PrepareConfig.parse({"session_gap_minutes": -1}, "foretaste.toml")


def with_items(**columns: list[object]) -> Dataset:
    n = len(next(iter(columns.values())))
    names = [f"i{i}" for i in range(n)]
    catalogue = pl.DataFrame({"item": names, **columns}, strict=False)
    frame = pl.DataFrame({"user": ["u"] * n, "item": names})
    return Dataset.from_frame(frame, catalogue)


def in_order(data: Dataset, column: str) -> list[object]:
    return data.items.as_frame().sort("item")[column].to_list()


def test_missing_numbers_by_the_rule_that_was_named() -> None:
    data = with_items(price=[1.0, None, 6.0, float("nan"), 5.0], year=[1999, 2001, None, None, 2003], word=["a"] * 5)
    median, report = prepare(data, PrepareConfig(missing_numbers="median"))
    assert in_order(median, "price") == [1.0, 5.0, 6.0, 5.0, 5.0]
    assert in_order(median, "year") == [1999, 2001, 2001, 2001, 2003]
    assert "2 of price (5)" in report.steps[0].sentence
    assert "2 of year (2001)" in report.steps[0].sentence
    assert in_order(prepare(data, PrepareConfig(missing_numbers="mean"))[0], "price") == [1.0, 4.0, 6.0, 4.0, 5.0]
    assert in_order(prepare(data, PrepareConfig(missing_numbers="zero"))[0], "year") == [1999, 2001, 0, 0, 2003]


def test_html_goes_and_words_stay() -> None:
    texts = ["<p>Caf&eacute;<br>bar</p>", "1 < 2 && 3 > 2", None, "<script>alert(1)</script>shop"]
    tags = [["<b>a</b>", "b"], [], None, ["c &amp; d"]]
    data = with_items(text=texts, tags=tags)
    found, report = prepare(data, PrepareConfig(strip_html=True))
    assert in_order(found, "text") == ["Café bar", "1 < 2 && 3 > 2", None, "shop"]
    assert in_order(found, "tags") == [["a", "b"], [], None, ["c & d"]]
    assert report.steps[0].sentence == "HTML taken out of 4 texts."


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_plain_text(text: str) -> None:
    plain = plain_text(text)
    assert plain == " ".join(plain.split())
    if not set("<>&") & set(text):
        assert plain == " ".join(text.split())


def test_steps_come_in_the_order_of_the_page() -> None:
    rows = [(0, i % 2, "view", 100 * i, 1) for i in range(6)] + [(1, 0, "view", 0, 1)]
    config = PrepareConfig(repeats="first", session_gap_minutes=1, min_user_events=1, strip_html=True)
    _, report = prepare(made(rows), config)
    assert [step.name for step in report.steps] == ["repeats", "sessions", "core", "strip_html"]
    assert [step.after.events for step in report.steps] == [3, 3, 3, 3]


def test_what_is_known_of_those_who_left_leaves_with_them() -> None:
    rows = [
        (0, 0, "view", 1, 1),
        (0, 1, "view", 500, 1),
        (1, 0, "view", 2, 1),
        (1, 1, "view", 3, 1),
        (2, 2, "view", 4, 1),
    ]
    data = replace(
        made(rows),
        relations={
            "friends": Relation("users", pl.DataFrame({"source": ["u0"], "target": ["u2"]})),
            "alike": Relation("items", pl.DataFrame({"source": ["i0"], "target": ["i1"]})),
        },
        searches=pl.DataFrame({"user": ["u0", "u2"], "text": ["tea", "cups"], "time": [1, 2]}),
    )
    cored, _ = prepare(data, PrepareConfig(min_user_events=2))
    assert cored.searches is not None
    assert cored.searches["text"].to_list() == ["tea"]
    assert len(cored.links("friends")) == 0
    assert len(cored.links("alike")) == 1
    cut, report = prepare(data, PrepareConfig(session_gap_minutes=1))
    assert cut.searches is None
    assert set(cut.relations) == {"alike"}
    assert "left out: friends, searches" in report.steps[0].sentence
    assert sorted(cut.users.names) == ["u0#1", "u0#2", "u1#1", "u2#1"]
