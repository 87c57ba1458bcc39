"""Three steps of Python: a frame in, a frame with the same ids out."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

import foretaste
import worlds
from foretaste.errors import ConfigError, UnknownNameError


def world_frame(user_type: pl.DataType, item_type: pl.DataType) -> pl.DataFrame:
    data = worlds.parity()
    frame = data.as_frame()
    return frame.select(
        customer=pl.col("user").str.slice(1).cast(pl.Int64).cast(user_type),
        sku=pl.col("item").str.slice(1).cast(pl.Int64).cast(item_type),
        when=pl.col("time").cast(pl.Datetime("us", "UTC")),
    )


@pytest.mark.parametrize("user_type", [pl.Int64, pl.UInt8, pl.Int32, pl.String])
@pytest.mark.parametrize("item_type", [pl.Int16, pl.String])
def test_ids_come_out_as_they_went_in(user_type: pl.DataType, item_type: pl.DataType) -> None:
    frame = world_frame(user_type, item_type)
    data = foretaste.read(frame)
    pipeline = foretaste.Pipeline().fit(data, foretaste.Run(seed=0))
    lists = foretaste.recommend(pipeline, data, n=5)
    assert lists.schema["user"] == frame.schema["customer"]
    assert lists.schema["item"] == frame.schema["sku"]
    assert set(lists["user"]) == set(frame["customer"])
    assert set(lists["item"]) <= set(frame["sku"])
    numbers = lists.select(pl.col("user", "item").cast(pl.Int64))
    assert (numbers["user"] % 2 == numbers["item"] % 2).mean() > 0.99, "even people like even items"
    had = set(frame.select(pl.col("customer", "sku").cast(pl.Int64)).rows())
    assert not had & set(numbers.rows()), "what one has is not offered"
    assert lists.group_by("user").len()["len"].to_list() == [5] * 60


def test_a_frame_of_another_library_is_read_by_its_columns() -> None:
    class Frame:
        """What a pandas frame looks like from outside."""

        columns = ("user_id", "item_id")

        def __getitem__(self, name: str) -> pl.Series:
            return pl.Series({"user_id": [3, 3, 4], "item_id": [30, 31, 30]}[name])

    data = foretaste.read(Frame())
    assert data.users.names.sort().to_list() == ["3", "4"]
    assert data.user_type == pl.Int64


class Column:
    """What a column of pandas looks like from outside."""

    def __init__(self, values: list, dtype: object = object) -> None:
        self.values, self.dtype = values, dtype

    def to_numpy(self) -> np.ndarray:
        return np.array(self.values, self.dtype)

    def isna(self) -> np.ndarray:
        return np.array([value is None or value != value for value in self.values])

    def tolist(self) -> list:
        return self.values


def test_a_pandas_frame_is_read_where_pyarrow_is_not_installed() -> None:
    class Frame:
        data: ClassVar = {
            "user_id": Column(["a", "b", float("nan"), "a"]),
            "item_id": Column([1, 2, 3, 3], np.int64),
            "rating": Column([1.0, np.nan, 3.0, 5.0], np.float64),
            "time": Column([datetime(2024, 1, day, 1, tzinfo=ZoneInfo("Europe/Berlin")) for day in (1, 2, 3, 4)]),
        }
        columns = tuple(data)

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise ImportError("`Import pyarrow` failed.")

        def __getitem__(self, name: str) -> Column:
            return self.data[name]

    with pytest.warns(UserWarning, match=r"1 rows are left out.*No user in 'user_id'"):
        data = foretaste.read(Frame())
    assert sorted(data.as_frame().select("user", "item", "value").rows()) == [
        ("a", "1", 1.0),
        ("a", "3", 5.0),
        ("b", "2", 1.0),
    ]
    assert data.time.min() == np.datetime64("2024-01-01T00", "us").astype(np.int64), "Berlin is an hour ahead"


def test_columns_can_be_named_and_lost_rows_are_said() -> None:
    frame = pl.DataFrame({"a": ["x", "y", None], "b": ["1", "2", "3"], "c": ["p", "q", "r"]})
    with pytest.warns(UserWarning, match=r"1 rows are left out.*No user in 'a'"):
        data = foretaste.read(frame, user="a", item="c")
    assert data.items.ids.names.sort().to_list() == ["p", "q"]


def test_an_unknown_user_is_named() -> None:
    data = foretaste.read(world_frame(pl.Int64(), pl.Int64()))
    pipeline = foretaste.Pipeline().fit(data, foretaste.Run())
    lists = foretaste.recommend(pipeline, data, n=3, users=[7, 8])
    assert lists["user"].to_list() == [7, 7, 7, 8, 8, 8]
    assert np.diff(lists["rank"].to_numpy()[:3]).tolist() == [1, 1]
    with pytest.raises(UnknownNameError, match="no user '999'"):
        foretaste.recommend(pipeline, data, users=[999])


def test_guests_are_asked_for_by_ids_and_only_what_is_allowed_is_offered() -> None:
    data = foretaste.read(world_frame(pl.Int64(), pl.Int64()))
    pipeline = foretaste.Pipeline().fit(data, foretaste.Run())
    lists = foretaste.recommend(pipeline, data, n=3, guests={"anna": [2, 4], "ben": [1], "new": []})
    assert lists["user"].to_list() == ["anna"] * 3 + ["ben"] * 3 + ["new"] * 3
    assert lists["item"].dtype == pl.Int64
    anna, ben = (lists.filter(user=name)["item"] for name in ("anna", "ben"))
    assert (anna % 2 == 0).all() and (ben % 2 == 1).all() and not set(anna) & {2, 4}  # noqa: PT018
    few = foretaste.recommend(pipeline, data, n=5, guests={7: [2]}, allowed=np.array([2, 4, 5]))
    assert few["user"].to_list() == [7, 7]
    assert set(few["item"]) == {4, 5}
    assert foretaste.recommend(pipeline, data, n=2, users=7)["user"].to_list() == [7, 7], "one id is one person"
    with pytest.raises(UnknownNameError, match="knows no item '999'"):
        foretaste.recommend(pipeline, data, guests={"anna": [2, 999]})
    with pytest.raises(ConfigError, match="users or for guests"):
        foretaste.recommend(pipeline, data, users=[7], guests={"anna": [2]})
    for wrong in (0, -1, 2.5):
        with pytest.raises(ConfigError, match=f"n is {wrong}; ask for a whole number"):
            foretaste.recommend(pipeline, data, n=wrong)


@pytest.mark.parametrize(
    "ids",
    [
        pl.Series(["001", "1", "01"]),
        pl.Series(["Ünï ☃", "日本", 'a,b"c']),
        pl.Series([1.0, 2.0, 3.0]),
        pl.Series([1.5, 2.0, 3.25]),
        pl.Series([True, False, True]),
        pl.Series(["a", "b", "c"], dtype=pl.Categorical),
        pl.Series(["a", " b", "c"], dtype=pl.Enum(["a", " b", "c"])),
        pl.Series([2**63, 2**64 - 1, 0], dtype=pl.UInt64),
        pl.Series(["550e8400-e29b-41d4-a716-446655440000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "x"]),
    ],
    ids=lambda series: f"{series.dtype}-{series[0]}",
)
def test_every_kind_of_id_comes_out_exactly_or_as_its_text(ids: pl.Series) -> None:
    frame = pl.DataFrame({"user": [f"u{i}" for i in range(9)], "item": pl.concat([ids] * 3)})
    data = foretaste.read(frame)
    model = foretaste.model_class("popular")().fit(data, foretaste.Run())
    found = foretaste.recommend(model, data, n=3)["item"]
    text = ids.cast(pl.Int64) if ids.dtype.is_float() and (ids % 1 == 0).all() else ids
    assert set(found.cast(pl.String)) <= set(text.cast(pl.String).str.strip_chars())
    assert found.dtype in (text.dtype, pl.String)
    if ids.dtype in (pl.String, pl.UInt64):
        assert found.dtype == ids.dtype


def test_one_id_as_text_is_one_person() -> None:
    data = foretaste.read(pl.DataFrame({"user": ["0001", "0002"] * 6, "item": list("abcabdbcdeaf")}))
    model = foretaste.Pipeline().fit(data, foretaste.Run(seed=0))
    assert set(foretaste.recommend(model, data, n=2, users="0001")["user"]) == {"0001"}
    with pytest.raises(UnknownNameError, match="knows no user '0009'"):
        foretaste.recommend(model, data, users="0009")
