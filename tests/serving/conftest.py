"""A small shop of films, trained for real, that the tests of the service share."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from threading import Thread
from typing import TYPE_CHECKING

import httpx
import numpy as np
import polars as pl
import pytest
import uvicorn
from fastapi.testclient import TestClient

from foretaste.data.dataset import Dataset
from foretaste.events.memory import MemoryStore
from foretaste.events.sqlite.store import SqliteStore
from foretaste.pipeline.bundle import Bundle, activate, load_current, save_bundle
from foretaste.pipeline.pipeline import Pipeline
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from foretaste.serving.http.keys import KeyFile
from foretaste.serving.process.http_protocol import TimeoutProtocol
from foretaste.serving.process.server import listen
from foretaste.serving.process.uvicorn_settings import uvicorn_settings
from foretaste.serving.settings import ServerConfig
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

N_FILMS = 60


def film_events() -> pl.DataFrame:
    """Even people rate even films, odd people odd ones; even people viewed film f0, odd people f1."""
    rng = np.random.default_rng(0)
    halves = [np.arange(0, N_FILMS, 2), np.arange(1, N_FILMS, 2)]
    rows = [(f"u{u}", f"f{item}", "rating", 4.0) for u in range(40) for item in rng.permutation(halves[u % 2])[:10]]
    rows += [(f"u{u}", f"f{u % 2}", "view", 1.0) for u in range(40)]
    frame = pl.DataFrame(rows, ["user", "item", "kind", "value"], orient="row")
    return frame.with_columns(time=1_700_000_000_000_000 + pl.int_range(pl.len()) * 1_000_000)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    numbers = range(N_FILMS)
    films = pl.DataFrame(
        {
            "item": [f"f{i}" for i in numbers],
            "title": [None if i == 9 else f"Film <b>{i}</b>" for i in numbers],
            "genres": [["Drama", "Odd"] if i % 2 else ["Comedy"] for i in numbers],
            "year": [None if i == 9 else 1990 + i % 9 for i in numbers],
            "stars": [float("nan") if i == 9 else 4.5 for i in numbers],
            "released": [date(1990 + i % 9, 1, 1) for i in numbers],
            "poster": [b"\xff\x00" for _ in numbers],
        }
    )
    data = Dataset.from_frame(film_events(), films, name="films")
    bundles = tmp_path_factory.mktemp("shop") / "bundles"
    pipeline = Pipeline().fit(data, Run(seed=0))
    activate(bundles, save_bundle(bundles, pipeline, data, metrics={"ndcg@10": 0.3, "odd": float("nan")}))
    return load_current(bundles)


@pytest.fixture
def engine(bundle: Bundle) -> Engine:
    """With a log of its own, in memory."""
    engine = Engine(bundle, MemoryStore())
    engine.store.import_frame(film_events())
    return engine


@pytest.fixture
def client(engine: Engine) -> TestClient:
    return TestClient(create_app(engine), base_url="http://127.0.0.1:8000")


@contextmanager
def running(engine: Engine, config: ServerConfig | None = None, keys: KeyFile | None = None) -> Iterator[httpx.Client]:
    """A real server on a free port of this machine, and a client of it."""
    config = (config or ServerConfig()).model_copy(update={"port": 0})
    listening = listen(config)
    host, port = listening.getsockname()
    protocol = type("Protocol", (TimeoutProtocol,), {"limits": config.limits})
    settings = {**uvicorn_settings(), "http": protocol}
    server = uvicorn.Server(uvicorn.Config(create_app(engine, config, keys), **settings))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def live(bundle: Bundle, tmp_path: Path) -> Iterator[httpx.Client]:
    """A real server with its log on disk."""
    with Engine(bundle, SqliteStore(tmp_path / "events.db")) as engine:
        engine.store.import_frame(film_events())
        with running(engine) as client:
            yield client
