"""Attributes of users reach the models that were trained on attributes, and no others."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from foretaste.data.dataset import Dataset
from foretaste.events.sqlite.store import SqliteStore
from foretaste.pipeline.bundle import activate, save_bundle
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.serving.answering.engine import Engine
from foretaste.serving.answering.replay import Replayer
from foretaste.serving.http.app import create_app
from foretaste.types import Run
from serving.conftest import film_events

if TYPE_CHECKING:
    from collections.abc import Iterator

RECALLS = (
    RecallConfig(model="ease"),
    RecallConfig(model="demographic", settings={"shrinkage": 20, "weight": 1}, weight=0.02),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Even people are students and rate even films, odd ones are pensioners; tests leave its files as they are."""
    folder = tmp_path_factory.mktemp("columns") / "shop"
    data = Dataset.from_frame(film_events(), name="films")
    even = np.array([int(name[1:]) % 2 == 0 for name in data.users.names])
    table = pl.DataFrame({"user": data.users.names, "work": np.where(even, "student", "pensioner")})
    pipeline = Pipeline(PipelineConfig(recalls=RECALLS)).fit(replace(data, user_table=table), Run())
    activate(folder / "bundles", save_bundle(folder / "bundles", pipeline, data))
    store = SqliteStore(folder / "events.db")
    store.import_frame(film_events())
    store.close()
    return folder


@pytest.fixture
def client(shop: Path) -> Iterator[TestClient]:
    with (
        Engine.of_project(shop) as engine,
        TestClient(create_app(engine), base_url="http://127.0.0.1:8000") as client,
    ):
        yield client


def parities(answer: dict[str, Any]) -> set[int]:
    return {int(item["id"][1:]) % 2 for item in answer["items"]}


def listed(client: TestClient, user: str) -> dict[str, Any]:
    return client.get(f"/v1/users/{user}/recommendations", params={"n": 6, "explain": True}).json()


def test_a_newcomer_is_answered_by_what_was_put_and_told_why(client: TestClient) -> None:
    assert {item["reasons"][0]["kind"] for item in listed(client, "nina")["items"]} == {"popular"}
    for work, parity in (("student", 0), ("pensioner", 1)):
        client.put("/v1/users/nina", json={"columns": {"work": work, "secret": "x" * 50}})
        answer = listed(client, "nina")
        assert parities(answer) == {parity}
        assert answer["events_used"] == 0
        for item in answer["items"]:
            assert item["sources"].keys() == {"demographic"}
            why = item["reasons"][0]
            assert (why["kind"], why["text"]) == ("people", f"Wanted by people like you: work {work}")
    client.put("/v1/users/nina", json={})
    assert {item["reasons"][0]["kind"] for item in listed(client, "nina")["items"]} == {"popular"}


def test_a_guest_brings_columns_along(client: TestClient) -> None:
    def guest(**said: Any) -> dict[str, Any]:
        return client.post("/v1/recommendations", json={"n": 6, **said}).json()

    assert parities(guest(columns={"work": "pensioner"})) == {1}
    assert parities(guest(columns={"work": "pensioner"}, history=[{"item": "f2"}, {"item": "f4"}])) == {0}
    strange = [{"work": None}, {"work": ["student", 3]}, {"work": {"a": 1}}, {"work": 10**40}, {"shoe": 43}, {}]
    for columns in strange:
        assert len(guest(columns=columns)["items"]) == 6
    refused = client.post("/v1/recommendations", json={"columns": ["student"]})
    assert refused.status_code == 422


def test_a_list_of_ones_own_is_ranked_by_columns_too(client: TestClient) -> None:
    items = [f"f{i}" for i in range(20, 28)]

    def first(**said: Any) -> str:
        return client.post("/v1/rank", json={"items": items, **said}).json()["items"][0]["id"]

    client.put("/v1/users/tom", json={"columns": {"work": "pensioner"}})
    assert int(first(user="tom")[1:]) % 2 == 1
    assert int(first(columns={"work": "student"})[1:]) % 2 == 0
    assert int(first(user="tom", columns={"work": "student"})[1:]) % 2 == 0


def test_a_past_answer_knows_the_columns_of_then_and_an_erased_person_has_none(shop: Path) -> None:
    with Engine.of_project(shop) as engine:
        engine.start()
        client = TestClient(create_app(engine), base_url="http://127.0.0.1:8000")
        client.put("/v1/users/kim", json={"columns": {"work": "student", "secret": "blue"}})
        sent = client.get("/v1/users/kim/recommendations")
        client.put("/v1/users/kim", json={"columns": {"work": "pensioner"}})
        assert client.get("/v1/users/kim/recommendations").content != sent.content
        time.sleep(0.6)  # what is written down is written down within a moment
        with Replayer.of_project(shop) as replayer:
            found = replayer.replay(sent.json()["recommendation_id"])
        assert found.same, found.why
        assert found.body == sent.content
        exported = client.get("/v1/users/kim/export").json()
        asked = [answer["question"]["columns"] for answer in exported["answers"]]
        assert sorted(asked, key=str) == [{"work": "pensioner"}, {"work": "student"}], "and nothing that no model reads"
        assert client.delete("/v1/users/kim").json()["found"]["answers"] == 2
        kinds = {item["sources"].keys() == {"demographic"} for item in listed(client, "kim")["items"]}
        assert kinds == {False}


def test_the_log_is_not_asked_where_no_model_reads_columns(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """`engine` is of a bundle of ease and item-KNN."""

    def never(user: str) -> None:
        raise AssertionError("a question to the store for nothing")

    monkeypatch.setattr(engine.store, "user", never)
    assert engine.for_user("u4").items
