"""What was shown: the table beside the events, from the log and from files, and never from the future."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foretaste
from foretaste.api.events import EventIn
from foretaste.data.dataset import Dataset
from foretaste.data.impressions import NO_TIME, UNKNOWN, Impressions
from foretaste.data.prepare.config import PrepareConfig
from foretaste.data.prepare.prepare import prepare
from foretaste.data.project.guess import guess_project, load_dataset, load_project, write_project
from foretaste.data.project.log_dataset import add_to_log, log_dataset
from foretaste.data.project.logged_impressions import read_context
from foretaste.data.splits import by_time, leave_last
from foretaste.errors import ConfigError, DataError
from foretaste.events.memory import MemoryStore
from foretaste.events.model import Event

if TYPE_CHECKING:
    from pathlib import Path

START = 1_700_000_000_000_000
SECOND = 1_000_000
EVENTS = pl.DataFrame(
    {
        "user": ["ann"] * 4 + ["bob"] * 4,
        "item": ["tea", "mug", "pot", "cup"] * 2,
        "time": [START + n * SECOND for n in range(8)],
        "kind": ["click"] * 8,
    }
)
SHOWN = pl.DataFrame(
    {
        "user": ["bob", "ann", "ann", "bob", "stranger", "ann"],
        "item": ["tea", "pot", "tea", "mug", "tea", "unheard of"],
        "time": [START + 9 * SECOND, START, None, START + 4 * SECOND, START, START],
        "position": [2, 1, None, 3, 1, 1],
        "scene": ["home", "basket", None, "home", "home", "home"],
        "recommendation_id": ["f" * 32, "a" * 32, None, "f" * 32, None, None],
        "propensity": [0.25, None, None, 1.0, 0.5, 0.5],
    },
    schema_overrides={"propensity": pl.Float32, "position": pl.Int32},
)


def world() -> Dataset:
    data = Dataset.from_frame(EVENTS)
    return data.with_impressions(Impressions.from_frame(SHOWN, data.users, data.items.ids))


def rows(data: Dataset) -> list[tuple[object, ...]]:
    assert data.impressions is not None
    frame = data.impressions.as_frame(data.users, data.items.ids)
    return sorted(frame.rows(), key=lambda row: (row[0], row[2] or 0, row[1]))


ANSWERS = [
    ("ann", "tea", None, None, None, None, None),
    ("ann", "pot", START, 1, "basket", "a" * 32, None),
    ("bob", "mug", START + 4 * SECOND, 3, "home", "f" * 32, 1.0),
    ("bob", "tea", START + 9 * SECOND, 2, "home", "f" * 32, 0.25),
]


def test_a_table_of_names_becomes_codes_and_names_again() -> None:
    data = world()
    shown = data.impressions
    assert shown is not None
    assert rows(data) == ANSWERS, "those of people and items nobody knows are left out"
    assert len(shown) == 4
    assert repr(shown) == "Impressions(4 items shown to 2 users)"
    types = [shown.user, shown.item, shown.time, shown.position, shown.scene, shown.recommendation, shown.propensity]
    assert [str(column.dtype) for column in types if column is not None] == [
        *["int32", "int32", "int64", "int32", "int32", "int32", "float32"]
    ]
    assert (np.diff(shown.user) >= 0).all()
    assert shown.time is not None
    assert (shown.time == NO_TIME).sum() == (shown.position == UNKNOWN).sum() == (shown.scene == UNKNOWN).sum() == 1
    again = Impressions.from_frame(shown.as_frame(data.users, data.items.ids), data.users, data.items.ids)
    assert again.fingerprint() == shown.fingerprint()
    untimed = Impressions.from_frame(SHOWN.drop("time"), data.users, data.items.ids)
    assert untimed.time is None
    assert len(untimed.take(np.array([2, 0]))) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": [0, 1, 1, 1]}, "An impression has position 0; positions begin at 1, and −1 is unknown."),
        ({"propensity": [0.0, 1, 1, 1]}, "An impression has propensity 0; it is a probability above 0 and at most 1"),
        ({"propensity": [1.5, 1, 1, 1]}, "An impression has propensity 1.5; it is"),
        ({"scene": [2, 0, 0, 0]}, "An impression has the scene code 2, which stands for no scene."),
        ({"recommendation": [-2, 0, 0, 0]}, "the recommendation code -2, which stands for no recommendation."),
        ({"user": [-1, 0, 0, 0]}, "An impression has the user code -1, which stands for no user."),
        ({"item": [0]}, "Impressions have 4 users and 1 values of 'item'; give one each."),
        ({"time": [0]}, "Impressions have 4 users and 1 values of 'time'; give one each."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(change: dict[str, list[float]], message: str) -> None:
    shown = world().impressions
    assert shown is not None
    (name, values) = next(iter(change.items()))
    with pytest.raises(DataError, match=message):
        replace(shown, **{name: np.array(values, getattr(shown, name).dtype)})  # type: ignore[arg-type]


def test_a_table_without_users_is_refused() -> None:
    data = world()
    with pytest.raises(DataError, match="The impressions have no column 'user'"):
        Impressions.from_frame(pl.DataFrame({"item": ["tea"]}), data.users, data.items.ids)


things = st.tuples(st.integers(0, 4), st.integers(0, 3), st.none() | st.integers(0, 9), st.none() | st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(table=st.lists(things, max_size=20), users=st.sets(st.integers(0, 4)), until=st.lists(st.integers(0, 9)))
def test_every_subset_keeps_exactly_the_right_rows(
    table: list[tuple[int, int, int | None, int | None]], users: set[int], until: list[int]
) -> None:
    schema = {"user": pl.String, "item": pl.String, "time": pl.Int64, "position": pl.Int32}
    frame = pl.DataFrame([(f"u{u}", f"i{i}", t, p) for u, i, t, p in table], schema, orient="row")
    every = pl.DataFrame({"user": [f"u{n % 5}" for n in range(20)], "item": [f"i{n // 5}" for n in range(20)]})
    data = Dataset.from_frame(every)
    shown = Impressions.from_frame(frame, data.users, data.items.ids)

    def said(kept: Impressions) -> list[tuple[object, ...]]:
        named = kept.as_frame(data.users, data.items.ids).select("user", "item", "time", "position")
        return sorted(named.rows(), key=str)

    assert said(shown) == sorted(frame.rows(), key=str)
    names = [f"u{n}" for n in users]
    assert said(shown.of_users(data.users.codes(names))) == sorted((r for r in frame.rows() if r[0] in names), key=str)
    moments = {f"u{n}": moment for n, moment in enumerate([*until, 0, 0, 0, 0, 0][:5])}
    early = shown.before(np.array([moments[name] for name in data.users.names], np.int64))
    assert said(early) == sorted((r for r in frame.rows() if r[2] is not None and r[2] < moments[r[0]]), key=str)
    once = shown.merged(shown.take(np.array([], np.int64)))
    whom = {row[:3] for row in frame.rows() if row[3] is not None}
    assert said(once) == sorted((r for r in frame.rows() if r[3] is not None or r[:3] not in whom), key=str)
    detailed = [row for row in frame.rows() if row[3] is not None]
    assert said(shown.merged(shown)) == sorted([*said(once), *detailed], key=str), "what says the same is said once"
    new = np.array([2, -1, 0, 1, 3], np.int32)
    moved = shown.recoded(new, np.arange(4, dtype=np.int32))
    assert np.bincount(moved.user, minlength=5).tolist() == [int((shown.user == old).sum()) for old in (2, 3, 0, 4)] + [
        0
    ]


def test_no_part_that_is_learned_from_knows_an_impression_of_the_future() -> None:
    data = world()
    split = by_time(data, 0.25, 0.25)  # the last 2 of 8 events, the 2 before them
    assert rows(split.data) == ANSWERS
    assert rows(split.train) == [ANSWERS[1]], "bob's first is of the moment of the first question"
    assert rows(split.refit) == [ANSWERS[1], ANSWERS[2]], "one without a time belongs to no moment"
    last = leave_last(data)
    assert rows(last.train) == [ANSWERS[1], ANSWERS[2]]
    assert rows(leave_last(Dataset.from_frame(EVENTS.drop("time")).with_impressions(last_of(data))).train) == []


def last_of(data: Dataset) -> Impressions:
    assert data.impressions is not None
    return data.impressions


def test_an_event_of_kind_shown_is_an_impression_and_stays_an_event() -> None:
    kinds = ["click", "shown"] * 4
    data = Dataset.from_frame(EVENTS.with_columns(kind=pl.Series(kinds)))
    assert len(data) == 8
    assert [row[:3] for row in rows(data)] == [
        r[:3] for r, kind in zip(EVENTS.rows(), kinds, strict=True) if kind == "shown"
    ]
    assert data.impressions_beside_events() is None
    assert len(leave_last(data).data) == 4, "what was merely shown is no event to a split"
    assert Dataset.from_frame(EVENTS).impressions is None


def test_the_fingerprint_knows_impressions_and_is_the_old_one_without() -> None:
    plain = Dataset.from_frame(EVENTS)
    assert plain.fingerprint == "0c0105d00a0310c8"
    shown = Dataset.from_frame(EVENTS.with_columns(kind=pl.lit("shown")))
    assert shown.fingerprint == replace(shown, impressions=None).fingerprint, "the events say it all"
    more = world().fingerprint
    other = SHOWN.with_columns(position=pl.lit(5, pl.Int32))
    moved = plain.with_impressions(Impressions.from_frame(other, plain.users, plain.items.ids)).fingerprint
    assert len({plain.fingerprint, more, moved}) == 3


def test_preparation_renumbers_what_is_left() -> None:
    few = pl.concat([EVENTS, pl.DataFrame({"user": ["eve"], "item": ["tea"], "time": [START], "kind": ["click"]})])
    data = Dataset.from_frame(few)
    table = pl.concat([SHOWN, SHOWN.head(1).with_columns(user=pl.lit("eve"))])
    data = data.with_impressions(Impressions.from_frame(table, data.users, data.items.ids))
    assert len(last_of(data)) == 5
    core, _ = prepare(data, PrepareConfig(min_user_events=2))
    assert (core.n_users, rows(core)) == (2, ANSWERS)
    sessions, steps = prepare(world(), PrepareConfig(session_gap_minutes=30))
    assert sessions.impressions is None
    assert "left out: impressions." in steps.steps[0].sentence


def test_the_log_gives_back_what_was_shown() -> None:
    store = MemoryStore()
    files = Dataset.from_frame(EVENTS)
    add_to_log(store, files)
    said = {"recommendation_id": "f" * 32, "position": 2, "scene": "home", "session": "s", "propensity": 0.25}
    contexts = [json.dumps(said), json.dumps({"position": 3}), None, "no JSON", '{"position": "first"}']
    store.append(
        [
            Event(f"s{n}", "bob", "tea", "shown", START + (9 + n) * SECOND, context=context)
            for n, context in enumerate(contexts)
        ]
    )
    store.append([Event("c", "bob", "mug", "click", START + 99 * SECOND, context=json.dumps(said))])
    data, _ = log_dataset(store, files)
    unknown = (None,) * 4
    assert rows(data) == [
        ("bob", "tea", START + 9 * SECOND, 2, "home", "f" * 32, 0.25),
        ("bob", "tea", START + 10 * SECOND, 3, None, None, None),
        *(("bob", "tea", START + n * SECOND, *unknown) for n in (11, 12, 13)),
    ]
    assert len(data) == 8 + 5 + 1
    assert store.forget("bob", "tea", "shown") == 5
    assert log_dataset(store, files)[0].impressions is None


def test_what_a_client_sends_is_what_training_reads() -> None:
    sent = EventIn(
        id="1", user="bob", item="tea", type="shown", recommendation_id="f" * 32, position=2, scene="home", session="s"
    )
    assert sent.context is not None
    assert read_context(sent.context) == (2, "home", "f" * 32, None)


def test_files_and_log_together_count_each_impression_once() -> None:
    store = MemoryStore()
    events = EVENTS.with_columns(kind=pl.Series(["click", "shown"] * 4))
    files = Dataset.from_frame(events)
    also = SHOWN.head(1).with_columns(user=pl.lit("ann"), item=pl.lit("mug"), time=pl.lit(START + SECOND))
    files = files.with_impressions(Impressions.from_frame(pl.concat([SHOWN, also]), files.users, files.items.ids))
    assert len(rows(files)) == 4 + 4, "ann's mug is an event and a row of the file"
    add_to_log(store, files)
    data, _ = log_dataset(store, files)
    assert rows(data) == rows(files)
    store.forget("bob", "cup")
    assert ("bob", "cup") in {row[:2] for row in rows(files)}
    assert ("bob", "cup") not in {row[:2] for row in rows(log_dataset(store, files)[0])}, "what was removed stays away"


@pytest.mark.parametrize(
    "context",
    [
        *["", "[1]", "nan", '"text"', '{"position": true}', '{"position": 0}', '{"position": 1e99}', '{"scene": 5}'],
        *['{"propensity": 0}', '{"propensity": 2}', '{"propensity": NaN}', '{"propensity": "0.5"}', "[" * 9_999],
    ],
)
def test_a_context_that_says_nothing_readable_says_nothing(context: str) -> None:
    assert read_context(context) == (None, None, None, None)


A, F = "a" * 32, "f" * 32
BAD = f"""who,what,at,place,list,answer,chance
ann,pot,1700000000,1,basket,{A},
bob,tea,1700000009,2,home,{F},"0,25"
bob,mug,1700000004,3, home ,{F},1
ann,tea,,,,,
,tea,1700000000,1,home,,0.5
stranger,tea,1700000000,1,home,,0.5
ann,unheard of,1700000000,1,home,,0.5
ann,cup,yesterday,first,home,,0.5
ann,mug,1700000001,0,home,,1.5
ann,mug,1700000001,0,home,,1.5,and,more
"""
TOML = """
[impressions]
file = "shown.csv"
user = "who"
item = "what"
time = "at"
time_format = "s"
position = "place"
scene = "list"
recommendation_id = "answer"
propensity = "chance"
"""


def project(folder: Path, table: str = BAD, settings: str = TOML) -> None:
    EVENTS.write_csv(folder / "events.csv")
    (folder / "shown.csv").write_text(table)
    write_project(folder, guess_project(folder / "events.csv")[0])
    with (folder / "foretaste.toml").open("a") as file:
        file.write(settings)


def test_a_file_of_impressions_is_read_and_its_bad_rows_are_counted(tmp_path: Path) -> None:
    project(tmp_path)
    config = load_project(tmp_path)
    data, report = load_dataset(config, tmp_path)
    assert rows(data) == sorted(
        [
            *ANSWERS,
            ("ann", "cup", None, None, "home", None, 0.5),
            ("ann", "mug", START + SECOND, None, "home", None, None),
        ],
        key=lambda row: (row[0], row[2] or 0, row[1]),
    )
    found = {p.code: (p.rows, p.sentence, p.action) for p in report.problems if p.code.startswith("impression")}
    assert found == {
        "impression-ragged": (
            1,
            "Rows of shown.csv that cannot be cut into the columns of its header; they are left out.",
            "left out",
        ),
        "impression-without-id": (
            1,
            "Rows of shown.csv without a user or without an item; they are left out.",
            "left out",
        ),
        "impression-user-unknown": (
            1,
            "Impressions of shown.csv of users that neither an event nor a file knows; they are left out.",
            "left out",
        ),
        "impression-item-unknown": (
            1,
            "Impressions of shown.csv of items that neither an event nor a file knows; they are left out.",
            "left out",
        ),
        "impression-time": (
            1,
            "Impressions whose time does not read as s, is before 1990 or in the future; kept without.",
            "kept",
        ),
        "impression-position": (
            2,
            "Impressions whose position is not a whole number, 1 or more; kept without.",
            "kept",
        ),
        "impression-propensity": (
            1,
            "Impressions whose propensity is not a probability above 0 and at most 1; kept without.",
            "kept",
        ),
    }
    write_project(tmp_path, config)
    assert load_project(tmp_path) == config, "the settings survive being written anew"


def test_a_column_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    project(tmp_path, settings=TOML.replace('"place"', '"plaice"'))
    with pytest.raises(
        ConfigError, match=r"\[impressions\] 'plaice': shown.csv has no such column. Did you mean 'place'"
    ):
        load_dataset(load_project(tmp_path), tmp_path)


def test_read_takes_a_frame_or_a_file_of_impressions(tmp_path: Path) -> None:
    events = EVENTS.rename({"user": "customer"})
    shown = SHOWN.head(4).rename({"user": "customer"}).with_columns(pl.from_epoch("time", "us"))
    assert rows(foretaste.read(events, impressions=shown)) == ANSWERS
    shown.write_parquet(tmp_path / "shown.parquet")
    assert rows(foretaste.read(events, impressions=tmp_path / "shown.parquet")) == ANSWERS
    with pytest.warns(UserWarning, match="1 rows, the first impressions:5: Impressions of impressions of users that"):
        foretaste.read(EVENTS, impressions=SHOWN.head(5))
    with pytest.raises(DataError, match="no column 'customer' or 'user'; they have: item"):
        foretaste.read(events, impressions=SHOWN.select("item"))
