"""How fast the service answers over a catalogue of 100,000 items, with the load generator on the same machine.

    python -m benchmarks serving [--folder DIR]        about 6 minutes, on a quiet machine; 4 with a shop that is there

A sequence model (SASRec) and three recalls, merged, filtered, reasons off; the log of 20,000 made-up people. Beside the
figures stands the exact top-k of the sequence model alone, which no service over it can beat. Memory per worker is
what it has to itself (USS) and its share of what it maps together with the others (PSS).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import polars as pl

from benchmarks.loadgen import closed_loop, get, open_loop, post
from benchmarks.so_far import SoFar, kept_or_temporary
from foretaste.data.dataset import Dataset
from foretaste.events.sqlite.store import SqliteStore
from foretaste.index.int8_prefilter import Int8Prefilter
from foretaste.index.topk import top_k
from foretaste.pipeline.bundle import activate, current_version, load_current, save_bundle
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.serving.process.threads import use_one_blas_thread
from foretaste.serving.world.indexes import with_indexes
from foretaste.types import Queries, Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS, PEOPLE, EACH = 100_000, 20_000, 25
SECONDS = 15.0
RECALLS = (
    RecallConfig(model="sasrec", settings={"training": {"epochs": 1, "least_steps": 1}, "loss": {"negatives": 256}}),
    RecallConfig(model="itemknn"),
    RecallConfig(model="rp3beta"),
    RecallConfig(model="trending"),
)


def run(seconds: float = SECONDS, folder: Path | None = None) -> dict[str, object]:
    """folder : where the shop is kept, to be used again by the next run; a temporary one by default"""
    so_far = SoFar("serving")
    result: dict[str, object] = {"items": ITEMS, "recalls": [recall.model for recall in RECALLS]}
    with kept_or_temporary(folder) as place:
        made_once(place)
        so_far.keep(result, "trained")
        use_one_blas_thread()  # as the service does
        result["exact_top_k_alone_ms"] = _top_k_alone()
        result["exact_top_k_by_shortlist_alone_ms"] = _shortlist_alone()
        result["pipeline_alone_ms"] = _pipeline_alone(place)
        so_far.keep(result, "measured without a service")
        for workers in (1, 2):
            with serving(place, workers) as service:
                found: dict[str, object] = {}
                result[f"workers_{workers}"] = found
                for step in _steps(service, found, seconds):
                    so_far.keep(result, f"{workers} workers: {step} {found[step]}")
    return result


def _steps(service: Service, found: dict[str, object], seconds: float) -> Iterator[str]:
    asyncio.run(closed_loop(service.port, _list, 4, 3))  # caches of the disk and of the allocator
    found["seconds_until_port"] = service.seconds_until_port
    found["seconds_until_ready"] = service.seconds_until_ready
    found["open_loop_100_per_second"] = asyncio.run(open_loop(service.port, _list, 100, seconds)).summary()
    yield "open_loop_100_per_second"
    busy = service.cpu_seconds()
    best = asyncio.run(closed_loop(service.port, _list, 8, seconds))
    busy = service.cpu_seconds() - busy
    found["sustained"] = best.summary()
    yield "sustained"
    found["cpu_ms_per_list"] = round(1000 * busy / max(1, best.statuses[200]), 2)
    yield "cpu_ms_per_list"
    twice = 2 * len(best.seconds) / best.took
    found["twice_the_sustainable_load"] = asyncio.run(open_loop(service.port, _list, twice, seconds)).summary()
    yield "twice_the_sustainable_load"
    time.sleep(2)
    found["after_it"] = asyncio.run(open_loop(service.port, _list, 50, 5)).summary()
    yield "after_it"
    found["memory"] = service.memory()
    ingested = asyncio.run(closed_loop(service.port, _events, 8, seconds))
    found["events_per_second_in_batches_of_100"] = round(100 * ingested.statuses[200] / ingested.took)
    yield "events_per_second_in_batches_of_100"


def made_once(folder: Path, **how: Any) -> None:
    """`made`, unless a bundle is in use there from the time before."""
    if current_version(folder / "bundles") is None:
        made(folder, **how)


def made(
    folder: Path,
    items: int = ITEMS,
    people: int = PEOPLE,
    each: int = EACH,
    recalls: tuple[RecallConfig, ...] = RECALLS,
    *,
    all_taken: bool = False,
) -> None:
    """A project whose people like items near one another, some items much more than others.

    all_taken : every item is taken by somebody, so that the models know all of them
    """
    rng = np.random.default_rng(0)
    taste = rng.integers(0, 200, people)
    liked = np.minimum(rng.zipf(1.3, (people, each)) - 1, items // 200 - 1) * 200 + taste[:, None]
    anything = rng.integers(0, items, (people, each))
    item = np.where(rng.random((people, each)) < 0.7, liked, anything)
    if all_taken:
        item[:, 1:] = np.where(rng.random((people, each - 1)) < 0.2, liked[:, 1:], -1)
        item[item < 0] = rng.permutation(np.arange((item < 0).sum()) % items)
    item = item.ravel()
    log = pl.DataFrame({"user": np.repeat(np.arange(people), each), "item": item}).select(
        pl.format("u{}", "user").alias("user"), pl.format("i{}", "item").alias("item"), pl.lit("view").alias("kind")
    )
    log = log.with_columns(time=1_700_000_000_000_000 + pl.int_range(pl.len()) * 1_000_000)
    catalogue = pl.DataFrame({"item": np.arange(items)}).select(
        pl.format("i{}", "item").alias("item"),
        pl.format("Title of item {}", "item").alias("title"),
        (pl.col("item") % 50).cast(pl.String).alias("category"),
        (1 + pl.col("item") % 400).alias("price"),
    )
    data = Dataset.from_frame(log, catalogue, name="made up")
    store = SqliteStore(folder / "events.db")
    store.import_frame(log)
    position = store.position
    store.close()
    pipeline = Pipeline(PipelineConfig(recalls=recalls)).fit(data, Run(seed=0))
    activate(folder / "bundles", save_bundle(folder / "bundles", pipeline, data, log_position=position))


def _list(number: int) -> bytes:
    wanted = "&filter=%7B%22price%22:%7B%22max%22:300%7D%7D"
    return get(f"/v1/users/u{number * 7919 % PEOPLE}/recommendations?n=10{wanted}")


def _events(number: int) -> bytes:
    some = [
        {"id": uuid4().hex, "user": f"n{number % 5_000}", "item": f"i{(number * 100 + i) % ITEMS}", "kind": "view"}
        for i in range(100)
    ]
    return post("/v1/events", json.dumps({"events": some}).encode())


def _top_k_alone() -> dict[str, float]:
    """One vector against all items, and the best 200 of them."""
    rng = np.random.default_rng(0)
    items, person = rng.standard_normal((ITEMS, 64), np.float32), rng.standard_normal((1, 64), np.float32)
    return _timed(lambda: top_k(person @ items.T, 200))


def _shortlist_alone() -> dict[str, float]:
    """The same by way of a shortlist, as the service does it."""
    rng = np.random.default_rng(0)
    items, person = rng.standard_normal((ITEMS, 64), np.float32), rng.standard_normal((1, 64), np.float32)
    shortlist = Int8Prefilter(items)
    return _timed(lambda: shortlist.search(person, 200))


def _pipeline_alone(folder: Path) -> dict[str, float]:
    pipeline = with_indexes(load_current(folder / "bundles"), above=2 * ITEMS).pipeline
    rng = np.random.default_rng(0)
    people = [rng.integers(0, ITEMS, EACH, np.int32) for _ in range(50)]
    turn = iter(range(1 << 60))
    return _timed(lambda: pipeline.answer(Queries.guests([people[next(turn) % 50]]), 10))


def _timed(work: Any, times: int = 200) -> dict[str, float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    p50, p99 = np.quantile(np.array(took[times // 10 :]) * 1e3, [0.5, 0.99])
    return {"p50": round(p50, 2), "p99": round(p99, 2)}


class Service:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self.address = f"http://127.0.0.1:{port}"
        self.seconds_until_port = self._wait("/healthz", "ok")
        self.seconds_until_ready = round(self.seconds_until_port + self._wait("/readyz", "ready"), 2)

    def _wait(self, path: str, status: str) -> float:
        began = time.perf_counter()
        while time.perf_counter() < began + 120:
            try:
                with urllib.request.urlopen(self.address + path, timeout=5) as answer:
                    if json.load(answer)["status"] == status:
                        return round(time.perf_counter() - began, 2)
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError("the service did not become ready within two minutes")

    def cpu_seconds(self) -> float:
        """Of all processes of the service so far; unlike a latency it does not depend on what else the machine does."""
        import psutil

        parent = psutil.Process(self.process.pid)
        times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
        return sum(t.user + t.system for t in times)

    def memory(self) -> list[dict[str, int]]:
        """MB of each process that answers."""
        import psutil

        parent = psutil.Process(self.process.pid)
        workers = parent.children() or [parent]
        told = [worker.memory_full_info() for worker in workers]
        return [{"rss": m.rss >> 20, "uss": m.uss >> 20, "pss": m.pss >> 20} for m in told]


@contextmanager
def serving(folder: Path, workers: int) -> Iterator[Service]:
    """`foretaste serve` as it is started by people, without a line per request."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "foretaste", "serve", "-p", str(folder), "--port", str(port), "--quiet"]
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Service(process, port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
