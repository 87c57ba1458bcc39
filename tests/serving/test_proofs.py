"""The promises of proofs.py, a little of each, over HTTP."""

from __future__ import annotations

from pathlib import Path

import httpx

from foretaste.api import EventIn
from foretaste.events.sqlite.store import SqliteStore
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine
from serving.conftest import film_events, running
from serving.proofs import equal_to_pipeline, never_offered


def test_nothing_hidden_deleted_or_bought_is_offered(bundle: Bundle, tmp_path: Path) -> None:
    with Engine(bundle, SqliteStore(tmp_path / "events.db")) as engine:
        engine.store.import_frame(film_events())
        with running(engine) as client:

            def fresh() -> httpx.Client:
                return httpx.Client(base_url=client.base_url, timeout=20, verify=False)

            found = never_offered(fresh, [f"f{i}" for i in range(20)], [f"u{i}" for i in range(10)], answers=80)
    assert found["wrong"] == []
    assert found["answers"] >= 80
    assert found["changes"] > 10
    assert found["purchases"] > 10


def test_rest_says_what_the_pipeline_says(bundle: Bundle, tmp_path: Path) -> None:
    with Engine(bundle, SqliteStore(tmp_path / "events.db")) as engine:
        engine.store.import_frame(film_events())
        engine.record([EventIn(id=f"{i}", user=f"u{i}", item=f"f{(i * 7) % 60}", kind="view") for i in range(40)])
        with running(engine) as client:
            users = [f"u{i}" for i in range(40)]
            bundles = bundle.folder.parent

            def fresh() -> httpx.Client:
                return httpx.Client(base_url=client.base_url, timeout=20, verify=False)

            assert equal_to_pipeline(fresh, bundles, engine.store, users) == []
