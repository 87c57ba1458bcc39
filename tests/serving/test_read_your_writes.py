"""An event that was acknowledged is in the very next answer, every time, on every worker."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from foretaste.errors import ConfigError
from foretaste.events.sqlite import SqliteStore
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.app import create_app
from foretaste.serving.engine import Engine
from foretaste.serving.server import listen
from foretaste.serving.settings import ServerConfig


def test_a_thousand_times_the_next_answer_knows_what_was_just_done(durable: TestClient) -> None:
    for i in range(1_000):
        user = f"new-{i // 20}"
        offered = durable.get(f"/v1/users/{user}/recommendations?n=10").json()
        item = offered["items"][i % 10]["id"]
        event = {"id": f"e-{i}", "user": user, "item": item, "kind": "rating", "value": 5.0}
        kept = durable.post("/v1/events", json={"events": [event]}).json()
        assert kept["accepted"] == 1
        answer = durable.get(f"/v1/users/{user}/recommendations?n=10").json()
        assert item not in {found["id"] for found in answer["items"]}, f"round {i}: {item} is still offered"
        assert answer["events_used"] == offered["events_used"] + 1


def test_one_event_changes_what_is_offered(durable: TestClient) -> None:
    before = durable.get("/v1/users/ann/recommendations?n=5&explain=true").json()
    assert before["items"][0]["reasons"][0]["kind"] == "popular"
    durable.post("/v1/events", json={"events": [{"id": "1", "user": "ann", "item": "f5", "kind": "rating"}]})
    after = durable.get("/v1/users/ann/recommendations?n=5&explain=true").json()
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


def test_a_real_server_answers_many_at_once(bundle: Bundle, tmp_path: Path) -> None:
    listening = listen(ServerConfig(port=0))
    host, port = listening.getsockname()
    wrong: list[str] = []

    def shop(user: str, address: str) -> None:
        with httpx.Client(base_url=address) as client:
            for i in range(15):
                event = {"id": f"{user}-{i}", "user": user, "item": f"f{i}", "kind": "rating"}
                client.post("/v1/events", json={"events": [event]}).raise_for_status()
                answer = client.get(f"/v1/users/{user}/recommendations").json()
                if answer["events_used"] != i + 1 or f"f{i}" in {item["id"] for item in answer["items"]}:
                    wrong.append(f"{user} {i}")

    with Engine(bundle, SqliteStore(tmp_path / "events.db")) as engine:
        server = uvicorn.Server(uvicorn.Config(create_app(engine), log_level="warning", access_log=False))
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        try:
            while not server.started:
                time.sleep(0.01)
            shoppers = [threading.Thread(target=shop, args=(f"s{k}", f"http://{host}:{port}")) for k in range(4)]
            for shopper in shoppers:
                shopper.start()
            for shopper in shoppers:
                shopper.join()
        finally:
            server.should_exit = True
            running.join()
            listening.close()
        assert not wrong
        assert sum(engine.store.count(f"s{k}") for k in range(4)) == 60


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"Cannot listen on 127\.0\.0\.1 port {port} \(Address already in use\)"):
            listen(ServerConfig(port=port))
