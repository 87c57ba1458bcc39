"""Columns that know the answer are named, and columns that merely help are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from foretaste.data.checks.check import checked
from foretaste.data.checks.leaks import column_leaks, spearman, table_leaks
from foretaste.data.config import DataConfig, ProjectConfig
from foretaste.data.dataset import Dataset
from foretaste.data.prepare.config import PrepareConfig
from foretaste.data.readers.common import FILE, ROW, Table

N = 600


def world() -> tuple[Dataset, pl.DataFrame]:
    rng = np.random.default_rng(0)
    item = np.minimum(rng.geometric(0.06, N) - 1, 39)
    frame = pl.DataFrame(
        {
            "user": [f"u{u}" for u in rng.integers(0, 60, N)],
            "item": [f"i{i}" for i in item],
            "value": np.clip(rng.normal(3 + item % 3 - 1, 0.5), 1, 5).round(),
        }
    )
    per_item = frame.group_by("item").agg(count=pl.len(), mean=pl.mean("value")).sort("item")
    return Dataset.from_frame(frame), per_item


def test_a_catalogue_that_counts_the_events_is_suspected() -> None:
    data, per_item = world()
    rng = np.random.default_rng(1)
    n = len(per_item)
    catalogue = per_item.select(
        "item",
        num_ratings=pl.col("count") * 7 + 1,
        avg_rating=pl.col("mean"),
        price=pl.Series(per_item["count"] + rng.normal(0, 40, n)),
        year=pl.Series(rng.integers(1990, 2020, n)),
        constant=pl.lit(3),
        name=pl.lit("x"),
    )
    with_items = Dataset.from_frame(data.as_frame(), catalogue)
    found = {problem.code: problem for problem in table_leaks(with_items)}
    assert set(found) == {"leak-item-num_ratings", "leak-item-avg_rating"}
    assert "number of events" in found["leak-item-num_ratings"].sentence
    assert "mean of the values" in found["leak-item-avg_rating"].sentence
    top = per_item.sort("count", descending=True)["item"][0]
    assert found["leak-item-num_ratings"].first[0][2].startswith(f"{top}: ")


def test_a_user_table_that_counts_the_events_is_suspected() -> None:
    data, _ = world()
    count = np.bincount(data.user, minlength=data.n_users)
    table = pl.DataFrame({"user": data.users.names, "orders": count, "age": np.arange(data.n_users) % 7})
    found = [problem.code for problem in table_leaks(replace(data, user_table=table))]
    assert found == ["leak-user-orders"]


def events(**more: list[object]) -> Table:
    rng = np.random.default_rng(2)
    kind = ["buy" if i % 5 == 0 else "view" for i in range(N)]
    frame = pl.DataFrame(
        {
            "user": [f"u{i % 50}" for i in range(N)],
            "item": [f"i{i}" for i in rng.integers(0, 30, N)],
            "time": [str(1_700_000_000 + 1000 * i) for i in range(N)],
            "kind": kind,
            "value": [str(1 + i % 5) for i in range(N)],
            **more,
        },
        strict=False,
    )
    numbers = pl.int_range(2, N + 2, dtype=pl.UInt32, eager=True)
    return Table(frame.with_columns(numbers.alias(ROW), pl.lit("e.csv").alias(FILE)))


CONFIG = ProjectConfig(
    name="x",
    data=DataConfig(events="e.csv", user="user", item="item", time="time", time_format="s", kind="kind", value="value"),
)
KNOWN_AFTER = {
    "order": ([f"o{i}" if i % 5 == 0 else "" for i in range(N)], "is filled where the kind is 'buy'"),
    "basket": ([1 if i % 5 == 0 else 0 for i in range(N)], "says the kind"),
    "stars": (["ABCDE"[i % 5] for i in range(N)], "says the kind"),
    "score": ([10.0 * (i % 5) + i / 10_000 for i in range(N)], "follows the value"),
    "delivered": ([str(1_700_000_000 + 1000 * i + 90_000) for i in range(N)], "is a time after the event"),
}
HARMLESS = {
    "device": [("phone", "desk")[(i * 7) % 3 % 2] for i in range(N)],
    "price": [float((i * 7919) % 97) for i in range(N)],
    "opened": [str(1_700_000_000 + 1000 * i - 90_000) for i in range(N)],
    "note": ["" for _ in range(N)],
    "event_id": [f"e{i}" for i in range(N)],
}


@pytest.mark.parametrize("name", KNOWN_AFTER)
def test_a_column_known_only_afterwards_is_suspected(name: str) -> None:
    column, said = KNOWN_AFTER[name]
    found = list(column_leaks(events(**{name: column}), CONFIG))
    assert [problem.code for problem in found] == [f"leak-{name}"]
    assert said in found[0].sentence
    assert found[0].first[0][0] == "e.csv"


def test_other_columns_are_not_suspected() -> None:
    assert list(column_leaks(events(**HARMLESS), CONFIG)) == []


def test_the_value_of_one_text_is_said_without_kinds() -> None:
    data = CONFIG.data.model_copy(update={"kind": None})
    stars = ["ABCDE"[i % 5] for i in range(N)]
    found = list(column_leaks(events(stars=stars), CONFIG.model_copy(update={"data": data})))
    assert {problem.code: "says the value" in problem.sentence for problem in found}["leak-stars"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=8, max_size=40))
@settings(max_examples=50, deadline=None)
def test_rank_correlation_is_scipys(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(side, np.float64) for side in zip(*pairs, strict=True))
    if min(len(set(a)), len(set(b))) < 3:
        assert spearman(a, b) == 0
    else:
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_a_rhythm_is_named_and_people_are_not() -> None:
    rng = np.random.default_rng(0)
    start = 1_700_000_000
    robot = [("robot", start + 60 * i + int(rng.integers(0, 5) == 0)) for i in range(300)]
    people = [(f"u{u}", start + int(t)) for u in range(3) for t in np.cumsum(rng.exponential(5_000, 300))]
    rows = robot + people
    frame = pl.DataFrame(
        {"user": [u for u, _ in rows], "item": [f"i{n % 9}" for n in range(len(rows))], "time": [t for _, t in rows]}
    ).with_columns(pl.int_range(2, len(rows) + 2, dtype=pl.UInt32).alias(ROW), pl.lit("e.csv").alias(FILE))
    data = DataConfig(events="e.csv", user="user", item="item", time="time", time_format="s")
    report = checked(Table(frame), ProjectConfig(name="x", data=data, prepare=PrepareConfig())).report
    found = {problem.code: problem for problem in report.problems}
    assert found["rhythm"].rows == 300
    assert found["rhythm"].first[0] == ("e.csv", 2, "robot")
