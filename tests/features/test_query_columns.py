"""What a question says of a person becomes the very vector that the table of people would give."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from foretaste.data.dataset import Dataset
from foretaste.features.columns import ColumnsConfig, ColumnVectors
from foretaste.features.query_columns import query_column_vectors

TABLE = pl.DataFrame(
    {
        "country": ["DE", "FR", None, "DE", "FR", "DE"],
        "likes": ["a|b", "b", "a; c", None, "c|a", "b|b"],
        "tags": [["x"], ["x", "y"], [], None, ["y"], ["y", "x"]],
        "paying": [True, False, True, None, False, True],
        "age": [20, 31, None, 55, 40, 28],
        "fee": [1.5, 20.0, -3.0, None, 300.0, 7.0],
        "since": [date(2019, 1, 5), None, date(2020, 12, 24), date(2024, 6, 1), date(2022, 3, 3), date(2021, 7, 9)],
        "seen": [datetime(2024, 1, 1, 12), datetime(2024, 5, 1), None, datetime(2025, 2, 2, 2, 2), None, None],
    }
)
CONFIG = ColumnsConfig(kinds={"country": "category", "likes": "labels"}, least_rows=1)


@pytest.fixture(scope="module")
def learned() -> ColumnVectors:
    return ColumnVectors.fit(TABLE, CONFIG)


def test_of_a_table_it_is_what_the_table_gives(learned: ColumnVectors) -> None:
    names = [f"u{i}" for i in range(len(TABLE))]
    data = Dataset.from_frame(pl.DataFrame({"user": names, "item": ["i"] * len(names)}))
    rows = pl.DataFrame({"user": data.users.names}).join(TABLE.with_columns(user=pl.Series(names)), on="user")
    object.__setattr__(data, "user_table", rows)
    some = np.array([4, 0, 2, 2], np.int32)
    columns = data.columns_of(some)
    assert set(columns) == set(TABLE.columns), "the name of the person is no column"
    np.testing.assert_allclose(
        query_column_vectors(columns, learned, 4), learned.transform(rows.drop("user")[some.tolist()]), atol=1e-6
    )


def test_as_json_says_it(learned: ColumnVectors) -> None:
    def alone(value: object) -> np.ndarray:
        found = np.empty(1, object)
        found[0] = value
        return found

    said = {"country": "DE", "likes": "a|b", "tags": ["x"], "paying": True, "age": 20, "fee": "1.5"}
    said |= {"since": "2019-01-05", "seen": "2024-01-01T13:00:00+01:00"}
    found = query_column_vectors({name: alone(value) for name, value in said.items()}, learned, 1)
    np.testing.assert_allclose(found, learned.transform(TABLE[:1]), atol=1e-6)


@pytest.mark.parametrize(
    "strange", [None, float("nan"), float("inf"), {}, [], [None], {"a": 1}, "", "no such", 10**400]
)
def test_what_makes_no_sense_is_not_known(learned: ColumnVectors, strange: object) -> None:
    given = np.empty(1, object)
    given[0] = strange
    found = query_column_vectors(dict.fromkeys(TABLE.columns, given), learned, 1)
    assert found.shape == (1, learned.width)
    assert not np.isnan(found).any()
    known = learned.width and found.any()
    assert not known, "nothing of it is in the table"


def test_dates_may_be_written_out() -> None:
    written = pl.DataFrame({"day": ["2020-01-01", "2022-07-01T10:00:00Z", "never", None]})
    as_date = ColumnsConfig(kinds={"day": "date"})
    real = pl.DataFrame({"day": [datetime(2020, 1, 1), datetime(2022, 7, 1, 10), None, None]})
    learned = ColumnVectors.fit(written, as_date)
    np.testing.assert_allclose(learned.transform(written), ColumnVectors.fit(real, as_date).transform(real), atol=1e-6)


def test_nothing_asked_and_nothing_learned() -> None:
    nothing = ColumnVectors([])
    assert query_column_vectors({"age": np.array([3])}, nothing, 1).shape == (1, 0)
    assert query_column_vectors({}, ColumnVectors.fit(TABLE, CONFIG), 0).shape[0] == 0
