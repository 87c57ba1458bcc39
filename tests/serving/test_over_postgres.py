"""The service over PostgreSQL: the same answers, 503 while it is away, and back by itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from foretaste.events.opening import open_store
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine
from serving.conftest import film_events, running


def test_away_it_is_503_and_back_it_is_found_again(bundle: Bundle, postgres_server: Any, tmp_path: Path) -> None:
    postgres_server.psql("DROP SCHEMA IF EXISTS foretaste CASCADE;")

    def control(*words: str) -> None:
        command = [str(postgres_server.bin_path / "pg_ctl"), "-D", str(postgres_server.pgdata), "-w", *words]
        subprocess.run(command, check=True, user=postgres_server.system_user, stdout=subprocess.DEVNULL)

    store = open_store(postgres_server.get_uri(), tmp_path)
    with Engine(bundle, store) as engine, running(engine) as client:
        store.import_frame(film_events())
        assert client.get("/v1/users/u4/recommendations?n=5").json()["events_used"] == 11
        body = {"events": [{"id": "1", "user": "ann", "item": "f2"}]}
        assert client.post("/v1/events", json=body).json()["accepted"] == 1
        client.put("/v1/items/new", json={"columns": {"title": "Neu", "genres": ["Comedy"]}})
        assert '"new"' in client.get("/v1/users/u4/recommendations").text
        control("stop", "-m", "immediate")
        try:
            for path in ("/v1/users/u4/recommendations", "/readyz", "/v1/users/ann/profile"):
                away = client.get(path)
                assert (away.status_code, away.json()["error"]["code"]) == (503, "unavailable")
                assert away.headers["retry-after"] == "1"
            assert client.post("/v1/events", json=body).status_code == 503
            assert client.get("/healthz").status_code == 200
            assert client.get("/v1/items?n=3").status_code == 200  # the catalogue is in memory
        finally:
            control("start", "-o", f'-h "" -k {postgres_server.pgdata}', "-l", str(postgres_server.log))
        assert client.get("/v1/users/u4/recommendations").status_code == 200
        assert client.post("/v1/events", json=body).json()["results"][0]["status"] == "duplicate"
