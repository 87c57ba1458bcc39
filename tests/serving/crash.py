"""Kills the service without warning, again and again, while clients send every event three times; then counts.

The tests run half a minute of it; `python -m benchmarks serving_crash` runs ten.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

import httpx

from foretaste.events.sqlite.store import SqliteStore

CLIENTS = 8
TIMES = 3
"""So often every event is sent, in random order and in random batches."""


@dataclass
class Outcome:
    kills: int = 0
    sent: int = 0
    acknowledged: int = 0
    conflicts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    seconds_until_ready: list[float] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


class Service:
    """`foretaste serve` in a process group of its own, so that a kill takes all of it."""

    def __init__(self, folder: Path, workers: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        serve = ["serve", "-p", str(folder), "--port", str(self.port), "--workers", str(workers), "--quiet"]
        self._command = [sys.executable, "-m", "foretaste", *serve]
        self._log = (folder / "crash.log").open("a")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Returns the seconds until it can answer."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=self._log, start_new_session=True
        )
        while time.monotonic() < began + 60:
            with suppress(httpx.HTTPError, json.JSONDecodeError):
                if httpx.get(f"{self.address}/readyz", timeout=2).status_code == 200:
                    return time.monotonic() - began
            time.sleep(0.05)
        raise RuntimeError("the service did not come back within a minute; see crash.log")

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def crash(
    folder: Path, seconds: float, *, every: float = 5.0, chance: float = 0.3, workers: int = 1, seed: int = 0
) -> Outcome:
    """Runs it against a trained project folder whose log nobody else writes."""
    outcome, lock, stop = Outcome(), Lock(), Event()
    acknowledged: set[str] = set()
    sent: set[str] = set()
    service = Service(folder, workers)
    before = {tuple(row) for row in _log(folder)}
    outcome.seconds_until_ready.append(service.start())
    deadline = time.monotonic() + seconds

    def send(client: int) -> None:
        rng = random.Random(f"{seed} {client}")
        number = 0
        with httpx.Client(base_url=service.address, timeout=5) as session:
            while not stop.is_set():
                names = [f"{client}-{number + i}" for i in range(rng.randint(1, 40))]
                number += len(names)
                copies = names * TIMES
                rng.shuffle(copies)
                while copies:
                    batch = copies[: rng.randint(1, 30)]
                    with lock:
                        sent.update(batch)
                    results = _post(session, batch, stop)
                    if results is None:
                        if stop.is_set():
                            return
                        continue  # the same ids again
                    with lock:
                        for result in results:
                            if result["status"] in ("accepted", "duplicate"):
                                acknowledged.add(result["id"])
                            else:
                                outcome.strange.append(str(result))
                    del copies[: len(batch)]

    threads = [Thread(target=send, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    rng = random.Random(seed)
    while time.monotonic() < deadline:
        time.sleep(every)
        if rng.random() < chance:
            service.kill()
            outcome.kills += 1
            outcome.seconds_until_ready.append(service.start())
    service.kill()  # and once more under full load, before anybody stops
    outcome.kills += 1
    stop.set()
    for thread in threads:
        thread.join()

    outcome.sent, outcome.acknowledged = len(sent), len(acknowledged)
    kept: dict[str, int] = {}
    for user, item in _log(folder):
        if (user, item) not in before:
            name = item.removeprefix("crash-")
            kept[name] = kept.get(name, 0) + 1
    outcome.lost = sorted(acknowledged - kept.keys())
    outcome.doubled = sorted(name for name, times in kept.items() if times > 1)
    outcome.invented = sorted(kept.keys() - sent)
    return outcome


def _post(session: httpx.Client, batch: list[str], stop: Event) -> list[dict[str, str]] | None:
    events = [{"id": name, "user": f"c{name.partition('-')[0]}", "item": f"crash-{name}"} for name in batch]
    try:
        answer = session.post("/v1/events", json={"events": events})
        if answer.status_code == 200:
            results: list[dict[str, str]] = answer.json()["results"]
            return results
    except (httpx.HTTPError, json.JSONDecodeError):
        pass
    stop.wait(0.05)
    return None


def _log(folder: Path) -> list[tuple[str, str]]:
    store = SqliteStore(folder / "events.db")
    try:
        return store.frame().select("user", "item").rows()
    finally:
        store.close()
