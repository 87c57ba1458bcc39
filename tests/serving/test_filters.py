"""Filters by column: filtering the whole table agrees with filtering item by item."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from foretaste.api import ItemIn
from foretaste.data.project.guess import guess_project, load_dataset
from foretaste.errors import DataError
from foretaste.events.memory import MemoryStore
from foretaste.events.model import ItemRecord
from foretaste.pipeline.bundle import load_bundle, save_bundle
from foretaste.pipeline.pipeline import Pipeline
from foretaste.search.hybrid import SearchConfig
from foretaste.serving.answering.engine import Engine
from foretaste.serving.config import SceneConfig, ServiceConfig
from foretaste.serving.search.search_service import SearchService
from foretaste.serving.world.filters import check_filter, mask, matches
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from foretaste.pipeline.bundle import Bundle

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
    search_service = SearchService(engine, SearchConfig(meaning=0.0))

    def asked(wanted: dict[str, Any]) -> list[str]:
        found = search_service.find("film", wanted=wanted).items
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


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"genres": True}, "'genres' holds texts like \"Comedy\", and true is none of these; write it as"),
        ({"year": ["1995"]}, "'year' holds numbers like 1997, and \"1995\" is none of these"),
        ({"year": {"min": "1995"}}, "'year' holds numbers like 1997, and \"1995\""),
        ({"genres": {"min": "A"}}, "'genres' holds texts like \"Comedy\", which no range compares; give a value"),
    ],
)
def test_a_filter_that_can_never_match_is_said(engine: Engine, wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(DataError, match=why):
        engine.for_user("u4", filter=wanted)
    assert engine.for_user("u4", filter={"year": [2050, "1995"]}).items == []  # it could be, and is not


def test_what_was_put_may_match_all_the_same_and_its_sort_is_remarked(client: TestClient) -> None:
    put = client.put("/v1/items/new", json={"columns": {"year": "19,95", "genres": ["Comedy"], "hue": 1}}).json()
    assert put["remarks"] == [
        "Kept; but 'year' holds numbers like 1997, and \"19,95\" is none of these, so that filters over it do not find "
        "this item."
    ]
    assert "remarks" not in client.put("/v1/items/f2", json={"columns": {"year": 1995, "genres": "Odd"}}).json()
    told = client.post(
        "/v1/events", json={"events": [{"id": "c", "type": "item", "item": "x", "columns": {"year": ["a"]}}]}
    ).json()["results"][0]
    assert (told["status"], "'year' holds numbers" in told["why"]) == ("accepted", True)
    kept = client.get("/v1/users/u4/recommendations", params={"filter": '{"year": "19,95"}'})
    assert [item["id"] for item in kept.json()["items"]] == ["new"]


def test_a_scene_whose_filter_never_matches_is_said_at_the_start(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    scenes = {"basket": SceneConfig(filter={"genres": True}), "fine": SceneConfig(filter={"year": 1990})}
    Engine(None, MemoryStore(), ServiceConfig(scenes=scenes), bundles=bundle.folder.parent).worlds.load_current()
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 1
    assert said[0].startswith("foretaste.toml: [serve.scenes.basket] filter: 'genres' holds texts like")


def test_columns_of_the_settings_that_are_not_there_are_said_at_the_start(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    for config in (
        ServiceConfig(group="nix", likes_column="genre"),
        ServiceConfig(group="year", likes_column="genres"),
    ):
        Engine(None, MemoryStore(), config, bundles=bundle.folder.parent).worlds.load_current()
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == [
        "foretaste.toml: [serve] group = 'nix': the catalogue has no such column. Known: genres, released, stars, "
        "title, year.",
        "foretaste.toml: [serve] likes_column = 'genre': the catalogue has no such column. Did you mean 'genres'? "
        "Known: genres, released, stars, title, year.",
    ]


def test_true_and_false_of_a_file_are_what_an_item_that_is_put_has(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,item\n" + "".join(f"u{i},i{i % 4}\n" for i in range(12)))
    (tmp_path / "items.csv").write_text("item,title,in_stock\ni0,A,true\ni1,B,false\ni2,C,True\ni3,D,\n")
    config, _ = guess_project(tmp_path / "events.csv", tmp_path / "items.csv")
    data, _ = load_dataset(config, tmp_path)
    version = save_bundle(tmp_path / "bundles", Pipeline().fit(data, Run(seed=0)), data)
    engine = Engine(load_bundle(tmp_path / "bundles" / version), MemoryStore())
    engine.put_item("new", ItemIn(columns={"in_stock": True}))
    found = engine.for_user("nobody", filter={"in_stock": True}).items
    assert {item.id for item in found} == {"i0", "i2", "new"}
