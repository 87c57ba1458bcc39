"""An event that was acknowledged is in the very next answer, every time, on every worker."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import httpx
from fastapi.testclient import TestClient

from foretaste.events.sqlite.store import SqliteStore
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app


def test_a_thousand_times_the_next_answer_knows_what_was_just_done(live: httpx.Client) -> None:
    for person in range(50):
        address = f"/v1/users/new-{person}/recommendations?n=10"
        answer = live.get(address).json()
        for i in range(20):
            item = answer["items"][i % 10]["id"]
            event = {"id": f"{person}-{i}", "user": f"new-{person}", "item": item, "kind": "rating", "value": 5.0}
            assert live.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
            answer = live.get(address).json()
            assert item not in {found["id"] for found in answer["items"]}, f"{item} is still offered"
            assert answer["events_used"] == i + 1


def test_one_event_changes_what_is_offered(live: httpx.Client) -> None:
    before = live.get("/v1/users/ann/recommendations?n=5&explain=true").json()
    assert before["items"][0]["reasons"][0]["kind"] == "popular"
    live.post("/v1/events", json={"events": [{"id": "1", "user": "ann", "item": "f5", "kind": "rating"}]})
    after = live.get("/v1/users/ann/recommendations?n=5&explain=true").json()
    assert {int(item["id"][1:]) % 2 for item in after["items"]} == {1}
    assert {reason["item"] for item in after["items"] for reason in item["reasons"]} == {"f5"}


def test_what_one_worker_accepted_another_answers_from(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    clients = [TestClient(create_app(Engine(bundle, SqliteStore(path))), base_url="http://localhost") for _ in range(2)]
    for i in range(20):
        event = {"id": f"e-{i}", "user": "ann", "item": f"f{i}", "kind": "rating"}
        assert clients[i % 2].post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
        assert clients[(i + 1) % 2].get("/v1/users/ann/recommendations").json()["events_used"] == i + 1
        again = clients[(i + 1) % 2].post("/v1/events", json={"events": [event]}).json()
        assert again["results"][0]["status"] == "duplicate"


def test_many_at_once_each_see_their_own(live: httpx.Client) -> None:
    wrong: list[str] = []

    def shop(user: str) -> None:
        for i in range(15):
            event = {"id": f"{user}-{i}", "user": user, "item": f"f{i}", "kind": "rating"}
            live.post("/v1/events", json={"events": [event]}).raise_for_status()
            answer = live.get(f"/v1/users/{user}/recommendations").json()
            if answer["events_used"] != i + 1 or f"f{i}" in {item["id"] for item in answer["items"]}:
                wrong.append(f"{user} {i}")

    shoppers = [Thread(target=shop, args=(f"s{k}",)) for k in range(4)]
    for shopper in shoppers:
        shopper.start()
    for shopper in shoppers:
        shopper.join()
    assert not wrong
    assert {person["events"] for person in live.get("/v1/users?n=4").json()["users"]} == {15}
