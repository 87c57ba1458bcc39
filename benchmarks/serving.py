"""How fast the service answers on MovieLens 100K: pipeline of three recalls with reasons, over HTTP on one machine.

    python -m benchmarks serving

The load generator shares the two cores with the server; figures are of the service as `foretaste serve` starts it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from time import perf_counter

import httpx
import numpy as np

from foretaste.data.sources import load_source
from foretaste.project import train_on
from foretaste.types import Run

REQUESTS, CLIENTS = 1_500, 4


def run() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = load_source("movielens-100k")
        train_on(folder, data, Run(seed=0))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "foretaste", "serve", "-p", str(folder), "--port", str(port)]
        began = perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            ready = perf_counter() - began
            people = data.users.names.to_list()
            result = {
                "requests": REQUESTS,
                "clients": CLIENTS,
                "seconds_until_ready": round(ready, 2),
                "recommend": _load(
                    address, [f"/v1/users/{people[i % 943]}/recommendations?n=10" for i in range(REQUESTS)]
                ),
                "recommend_explained": _load(
                    address, [f"/v1/users/{people[i % 943]}/recommendations?n=10&explain=true" for i in range(REQUESTS)]
                ),
                "click_then_list_ms": _clicks(address, people[0], 200),
                "server_rss_mb": _rss_mb(server.pid),
            }
            server.terminate()
    return result


def _load(address: str, paths: list[str]) -> dict[str, float]:
    seconds: list[float] = []

    def client(mine: list[str]) -> None:
        with httpx.Client(base_url=address) as session:
            for path in mine:
                began = perf_counter()
                session.get(path).raise_for_status()
                seconds.append(perf_counter() - began)

    began = perf_counter()
    threads = [threading.Thread(target=client, args=(paths[i::CLIENTS],)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p99 = np.quantile(np.array(seconds) * 1e3, [0.5, 0.99])
    return {
        "per_second": round(len(paths) / (perf_counter() - began)),
        "p50_ms": round(p50, 1),
        "p99_ms": round(p99, 1),
    }


def _clicks(address: str, person: str, n: int) -> dict[str, float]:
    """POST an event for the first item of the list, then GET the list: one client, both requests together."""
    took = []
    with httpx.Client(base_url=address) as session:
        for i in range(n):
            first = session.get(f"/v1/users/{person}/recommendations?n=10").json()["items"][0]["id"]
            began = perf_counter()
            event = {"id": f"bench-{os.getpid()}-{i}", "user": person, "item": first, "kind": "rating", "value": 5}
            session.post("/v1/events", json={"events": [event]}).raise_for_status()
            after = session.get(f"/v1/users/{person}/recommendations?n=10").json()
            took.append(perf_counter() - began)
            assert first not in {item["id"] for item in after["items"]}
    p50, p99 = np.quantile(np.array(took) * 1e3, [0.5, 0.99])
    return {"p50": round(p50, 1), "p99": round(p99, 1)}


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the service did not become ready within 30 s")


def _rss_mb(pid: int) -> int:
    import psutil

    return round(psutil.Process(pid).memory_info().rss / 1e6)
