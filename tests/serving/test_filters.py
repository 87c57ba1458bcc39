"""Filters by column: the fast reading of a whole table agrees with the plain reading of one item."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import DataError
from foretaste.events.model import ItemRecord
from foretaste.search.search import SearchConfig
from foretaste.serving.filters import check_filter, mask, matches
from foretaste.serving.searching import SearchDesk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.serving.engine import Engine

ROWS = pl.DataFrame(
    {
        "genres": [["Drama", "Odd"], ["Comedy"], [], None, ["Drama"]],
        "year": [1990, 1991, None, 1993, 1994],
        "stars": [4.5, float("nan"), 1.0, None, 5.0],
        "brand": ["a", "b", None, "a", "1990"],
        "sale": [True, False, None, True, False],
        "released": [date(1990, 1, 1), None, date(1992, 1, 1), date(1993, 1, 1), date(1994, 1, 1)],
        "sizes": [[1, 2], [3], None, [], [2]],
    }
)
values = st.one_of(
    st.sampled_from(["Drama", "Comedy", "a", "b", "1990", "1993-01-01", "x"]),
    st.sampled_from([1, 2, 1990, 1991.0, 4.5, 5, 0]),
    st.booleans(),
)
bounds = st.one_of(st.sampled_from([1990, 1991.5, 4.5, 2]), st.sampled_from(["a", "1992-01-01"]))
rules = st.one_of(
    values,
    st.lists(values, max_size=3),
    st.fixed_dictionaries({}, optional={"min": bounds, "max": bounds}).filter(bool),
)


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else None if value != value else value
        for name, value in row.items()
    }


@given(st.dictionaries(st.sampled_from(ROWS.columns), rules, max_size=3))
def test_a_whole_table_is_read_as_one_item_is(wanted: dict[str, Any]) -> None:
    check_filter(wanted, ROWS.columns)
    plain = [matches(as_json(row), wanted) for row in ROWS.iter_rows(named=True)]
    np.testing.assert_array_equal(mask(ROWS, wanted), plain)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"genres": "Drama"}, [0, 4]),
        ({"genres": ["Comedy", "Odd"]}, [0, 1]),
        ({"year": {"min": 1991, "max": 1993}}, [1, 3]),
        ({"year": 1990.0}, [0]),
        ({"brand": 1990}, []),
        ({"sale": True, "genres": ["Drama"]}, [0]),
        ({"sale": 1}, []),
        ({"released": {"min": "1993-01-01"}}, [3, 4]),
        ({"sizes": [2]}, [0, 4]),
        ({"stars": {"min": 0}}, [0, 2, 4]),
        ({"genres": []}, []),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
def test_known_answers(wanted: dict[str, Any], kept: list[int]) -> None:
    assert np.flatnonzero(mask(ROWS, wanted)).tolist() == kept


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"color": "red"}, "the catalogue has no column 'color'. It has: brand, "),
        ({"year": {"from": 1}}, "'year' wants a range"),
        ({"year": {}}, "'year' wants a range"),
        ({"year": {"min": [1]}}, "'year' wants a range"),
        ({"year": [[1]]}, "'year' wants a value, or a list"),
        ({"year": None}, "'year' wants a value"),
        ({"year": list(range(101))}, "up to 100 values"),
    ],
)
def test_a_filter_that_cannot_be_is_said(wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(DataError, match=why):
        check_filter(wanted, ROWS.columns)


class Watched(dict[str, Any]):
    """Columns that count how often they were looked at."""

    looks = 0

    def get(self, name: str, default: Any = None) -> Any:
        Watched.looks += 1
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        Watched.looks += 1
        return super().__iter__()


def test_new_items_are_read_once_for_a_filter(engine: Engine) -> None:
    """There may be many of them, and all lists wait meanwhile."""
    columns = {"genres": ["Comedy"], "year": 2030}
    new = [ItemRecord(f"new{i}", Watched(columns), False, False, change=i + 1) for i in range(9)]
    engine.worlds._now = engine.world.with_changes(new)
    desk = SearchDesk(engine, SearchConfig(meaning=0.0))

    def asked(wanted: dict[str, Any]) -> list[str]:
        found = desk.find("film", wanted=wanted).items
        return [item.id for item in [*engine.for_user("u4", 10, filter=wanted).items, *found]]

    assert asked({"year": {"min": 2030}})[:9] == [f"new{i}" for i in range(8, -1, -1)]
    before = asked({"year": 1992, "genres": "Comedy"})
    Watched.looks = 0
    assert asked({"year": 1992, "genres": "Comedy"}) == before
    assert Watched.looks == 0
    with pytest.raises(DataError, match="no column 'hue'"):
        asked({"hue": 1})
    engine.worlds._now = engine.world.with_changes([ItemRecord("other", {"hue": 1}, False, False, change=10)])
    assert "other" in asked({"hue": 1})


def test_over_http(client: TestClient) -> None:
    plain = client.get("/v1/users/u4/recommendations", params={"n": 60}).json()["items"]
    kept = client.get("/v1/users/u4/recommendations", params={"n": 60, "filter": '{"year": {"min": 1995}}'}).json()
    expected = {item["id"] for item in plain if (item["columns"]["year"] or 0) >= 1995}
    assert {item["id"] for item in kept["items"]} == expected
    assert 0 < len(expected) < len(plain)
    body = {"history": [{"item": "f2"}], "filter": {"genres": ["Comedy"]}, "n": 5}
    guest = client.post("/v1/recommendations", json=body).json()
    assert {item["columns"]["genres"][0] for item in guest["items"]} == {"Comedy"}
    for text, why in [("[]", "write a JSON object"), ("{", "write a JSON object"), ('{"hue": 1}', "no column 'hue'")]:
        answer = client.get("/v1/users/u4/recommendations", params={"filter": text})
        assert answer.status_code == 422
        assert why in answer.json()["error"]["message"]
