"""`foretaste serve` with several workers: one log, shared metrics, log lines."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import httpx
import psutil
import pytest

from foretaste.serving.http.keys import KeyFile


@dataclass
class Served:
    address: str
    process: subprocess.Popen[str]
    secret: str
    log: Path

    def fresh(self) -> httpx.Client:
        """A new connection each time, so that any worker may take it."""
        headers = {"Authorization": f"Bearer {self.secret}", "Connection": "close"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=20, verify=False)

    def workers(self) -> list[int]:
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                if child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child.pid)
        return found

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def served(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("workers") / "shop"
    copytree(shop, folder)
    secret = KeyFile.of_project(folder).create("test", ("admin",)).secret
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "log.jsonl"
    command = [sys.executable, "-m", "foretaste", "serve", "-p", str(folder), "--port", str(port), "--workers", "2"]
    with log.open("w") as lines, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=lines, text=True) as process:
        served = Served(f"http://127.0.0.1:{port}", process, secret, log)
        try:
            until(lambda: ready(served), 60)
            until(lambda: len(served.workers()) == 2 and all(is_full(served) for _ in range(8)), 30)
            yield served
        finally:
            process.terminate()
            process.wait(20)


def ready(served: Served) -> bool:
    try:
        return httpx.get(f"{served.address}/readyz", timeout=5).json().get("status") == "ready"
    except httpx.TransportError:
        return False


def is_full(served: Served) -> bool:
    with served.fresh() as client:
        return client.get("/readyz").json().get("status") == "ready"


def until(done: object, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < give_up
        time.sleep(0.05)


def offered(served: Served, n: int = 40) -> set[str]:
    with served.fresh() as client:
        answer = client.get(f"/v1/users/nobody/recommendations?n={n}")
        assert answer.status_code == 200
        return {item["id"] for item in answer.json()["items"]}


def test_what_is_put_and_deleted_holds_on_every_worker_within_a_second(served: Served) -> None:
    with served.fresh() as client:
        assert client.put("/v1/items/brand-new", json={"columns": {"title": "Brand new"}}).status_code == 200
        gone = sorted(offered(served) - {"brand-new"})[0]
        assert client.delete(f"/v1/items/{gone}").json()["deleted"]
    time.sleep(1)
    for _ in range(16):
        there = offered(served)
        assert "brand-new" in there
        assert gone not in there


def test_what_one_worker_heard_the_other_knows_at_once(served: Served) -> None:
    for i in range(20):
        event = {"id": f"w-{i}", "user": f"w{i}", "item": "i2"}
        with served.fresh() as client:
            assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
        with served.fresh() as client:
            assert client.get(f"/v1/users/w{i}/profile").json()["events"] == 1


def test_nothing_is_lost_after_erasures_while_another_command_comes_and_goes(served: Served) -> None:
    """A worker that gave up its locks on the log would write on into one that the command has removed."""
    for i in range(12):  # so that every worker erases somebody
        event = {"id": f"gone-{i}", "user": f"somebody-{i}", "item": "i2"}
        with served.fresh() as client:
            assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
        with served.fresh() as client:
            assert client.delete(f"/v1/users/somebody-{i}").json()["found"]["events"] == 1
        with served.fresh() as client:
            assert client.put(f"/v1/items/passing-{i}", json={"columns": {}}).status_code == 200
        with served.fresh() as client:
            assert client.delete(f"/v1/items/passing-{i}").json()["deleted"]
    held_by_another_process(served, "somebody-0")
    for i in range(4):
        event = {"id": f"kept-{i}", "user": "who-stays", "item": "i2"}
        with served.fresh() as client:
            assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
    assert [event["item"] for event in held_by_another_process(served, "who-stays")] == ["i2"] * 4


def held_by_another_process(served: Served, user: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "foretaste", "export", "--user", user, "-p", str(served.log.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)["events"] if done.returncode == 0 else []


def test_figures_are_of_all_workers(served: Served) -> None:
    def counted() -> float:
        with served.fresh() as client:
            text = client.get("/metrics").text
        wanted = 'foretaste_requests_total{method="GET",route="/v1/items",status="200"} '
        return next((float(line.removeprefix(wanted)) for line in text.splitlines() if line.startswith(wanted)), 0)

    before = counted()
    for _ in range(20):
        with served.fresh() as client:
            assert client.get("/v1/items?n=1").status_code == 200
    assert counted() == before + 20
    with served.fresh() as client:
        text = client.get("/metrics").text
    for name in ("request_seconds_bucket", "events_total", "lists_total", "requests_under_way"):
        assert f"foretaste_{name}" in text


def test_lines_are_json_with_ids_and_routes_and_name_nobody(served: Served) -> None:
    with served.fresh() as client:
        client.get("/v1/users/very-secret/profile", headers={"X-Request-ID": "look-for-me"})
    until(lambda: any(line.get("request_id") == "look-for-me" for line in served.lines()), 5)
    (line,) = (line for line in served.lines() if line.get("request_id") == "look-for-me")
    assert line["route"] == "/v1/users/{user}/profile"
    assert (line["method"], line["status"], line["level"]) == ("GET", 200, "info")
    assert isinstance(line["ms"], float)
    text = served.log.read_text()
    assert "very-secret" not in text
    assert served.secret[16:] not in text


def test_a_worker_that_dies_is_replaced_and_nobody_waits_long(served: Served) -> None:
    victim, other = served.workers()
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(served.workers()) == 2 and victim not in served.workers(), 20)
    assert other in served.workers()
    until(lambda: all(is_full(served) for _ in range(6)), 20)


def test_it_is_closed_without_a_key(served: Served) -> None:
    assert httpx.get(f"{served.address}/v1/items").status_code == 401
    assert httpx.get(f"{served.address}/metrics").status_code == 401
    assert httpx.get(f"{served.address}/healthz").status_code == 200


def test_told_to_stop_it_finishes_and_goes(served: Served) -> None:
    """Last in this file."""
    served.process.terminate()
    assert served.process.wait(20) == 0
    assert "Traceback" not in served.log.read_text()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.address}/healthz")
