"""What people get is what is measured: the row 'as served' asks for the very lists that REST gives."""

from __future__ import annotations

import time
from shutil import copytree
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

import worlds
from foretaste.data.current_queries import current_queries
from foretaste.data.dataset import Dataset
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.data.kinds import EventKind, Kinds
from foretaste.data.project.log_dataset import log_dataset
from foretaste.events.opening import open_store
from foretaste.project import train_on
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from foretaste.types import NO_ITEM, Run

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.pipeline.bundle import Bundle
    from foretaste.pipeline.pipeline import Pipeline
    from foretaste.types import Candidates

PEOPLE = 1_000
SETTINGS = """
[serve]
group = "brand"
fatigue_after = 2
new_share = 0.2
answers_kept = 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose people viewed, bought, were shown things and rejected some; every event at a moment of its own."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "foretaste.toml").write_text(SETTINGS)
    world = worlds.parity(n_users=PEOPLE, n_items=200, per_user=12)
    rng = np.random.default_rng(0)
    n = len(world)
    kind = rng.choice(["view", "buy"], n)
    users = pl.Series([f"u{u}" for u in world.user])
    frame = pl.DataFrame({"user": users, "item": [f"i{i}" for i in world.item], "kind": kind})
    further = pl.DataFrame(
        {
            "user": [f"u{u}" for u in rng.integers(0, PEOPLE, 4_000)],
            "item": [f"i{i}" for i in rng.integers(0, 60, 4_000)],
            "kind": rng.choice(["shown", "shown", "shown", "dislike"], 4_000),
        }
    )
    events = pl.concat([frame, further]).sample(fraction=1.0, shuffle=True, seed=0)
    now = time.time_ns() // 1000
    events = events.with_columns(time=now - 86_400_000_000 + pl.int_range(pl.len()) * 1_000_000)
    items = pl.DataFrame({"item": [f"i{i}" for i in range(200)], "brand": [f"b{i // 4}" for i in range(200)]})
    kinds = Kinds(
        [
            EventKind(name="buy", weight=2.0),
            EventKind(name="view", hides_item=False),
            EventKind(name="shown", weight=0, hides_item=False),
            EventKind(name="dislike", sign=-1),
        ]
    )
    train_on(folder, Dataset.from_frame(events, items, kinds=kinds), Run(seed=0), names=["ease", "itemknn"])
    return folder


def test_rest_gives_the_list_that_is_measured_to_a_thousand_of_a_thousand_people(folder: Path) -> None:
    with Engine.of_project(folder) as engine:
        bundle = engine.world.catalogue.bundle
        assert list(bundle.pipeline.stages) == ["fatigue", "demote_similar", "one_per_group", "new_items"]
        measured, plain = _measured(folder, bundle, bundle.pipeline, bundle.items.ids)
        assert (measured.items != plain.items).any(axis=1).sum() > PEOPLE / 4
        assert _different(engine, measured, bundle.items.ids) == []


def test_with_new_items_rest_gives_the_list_of_the_pipeline_grown_with_them(folder: Path, tmp_path: Path) -> None:
    """Items that are new to the bundle are clicked, bought, shown, rejected, hidden, and changed."""
    copytree(folder, tmp_path / "shop")
    with Engine.of_project(tmp_path / "shop") as engine:
        bundle = engine.world.catalogue.bundle
        client = TestClient(create_app(engine), base_url="http://127.0.0.1:8000")

        def put(name: str, brand: str, **further: object) -> None:
            body = {"columns": {"brand": brand}, **further}
            client.put(f"/v1/items/{name}", json=body).raise_for_status()

        put("n9", "b9")
        put("gone", "b1", hidden=True)
        for i in range(9):
            put(f"n{i}", f"b{i * 5}")
        put("n9", "b44")
        names = [*(f"n{i}" for i in range(9)), "n9"]
        rng = np.random.default_rng(1)
        events = [
            {"user": f"u{u}", "item": names[rng.integers(10)], "kind": kind, "id": f"{u}-{j}"}
            for u in range(0, PEOPLE, 2)
            for j, kind in enumerate(rng.choice(["view", "buy", "shown", "shown", "dislike"], 4))
        ]
        began = time.time_ns() // 1000 - 3_600_000_000
        events = [{**event, "time": began + i * 1_000} for i, event in enumerate(events)]
        for start in range(0, len(events), 500):
            client.post("/v1/events", json={"events": events[start : start + 500]}).raise_for_status()
        ids = IdMap([*bundle.items.ids.names.to_list(), *names])
        brands = pl.DataFrame({"brand": [*(f"b{i * 5}" for i in range(9)), "b44"]})
        table = ItemTable(ids, pl.concat([bundle.items.frame, brands]), bundle.items.title)
        grown = bundle.pipeline.with_items(table, Run())
        measured, plain = _measured(tmp_path / "shop", bundle, grown, ids)
        is_new = measured.items >= len(bundle.items)
        assert not (plain.items >= len(bundle.items)).any()
        assert is_new.any(axis=1).sum() > PEOPLE / 2
        assert len(np.unique(measured.items[is_new])) > 5
        assert _different(engine, measured, ids) == []


def _measured(folder: Path, bundle: Bundle, pipeline: Pipeline, ids: IdMap) -> tuple[Candidates, Candidates]:
    """The lists of everybody by what the log says, and those without any stage."""
    files = Dataset.from_frame(pl.DataFrame({"user": ["u0"], "item": ["i0"]}))
    store = open_store(None, folder)
    data, _ = log_dataset(store, Dataset(**{**vars(files), "kinds": bundle.kinds}))
    store.close()
    names = [f"u{u}" for u in range(PEOPLE)]
    queries = current_queries(data, data.users.codes(names), time.time_ns() // 1000)
    assert queries.shown is not None
    assert queries.disliked is not None
    # The log may know items in another order than the bundle.
    queries = _recoded(queries, ids.codes(data.items.ids.names))
    return pipeline.recommend(queries, 10), pipeline.with_stages({}).recommend(queries, 10)


def _different(engine: Engine, measured: Candidates, ids: IdMap) -> list[str]:
    """Users who get another list from REST."""
    client = TestClient(create_app(engine), base_url="http://127.0.0.1:8000")
    different = []
    for b in range(PEOPLE):
        answer = client.get(f"/v1/users/u{b}/recommendations?n=10").raise_for_status().json()
        assert not answer["degraded"]
        if [item["id"] for item in answer["items"]] != ids.names_of(measured.items[b][measured.items[b] != NO_ITEM]):
            different.append(f"u{b}")
    return different


def _recoded(queries, code):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    def of(rows):  # type: ignore[no-untyped-def]
        return replace(rows, items=code[rows.items])

    return replace(queries, history=of(queries.history), shown=of(queries.shown), disliked=of(queries.disliked))
