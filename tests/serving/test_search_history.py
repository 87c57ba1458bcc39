"""Searches become part of the history of a user, where the project and the request allow it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from foretaste.data.dataset import Dataset
from foretaste.data.project.log_dataset import log_dataset
from foretaste.events.memory import MemoryStore
from foretaste.events.model import SEARCHED
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine
from foretaste.serving.config import ServiceConfig
from foretaste.serving.http.app import create_app
from foretaste.serving.http.keys import KeyFile
from foretaste.types import Queries
from serving.conftest import film_events


@pytest.fixture
def engine(bundle: Bundle) -> Engine:
    engine = Engine(bundle, MemoryStore(), ServiceConfig(remember_searches=True))
    engine.store.import_frame(film_events())
    return engine


@pytest.fixture
def client(engine: Engine) -> TestClient:
    return TestClient(create_app(engine), base_url="http://127.0.0.1:8000")


def remembered(engine: Engine, user: str) -> list[str]:
    past = engine.store.history(user)
    return [item for item, kind in zip(past.item, past.kind, strict=True) if kind == SEARCHED]


def test_a_search_is_remembered_where_both_sides_say_so(engine: Engine, client: TestClient) -> None:
    def search(**params: object) -> bool:
        answer: bool = client.get("/v1/search", params={"q": "comedy", **params}).json()["remembered"]
        return answer

    assert not search(user="u1")
    assert not search(remember="true")
    assert remembered(engine, "u1") == []
    assert search(user="u1", remember="true")
    assert search(user="u1", remember="true"), "asked again within ten minutes it is the same search"
    assert search(user="u1", remember="true", q="drama")
    assert remembered(engine, "u1") == ["comedy", "drama"]


def test_without_the_projects_word_nothing_is_written(bundle: Bundle) -> None:
    engine = Engine(bundle, MemoryStore())
    client = TestClient(create_app(engine), base_url="http://127.0.0.1:8000")
    answer = client.get("/v1/search", params={"q": "comedy", "user": "u1", "remember": "true"}).json()
    assert answer["remembered"] is False
    assert len(engine.store.frame()) == 0


def test_to_remember_needs_the_scope_write(engine: Engine, tmp_path: Path) -> None:
    keys = KeyFile.of_project(tmp_path)
    client = TestClient(create_app(engine, keys=keys), base_url="http://127.0.0.1:8000")
    asks = {"X-API-Key": keys.create("asks", ("read",)).secret}
    writes = {"X-API-Key": keys.create("writes", ("write",)).secret}
    assert client.get("/v1/search?q=remember+the+titans&user=u1", headers=asks).status_code == 200
    for query in ("q=x&user=u1&remember=true", "q=x&user=u1&%72emember=true", "q=x&user=u1&remember=false"):
        assert client.get(f"/v1/search?{query}", headers=asks).status_code == 403
    assert client.get("/v1/search?q=x&user=u1&remember=true", headers=writes).json()["remembered"]


def test_searches_come_as_events_too_and_are_no_items(engine: Engine, client: TestClient) -> None:
    before = client.get("/v1/users/u1/recommendations?n=20").json()
    given = [{"id": f"s{i}", "type": "search", "user": "u1", "text": text} for i, text in enumerate(["f4", "a film"])]
    results = client.post("/v1/events", json={"events": given}).json()["results"]
    assert [result["status"] for result in results] == ["accepted"] * 2
    assert [result["why"] for result in results] == [None] * 2
    after = client.get("/v1/users/u1/recommendations?n=20").json()
    assert after["items"] == before["items"], "no model of this bundle reads searches, and none takes them for films"
    assert after["events_used"] == before["events_used"]
    profile = client.get("/v1/users/u1/profile?n=2").json()["history"]
    assert [(event["title"], event["kind"]) for event in profile] == [("a film", SEARCHED), ("f4", SEARCHED)]
    assert client.delete("/v1/users/u1/history?item=a+film").json()["removed"] == 1
    assert remembered(engine, "u1") == ["f4"]


def test_a_question_carries_the_latest_searches(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Queries] = []
    pipeline = engine.world.catalogue.bundle.pipeline
    answer = type(pipeline).answer

    def watched(self: object, queries: Queries, *args: object, **more: object) -> object:
        seen.append(queries)
        return answer(self, queries, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(pipeline), "answer", watched)
    for text in "abcdefg":
        engine.remember_search("u1", text)
    engine.for_user("u1")
    engine.for_user("u2")
    assert seen[0].searches == (("c", "d", "e", "f", "g"),)
    assert seen[1].searches is None


def test_training_reads_them_as_searches_and_not_as_items(engine: Engine) -> None:
    engine.remember_search("u1", "a film about nothing")
    files = Dataset.from_frame(film_events())
    data, _ = log_dataset(engine.store, files)
    assert "a film about nothing" not in data.items.ids.names
    assert SEARCHED not in data.kinds.names
    assert data.searches is not None
    assert data.searches.select("user", "text").rows() == [("u1", "a film about nothing")]
    of_files = pl.DataFrame({"user": ["u2"], "text": ["older"], "time": [5]})
    both, _ = log_dataset(engine.store, Dataset(**{**vars(files), "searches": of_files}))
    assert both.searches is not None
    assert both.searches["text"].to_list() == ["older", "a film about nothing"]
    assert both.searched is not None
    assert both.searched.latest(data.users.codes(pl.Series(["u1", "u2"]))) == (("a film about nothing",), ("older",))
