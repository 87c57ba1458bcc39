"""Another bundle takes over without a failed request, and the one before comes back as easily."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from threading import Event, Thread

import httpx
import pytest

from foretaste.errors import BundleError, UnknownNameError
from foretaste.events.memory import MemoryStore
from foretaste.pipeline.bundle import Bundle, activate, current_version, load_bundle
from foretaste.serving.answering.engine import Engine
from foretaste.serving.errors import NotReadyError
from foretaste.serving.world.fallback_bundle import load_fallback
from serving.conftest import film_events, running


def renamed_copy(bundle: Bundle, bundles: Path, version: str) -> None:
    """The same bundle under another name: only the name is in the manifest beside the hashes."""
    copytree(bundle.folder, bundles / version)
    manifest = bundles / version / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"version": "{bundle.version}"', f'"version": "{version}"'))


@pytest.fixture
def bundles(bundle: Bundle, tmp_path: Path) -> Path:
    folder = tmp_path / "bundles"
    for version in ("20260101-000000-aaaaaa", "20260102-000000-bbbbbb"):
        renamed_copy(bundle, folder, version)
    activate(folder, "20260101-000000-aaaaaa")
    return folder


@pytest.fixture
def followed(bundles: Path) -> Iterator[Engine]:
    engine = Engine(None, MemoryStore(), bundles=bundles)
    engine.store.import_frame(film_events())
    engine.start()
    until(lambda: engine.worlds._now is not None and not engine.world.partial)
    yield engine
    engine.stop()


def until(done: object, seconds: float = 5.0) -> None:
    give_up = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_activating_is_seen_here_and_by_whoever_follows_the_folder(followed: Engine, bundles: Path) -> None:
    other = Engine(None, MemoryStore(), bundles=bundles)
    other.worlds.load_current()
    other.start()
    try:
        done = followed.activate("20260102-000000-bbbbbb")
        assert (done.before, done.active) == ("20260101-000000-aaaaaa", "20260102-000000-bbbbbb")
        assert followed.version == current_version(bundles) == "20260102-000000-bbbbbb"
        until(lambda: other.version == "20260102-000000-bbbbbb", 1)
        followed.activate(done.before)  # rolling back
        until(lambda: other.version == "20260101-000000-aaaaaa", 1)
    finally:
        other.stop()


def test_a_damaged_or_unknown_bundle_changes_nothing(followed: Engine, bundles: Path) -> None:
    items = bundles / "20260102-000000-bbbbbb" / "items.parquet"
    items.write_bytes(items.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match=r"items\.parquet was changed"):
        followed.activate("20260102-000000-bbbbbb")
    for name in ("nope", "..", "../bundles/20260102-000000-bbbbbb", ""):
        with pytest.raises(UnknownNameError, match="No bundle is called"):
            followed.activate(name)
    assert followed.version == current_version(bundles) == "20260101-000000-aaaaaa"
    (bundles / "current").write_text("20260102-000000-bbbbbb\n")  # by somebody who did not look
    time.sleep(0.4)
    assert followed.version == "20260101-000000-aaaaaa"
    assert followed.for_user("u4", 3).items


def test_the_port_answers_before_the_models_are_there(bundles: Path) -> None:
    engine = Engine(None, MemoryStore(), bundles=bundles)
    with pytest.raises(NotReadyError):
        engine.check_ready()
    engine.use(load_fallback(bundles / "20260101-000000-aaaaaa"))
    engine.worlds.use(load_fallback(bundles / "20260101-000000-aaaaaa"), partial=True)
    first = engine.for_user("u4", 3, explain=True)
    assert first.degraded
    assert {reason.kind for item in first.items for reason in item.reasons or []} == {"popular"}
    engine.worlds.load_current()
    assert not engine.for_user("u4", 3).degraded
    assert not engine.world.partial


def test_without_any_world_routes_say_not_ready_and_health_answers(bundles: Path) -> None:
    from fastapi.testclient import TestClient

    from foretaste.serving.http.app import create_app

    client = TestClient(create_app(Engine(None, MemoryStore(), bundles=bundles)), base_url="http://localhost")
    assert client.get("/healthz").status_code == 200
    for path in ("/readyz", "/v1/items", "/v1/users/ann/recommendations"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
        assert answer.headers["retry-after"] == "1"


def test_reloads_under_load_fail_nobody_and_mix_nothing(followed: Engine, bundles: Path) -> None:
    """`python -m benchmarks serving_reloads` does the same thirty times on two workers."""
    versions = ["20260101-000000-aaaaaa", "20260102-000000-bbbbbb"]
    stop, seen, wrong = Event(), set(), list[str]()

    def ask(address: httpx.URL) -> None:
        with httpx.Client(base_url=address, timeout=10) as mine:
            while not stop.is_set():
                answer = mine.get("/v1/users/u4/recommendations?n=5")
                if answer.status_code != 200:
                    wrong.append(answer.text)
                    continue
                seen.add(answer.json()["version"])

    with running(followed) as client:
        threads = [Thread(target=ask, args=(client.base_url,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for i in range(6):
            before = client.post(f"/v1/models/{versions[(i + 1) % 2]}/activate")
            assert before.status_code == 200
            assert client.get("/v1/users/u4/recommendations").json()["version"] == versions[(i + 1) % 2]
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert seen == set(versions)


def test_arrays_of_a_bundle_are_mapped_and_not_copied(bundle: Bundle) -> None:
    """The pages of a mapped file are shared by every process that maps it."""
    loaded = load_bundle(bundle.folder)
    assert loaded.pipeline.recalls is not None
    mapped = {
        line.split()[-1] for line in Path(f"/proc/{os.getpid()}/maps").read_text().splitlines() if "arrays" in line
    }
    assert any(str(bundle.folder / "pipeline" / "recalls" / "ease") in path for path in mapped)
