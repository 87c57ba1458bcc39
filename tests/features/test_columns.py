"""Columns as vectors: like rows are near, unknown is 0, and nothing is learned from what is held out."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import ConfigError, DataError
from foretaste.features.columns import ColumnsConfig, ColumnVectors, guessed_kind


@pytest.fixture
def shop() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "colour": ["red", "red", "blue", None, "blue", "mauve"],
            "genres": ["Drama|War", "Drama", "War|Drama", None, "Comedy", "Comedy|War"],
            "tags": [["a", "b"], ["a"], ["b"], [], None, ["a", "a"]],
            "price": [1.0, 10.0, 100.0, None, 1000.0, 10_000.0],
            "stars": [1, 2, 3, 4, 5, None],
            "made": [date(2020, 1, 1), date(2020, 12, 31), date(2020, 7, 1), None, date(2021, 1, 1), date(2019, 1, 1)],
            "name": ["u", "v", "w", "x", "y", "z"],
        }
    )


def test_kinds_are_guessed(shop: pl.DataFrame) -> None:
    assert {name: guessed_kind(shop[name]) for name in shop.columns} == {
        "colour": "category",
        "genres": "labels",
        "tags": "labels",
        "price": "price",
        "stars": "number",
        "made": "date",
        "name": "skip",
    }


def only(shop: pl.DataFrame, *names: str, **settings: object) -> np.ndarray:
    frame = shop.select(names)
    return ColumnVectors.fit(frame, ColumnsConfig(**settings)).transform(frame)


def test_categories_and_labels(shop: pl.DataFrame) -> None:
    near = (v := only(shop, "colour")) @ v.T
    assert near[0, 1] == near[2, 4] == 1
    assert near[0, 2] == 0
    assert not v[3].any(), "nothing known"
    assert not v[5].any(), "only one is mauve: it is like nobody"
    near = (v := only(shop, "genres")) @ v.T
    np.testing.assert_allclose([near[0, 2], near[0, 1], near[1, 4]], [1, 1 / np.sqrt(2), 0], atol=1e-6)
    assert only(shop, "tags")[5].tolist() == only(shop, "tags")[1].tolist(), "twice the same label is one"


def test_like_numbers_are_near_and_prices_by_their_ratio(shop: pl.DataFrame) -> None:
    near = (v := only(shop, "stars", buckets=5)) @ v.T
    assert near[0, 0] == pytest.approx(1)
    assert near[0, 1] == 0, "each on its own quantile"
    half = ColumnVectors.fit(shop.select("stars"), ColumnsConfig(buckets=5)).transform(
        pl.DataFrame({"stars": [1.5, 99, -9]})
    )
    assert half[0] @ v[0] == pytest.approx(half[0] @ v[1])
    assert half[1] @ v[4] == pytest.approx(1), "beyond the largest is the largest"
    assert half[2] @ v[0] == pytest.approx(1)
    assert not v[5].any()
    three = pl.DataFrame({"price": [100.0, 10_000.0, 1_000_000.0]})
    prices = ColumnVectors.fit(three, ColumnsConfig(buckets=2))
    a, b, c = prices.transform(three)
    assert a @ b == pytest.approx(b @ c, abs=0.01), "100 to 10,000 is as far as 10,000 to 1,000,000"
    assert not prices.transform(pl.DataFrame({"price": [-1.0]})).any()


def test_december_lies_beside_january(shop: pl.DataFrame) -> None:
    v = only(shop, "made")
    assert v[1] @ v[4] > v[1] @ v[2]
    assert not v[3].any()
    np.testing.assert_allclose(np.linalg.norm(v[[0, 1, 2]], axis=1), 1, rtol=1e-5)


def test_nothing_is_learned_from_what_is_held_out(shop: pl.DataFrame) -> None:
    rows = np.array([True, True, True, True, False, False])
    fitted = ColumnVectors.fit(shop, rows=rows)
    changed = shop.with_columns(
        genres=pl.Series(["Drama|War", "Drama", "War|Drama", None, "Horror", "Horror"]),
        price=pl.Series([1.0, 10.0, 100.0, None, 5e9, 7e9]),
    )
    assert ColumnVectors.fit(changed, rows=rows).to_json() == fitted.to_json()
    assert "genres=Comedy" not in fitted.names
    assert "genres=Drama" in fitted.names


def test_saved_and_loaded_it_is_the_same(shop: pl.DataFrame) -> None:
    fitted = ColumnVectors.fit(shop)
    again = ColumnVectors.from_json(fitted.to_json())
    np.testing.assert_array_equal(again.transform(shop), fitted.transform(shop))
    assert again.names == fitted.names
    assert len(again.names) == again.width == again.transform(shop).shape[1]


def test_a_column_that_is_gone_is_unknown_and_a_wrong_name_is_a_sentence(shop: pl.DataFrame) -> None:
    fitted = ColumnVectors.fit(shop)
    assert fitted.transform(shop.drop("colour")).shape == (6, fitted.width)
    with pytest.raises(DataError, match="no column 'color'"):
        ColumnVectors.fit(shop, ColumnsConfig(kinds={"color": "category"}))
    with pytest.raises(ConfigError, match="kinds"):
        ColumnsConfig.parse({"kinds": {"colour": "picture"}}, "test")


@given(st.lists(st.none() | st.floats(), min_size=1, max_size=30))
def test_any_numbers_give_rows_of_length_1_or_0(numbers: list[float | None]) -> None:
    frame = pl.DataFrame({"n": pl.Series(numbers, dtype=pl.Float64)})
    vectors = ColumnVectors.fit(frame).transform(frame)
    length = np.linalg.norm(vectors, axis=1)
    assert np.isfinite(vectors).all()
    assert (np.isclose(length, 1, atol=1e-4) | (length == 0)).all()
