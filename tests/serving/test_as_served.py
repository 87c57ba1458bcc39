"""What people get is what is measured: the row 'as served' asks for the very lists that REST gives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

import worlds
from foretaste.data.current_queries import current_queries
from foretaste.data.dataset import Dataset
from foretaste.data.kinds import EventKind, Kinds
from foretaste.data.project.log_dataset import log_dataset
from foretaste.events.opening import open_store
from foretaste.project import train_on
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from foretaste.types import NO_ITEM, Run

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = 1_000
SETTINGS = """
[serve]
group = "brand"
fatigue_after = 2
new_share = 0.0
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
    store = open_store(None, folder)
    files = Dataset.from_frame(pl.DataFrame({"user": ["u0"], "item": ["i0"]}))
    with Engine.of_project(folder) as engine:
        bundle = engine.world.catalogue.bundle
        assert list(bundle.pipeline.stages) == ["fatigue", "demote_similar", "one_per_group", "new_items"]
        data, _ = log_dataset(store, Dataset(**{**vars(files), "kinds": bundle.kinds}))
        client = TestClient(create_app(engine), base_url="http://127.0.0.1:8000")
        names = [f"u{u}" for u in range(PEOPLE)]
        queries = current_queries(data, data.users.codes(names), time.time_ns() // 1000)
        assert queries.shown is not None
        assert queries.disliked is not None
        # The log may know items in another order than the bundle.
        code = bundle.items.ids.codes(data.items.ids.names)
        queries = _recoded(queries, code)
        measured = bundle.pipeline.recommend(queries, 10)
        plain = bundle.pipeline.with_stages({}).recommend(queries, 10)
        assert (measured.items != plain.items).any(axis=1).sum() > PEOPLE / 4
        ids = bundle.items.ids.names.to_list()
        different = []
        for b, name in enumerate(names):
            answer = client.get(f"/v1/users/{name}/recommendations?n=10").raise_for_status().json()
            assert not answer["degraded"]
            expected = [ids[i] for i in measured.items[b] if i != NO_ITEM]
            if [item["id"] for item in answer["items"]] != expected:
                different.append(name)
        assert different == []
    store.close()


def _recoded(queries, code):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    def of(rows):  # type: ignore[no-untyped-def]
        return replace(rows, items=code[rows.items])

    return replace(queries, history=of(queries.history), shown=of(queries.shown), disliked=of(queries.disliked))
