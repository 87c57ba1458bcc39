"""A past answer, given again from its bundle, the log as it was, the catalogue as it was, and its moment."""

from __future__ import annotations

import json
import time
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from foretaste.cli.app import app as cli
from foretaste.errors import BundleError, UnknownNameError
from foretaste.events.answer_log import ANSWERS_FILE, AnswerLog
from foretaste.events.sqlite.store import SqliteStore
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine
from foretaste.serving.answering.replay import Replayer
from foretaste.serving.http.app import create_app
from serving.conftest import film_events
from serving.proofs import Asker

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = """
[serve]
group = "year"
new_share = 0.2
remember_searches = true
[serve.scenes.again]
hides = []
"""


@pytest.fixture
def folder(bundle: Bundle, tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    copytree(bundle.folder.parent, folder / "bundles")
    (folder / "foretaste.toml").write_text(SETTINGS)
    store = SqliteStore(folder / "events.db")
    store.import_frame(film_events())
    store.close()
    return folder


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with (
        Engine.of_project(folder) as engine,
        TestClient(create_app(engine), base_url="http://127.0.0.1:8000") as client,
    ):
        yield client


def flushed(client: TestClient) -> None:
    """What is written down is written down within a moment."""
    time.sleep(0.6)


def test_whatever_happens_afterwards_an_answer_can_be_given_again(folder: Path, client: TestClient) -> None:
    asker = Asker(client, seed=1)
    asked = asker.ask(60)
    flushed(client)
    with Replayer.of_project(folder) as replayer:
        for recommendation_id, body in asked.items():
            found = replayer.replay(recommendation_id)
            assert found.same, (found.why, found.record.inputs)
            assert found.body == body
    assert {record["ask"] for record in asker.kinds(folder)} == {"user", "guest", "rank"}


def test_it_is_the_answer_of_then_and_not_of_now(folder: Path, client: TestClient) -> None:
    before = client.get("/v1/users/u4/recommendations?n=5")
    first = before.json()["items"][0]["id"]
    client.post("/v1/events", json={"events": [{"id": "1", "user": "u4", "item": first, "kind": "rating"}]})
    client.delete(f"/v1/items/{before.json()['items'][1]['id']}")
    client.put("/v1/items/new", json={"columns": {"title": "New", "genres": ["Comedy"]}})
    after = client.get("/v1/users/u4/recommendations?n=5")
    assert before.json()["items"] != after.json()["items"]
    flushed(client)
    with Replayer.of_project(folder) as replayer:
        for answer in (before, after):
            found = replayer.replay(answer.json()["recommendation_id"])
            assert found.body == answer.content
            assert found.same


def test_events_that_come_late_but_happened_before_do_not_change_it(folder: Path, client: TestClient) -> None:
    answer = client.get("/v1/users/u4/recommendations")
    late = {"id": "late", "user": "u4", "item": "f30", "kind": "rating", "time": 1_700_000_000_500_000}
    client.post("/v1/events", json={"events": [late]})
    flushed(client)
    with Replayer.of_project(folder) as replayer:
        assert replayer.replay(answer.json()["recommendation_id"]).body == answer.content


def test_what_was_taken_out_of_the_log_is_said(folder: Path, client: TestClient) -> None:
    answer = client.get("/v1/users/u4/recommendations").json()["recommendation_id"]
    client.delete("/v1/users/u4/history?item=f0")
    flushed(client)
    with Replayer.of_project(folder) as replayer:
        found = replayer.replay(answer)
    assert not found.same
    assert found.why == ("1 of the 11 events it was made from are gone: erased, taken out, or too old to be kept."), (
        found.record.inputs
    )


def test_an_erased_person_leaves_no_answers(folder: Path, client: TestClient) -> None:
    name = "a-person-of-whom-nothing-remains"
    client.post("/v1/events", json={"events": [{"id": "1", "user": name, "item": "f0", "kind": "view"}]})
    answer = client.get(f"/v1/users/{name}/recommendations").json()["recommendation_id"]
    exported = client.get(f"/v1/users/{name}/export").json()["answers"]
    assert [one["recommendation_id"] for one in exported] == [answer]
    sealed = bytes.fromhex(answer)
    assert sealed in b"".join(path.read_bytes() for path in folder.glob(f"{ANSWERS_FILE}*"))
    receipt = client.delete(f"/v1/users/{name}").json()
    assert receipt["found"]["answers"] == 1
    bytes_left = b"".join(path.read_bytes() for path in folder.glob(f"{ANSWERS_FILE}*"))
    assert sealed not in bytes_left
    assert name.encode() not in bytes_left
    with Replayer.of_project(folder) as replayer, pytest.raises(UnknownNameError, match="Nothing is written down"):
        replayer.replay(answer)


def test_nothing_of_who_asked_or_what_is_readable_on_disk(folder: Path, client: TestClient) -> None:
    client.get("/v1/users/somebody-with-a-name/recommendations")
    client.post("/v1/recommendations", json={"history": [{"item": "a-secret-of-a-guest"}]})
    flushed(client)
    written = b"".join(path.read_bytes() for path in folder.glob(f"{ANSWERS_FILE}*"))
    assert b"somebody-with-a-name" not in written
    assert b"a-secret-of-a-guest" not in written


def test_the_newest_are_kept_and_what_nobody_needs_goes(folder: Path, client: TestClient) -> None:
    for i in range(20):
        client.get(f"/v1/users/u{i}/recommendations?n=1")
        client.put("/v1/items/new", json={"columns": {"title": f"New {i}"}})
    flushed(client)
    book = AnswerLog(folder)
    ids = book.ids()
    assert len(ids) == 20
    assert book.prune(most=5, before=0) == 15
    assert book.ids() == ids[:5]
    oldest = book.find(ids[4])
    assert oldest is not None
    assert [item.columns for item in book.items(oldest.change)] == [{"title": "New 14"}]
    assert book.prune(most=5, before=1 << 62) == 5
    assert book.count() == 0
    book.close()


def test_a_bundle_that_is_gone_is_named(folder: Path, client: TestClient) -> None:
    answer = client.get("/v1/users/u4/recommendations").json()
    flushed(client)
    version = answer["version"]
    (folder / "bundles" / version).rename(folder / "elsewhere")
    with Replayer.of_project(folder) as replayer, pytest.raises(BundleError, match=version):
        replayer.replay(answer["recommendation_id"])


def test_on_the_command_line(folder: Path, client: TestClient) -> None:
    answer = client.get("/v1/users/u4/recommendations?explain=true")
    flushed(client)
    name = answer.json()["recommendation_id"]
    said = CliRunner().invoke(cli, ["replay", name, "-p", str(folder)])
    assert said.exit_code == 0, said.output
    assert said.stdout.encode() == answer.content + b"\n"
    assert "the same to the byte." in said.stderr
    document = json.loads(CliRunner().invoke(cli, ["replay", name, "-p", str(folder), "--json"]).stdout)
    assert document["same"]
    assert document["user"] == "u4"
    assert document["question"] == {"user": "u4", "n": 10, "explain": True, "scene": None, "filter": {}, "cursor": None}
    wrong = CliRunner().invoke(cli, ["replay", "0" * 32, "-p", str(folder)]).exception
    assert isinstance(wrong, UnknownNameError)


def test_without_a_wish_to_keep_answers_nothing_is_written(folder: Path) -> None:
    (folder / "foretaste.toml").write_text("[serve]\nanswers_kept = 0\n")
    with (
        Engine.of_project(folder) as engine,
        TestClient(create_app(engine), base_url="http://127.0.0.1:8000") as client,
    ):
        assert client.get("/v1/users/u4/recommendations").status_code == 200
    assert not (folder / ANSWERS_FILE).exists()
    with pytest.raises(UnknownNameError, match="no record of answers"):
        Replayer.of_project(folder)


def test_a_guest_who_did_something_before_1990_is_answered_again(client: TestClient, folder: Path) -> None:
    body = {
        "history": [{"item": "f2", "time": "1985-01-01T00:00:00.5Z"}, {"item": "f4", "time": 1_700_000_000_000_000}]
    }
    given = client.post("/v1/recommendations", json=body).json()["recommendation_id"]
    flushed(client)
    with Replayer.of_project(folder) as replayer:
        assert replayer.replay(given).same
