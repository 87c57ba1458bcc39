"""Users can read, export and remove all data about them."""

from __future__ import annotations

from fastapi.testclient import TestClient

from foretaste.serving.answering.engine import Engine

EVENTS = [
    {"id": "1", "user": "ann", "item": "f2", "kind": "view", "time": "2026-11-10T10:00:00Z"},
    {"id": "2", "user": "ann", "item": "f2", "kind": "rating", "time": "2026-11-10T11:00:00Z", "value": 5},
    {"id": "3", "user": "ann", "item": "f4", "kind": "view", "time": "2026-11-10T12:00:00Z"},
]


def items(client: TestClient, user: str = "ann") -> list[tuple[str, str]]:
    history = client.get(f"/v1/users/{user}/profile").json()["history"]
    return [(event["item"], event["kind"]) for event in history]


def test_what_is_known_of_a_person_beside_what_they_did(client: TestClient) -> None:
    assert client.get("/v1/users/ann").status_code == 404
    body = {"columns": {"country": "DE", "tags": ["a", "b"]}}
    assert client.put("/v1/users/ann", json=body).json() == {"id": "ann", "events": 0, **body}
    client.post("/v1/events", json={"events": EVENTS})
    assert client.get("/v1/users/ann").json() == {"id": "ann", "events": 3, **body}
    assert client.put("/v1/users/ann", json={}).json()["columns"] == {}
    event = {"id": "u", "type": "user", "user": "bob", "columns": {"age": 7}}
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
    assert client.get("/v1/users/bob").json()["columns"] == {"age": 7}


def test_one_entry_goes_by_item_kind_and_time(client: TestClient) -> None:
    client.post("/v1/events", json={"events": EVENTS})
    gone = client.delete("/v1/users/ann/history", params={"item": "f2", "kind": "view"})
    assert gone.json() == {"user": "ann", "removed": 1}
    assert items(client) == [("f4", "view"), ("f2", "rating")]
    entry = client.get("/v1/users/ann/profile").json()["history"][0]
    there = {"item": entry["item"], "kind": entry["kind"], "time": entry["time"]}
    assert client.delete("/v1/users/ann/history", params=there).json()["removed"] == 1
    assert client.delete("/v1/users/ann/history", params=there).json()["removed"] == 0
    assert items(client) == [("f2", "rating")]
    client.post("/v1/events", json={"events": EVENTS})  # a late retry
    assert items(client) == [("f2", "rating")]


def test_a_new_beginning_forgets_all_of_the_history_but_not_the_person(client: TestClient) -> None:
    client.put("/v1/users/ann", json={"columns": {"country": "DE"}})
    client.post("/v1/events", json={"events": EVENTS})
    assert client.delete("/v1/users/ann/history", params={"all": "true"}).json() == {"user": "ann", "removed": 3}
    assert client.get("/v1/users/ann/recommendations").json()["events_used"] == 0
    assert client.get("/v1/users/ann").json()["columns"] == {"country": "DE"}


def test_what_to_forget_must_be_said(client: TestClient) -> None:
    client.post("/v1/events", json={"events": EVENTS})
    for wrong in ({}, {"all": "true", "item": "f2"}, {"kind": "view"}, {"item": "f2", "time": "noon"}):
        assert client.delete("/v1/users/ann/history", params=wrong).status_code == 422
    assert len(items(client)) == 3


def test_the_next_answer_knows_what_was_forgotten(client: TestClient) -> None:
    def offered() -> set[str]:
        return {item["id"] for item in client.get("/v1/users/ann/recommendations?n=60").json()["items"]}

    client.post("/v1/events", json={"events": EVENTS})
    assert "f2" not in offered()
    client.delete("/v1/users/ann/history", params={"item": "f2"})
    assert "f2" in offered()


def test_a_person_gets_all_that_is_kept_of_them(client: TestClient) -> None:
    client.put("/v1/users/ann", json={"columns": {"country": "DE"}})
    client.post("/v1/events", json={"events": EVENTS})
    kept = client.get("/v1/users/ann/export").json()
    assert (kept["user"], kept["columns"]) == ("ann", {"country": "DE"})
    assert [(event["item"], event["kind"], event["value"]) for event in kept["events"]] == [
        ("f2", "view", 1.0),
        ("f2", "rating", 5.0),
        ("f4", "view", 1.0),
    ]
    assert client.get("/v1/users/nobody/export").status_code == 404


def test_erasing_leaves_nothing_and_gives_a_receipt_without_the_name(client: TestClient, engine: Engine) -> None:
    client.put("/v1/users/ann-the-secret", json={"columns": {"country": "DE"}})
    client.post("/v1/events", json={"events": [{**event, "user": "ann-the-secret"} for event in EVENTS]})
    answer = client.delete("/v1/users/ann-the-secret")
    assert answer.status_code == 200
    assert answer.json()["found"]["events"] == 3
    assert "ann-the-secret" not in answer.text
    assert client.get("/v1/users/ann-the-secret").status_code == 404
    assert client.get("/v1/users/ann-the-secret/profile").json()["events"] == 0
    assert "ann-the-secret" not in client.get("/v1/users?n=500").text
    again = client.delete("/v1/users/ann-the-secret").json()
    assert sum(again["found"].values()) == 0
    assert again["id"] != answer.json()["id"]
