"""What somebody new is asked, what they answer, and the list that comes of it, over HTTP."""

from __future__ import annotations

import time
from pathlib import Path
from shutil import copytree
from threading import Event
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from foretaste.api import GuestIn, Onboarding
from foretaste.events.memory import MemoryStore
from foretaste.events.sqlite.store import SqliteStore
from foretaste.models.content.onboarding import ItemPicker
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering import onboarding
from foretaste.serving.answering.engine import Engine
from foretaste.serving.answering.onboarding import OnboardingDesk, asked_models
from foretaste.serving.answering.replay import Replayer
from foretaste.serving.config import ServiceConfig
from foretaste.serving.http.app import create_app
from foretaste.serving.http.keys import KeyFile
from foretaste.serving.settings import ServerConfig
from serving.conftest import film_events


def asked(client: TestClient, **said: Any) -> dict[str, Any]:
    answer = client.get("/v1/onboarding", params=said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


def parities(items: list[str]) -> list[int]:
    return [int(item[1:]) % 2 for item in items]


def guest(client: TestClient, **said: Any) -> dict[str, Any]:
    answer = client.post("/v1/recommendations", json={"n": 10, **said})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_well_known_items_of_every_part_and_the_labels_that_split_best(client: TestClient) -> None:
    answer = asked(client, items=6, labels=8)
    Onboarding.model_validate(answer)
    assert len(ids(answer)) == 6
    assert ids(answer)[0] in ("f0", "f1"), "which everybody of one half took"
    assert set(parities(ids(answer))) == {0, 1}
    assert answer["column"] == "genres", "and not the year, nor the title"
    assert answer["labels"] == ["Comedy", "Drama", "Odd"], "the first says all, but one may like both halves"
    assert asked(client, labels=2)["labels"] == ["Comedy", "Drama"]
    assert (answer["ignored"], answer["degraded"]) == ([], False)
    assert asked(client, items=0, labels=0)["items"] == []


def test_the_next_questions_follow_the_answers(client: TestClient) -> None:
    first = ids(asked(client, items=6))
    evens = [item for item in first if int(item[1:]) % 2 == 0]
    after = ids(asked(client, items=6, chosen=evens, seen=[i for i in first if i not in evens]))
    assert not set(after) & set(first), "nothing is asked twice"
    assert asked(client, items=6, chosen=evens) == asked(client, items=6, chosen=evens)
    assert asked(client, chosen=["nobody", "f2"], seen=["knows"])["ignored"] == ["nobody", "knows"]
    everything = ids(asked(client, items=100))
    assert len(everything) == 60
    assert asked(client, chosen=everything[:40], seen=everything[40:])["items"] == []


def test_labels_chosen_are_not_asked_again_and_what_stands_for_them_may_be(client: TestClient) -> None:
    assert asked(client, likes=["Comedy"])["labels"] == ["Drama", "Odd"]
    assert len(ids(asked(client, items=100, likes=["Comedy"]))) == 60
    refused = client.get("/v1/onboarding", params={"likes": ["Comedy", "Commedy"]})
    assert refused.status_code == 422
    message = refused.json()["error"]["message"]
    assert message == (
        "No item has the label 'Commedy'. Did you mean 'Comedy'? Known: Comedy, Drama, Odd. Only labels of the column "
        "'genres' count; likes_column in [serve] of foretaste.toml names another."
    )


def test_what_is_hidden_or_deleted_is_never_shown_and_changes_are_seen(client: TestClient) -> None:
    first = ids(asked(client, items=4))
    client.put(f"/v1/items/{first[0]}", json={"columns": {"title": "gone"}, "hidden": True})
    client.delete(f"/v1/items/{first[1]}")
    client.put(f"/v1/items/{first[2]}", json={"columns": {"title": "Called otherwise now"}})
    answer = asked(client, items=100)
    assert not {first[0], first[1]} & set(ids(answer))
    assert next(item for item in answer["items"] if item["id"] == first[2])["title"] == "Called otherwise now"
    for i in range(0, 60, 2):
        client.delete(f"/v1/items/f{i}")
    left = asked(client, items=100)
    assert set(parities(ids(left))) == {1}
    guests = guest(client, likes=["Comedy"])
    assert guests["events_used"] == 0
    assert set(parities(ids(guests))) == {1}, "nothing that may be shown is a comedy"


def test_a_guest_who_only_says_what_they_like_is_answered_like_one_with_a_history(client: TestClient) -> None:
    answer = guest(client, likes=["Drama"], explain=True)
    assert parities(ids(answer)) == [1] * 10
    assert (answer["events_used"], answer["ignored"]) == (0, [])
    for item in answer["items"]:
        assert [why["text"] for why in item["reasons"]] == ["Because you like Drama"]
        assert (item["reasons"][0]["kind"], item["reasons"][0]["item"]) == ("likes", None)
        assert 0 < item["reasons"][0]["share"] <= 1
    why = guest(client, likes=["Odd", "Drama"], explain=True)["items"][0]["reasons"]
    assert [one["text"] for one in why] == ["Because you like Odd and Drama"], "every odd film is both"
    both = guest(client, likes=["Drama"], history=[{"item": f"f{i}"} for i in range(20, 40, 2)], n=20, explain=True)
    assert set(parities(ids(both))) == {0, 1}
    assert both["events_used"] == 10
    texts = {why["text"] for item in both["items"] for why in item["reasons"]}
    assert "Because you like Drama" in texts
    assert any(text.startswith("Because of Film") for text in texts)


def test_what_stands_for_a_label_is_offered_and_what_was_done_is_not(client: TestClient, engine: Engine) -> None:
    column = engine.world.catalogue.likes(None)
    assert column is not None
    stand_ins = [engine.world.catalogue.ids[code] for code in column[1].stand_in_items(["Drama"])[0]]
    assert stand_ins[-1] == "f1", "the best known drama"
    assert set(stand_ins) <= set(ids(guest(client, likes=["Drama"], n=60)))
    done = guest(client, likes=["Drama"], history=[{"item": "f1", "kind": "rating"}, {"item": "f3"}], n=60)
    assert not {"f1", "f3"} & set(ids(done)), "a rating hides an item"
    assert done["events_used"] == 2
    assert stand_ins[-1] not in ids(guest(client, likes=["Drama"], n=60, exclude=stand_ins))


def test_an_unknown_label_or_none_at_all_gets_one_clear_sentence(client: TestClient, bundle: Bundle) -> None:
    refused = client.post("/v1/recommendations", json={"likes": ["Dramma"]})
    assert refused.status_code == 422
    assert "No item has the label 'Dramma'. Did you mean 'Drama'?" in refused.json()["error"]["message"]
    assert client.post("/v1/recommendations", json={"likes": ["x"] * 51}).status_code == 422
    assert client.get("/v1/onboarding?items=101").status_code == 422
    other = TestClient(create_app(Engine(bundle, MemoryStore(), ServiceConfig(likes_column="genre"))))
    refused = other.get("http://127.0.0.1:8000/v1/onboarding")
    assert refused.status_code == 422
    assert "The catalogue has no column 'genre'." in refused.json()["error"]["message"]
    titled = TestClient(create_app(Engine(bundle, MemoryStore(), ServiceConfig(likes_column="year"))))
    assert asked(titled.__class__(titled.app, base_url="http://127.0.0.1:8000"))["column"] == "year"


def test_pages_of_a_guest_who_likes_something_repeat_nothing(client: TestClient) -> None:
    first = guest(client, likes=["Odd"], n=12)
    second = guest(client, likes=["Odd"], n=12, cursor=first["cursor"])
    assert not set(ids(first)) & set(ids(second))


def test_it_can_be_given_again_to_the_byte(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    copytree(bundle.folder.parent, folder / "bundles")
    store = SqliteStore(folder / "events.db")
    store.import_frame(film_events())
    store.close()
    said = {"likes": ["Drama"], "history": [{"item": "f2"}, {"item": "nope"}], "n": 8, "explain": True}
    with (
        Engine.of_project(folder) as engine,
        TestClient(create_app(engine), base_url="http://127.0.0.1:8000") as client,
    ):
        sent = client.post("/v1/recommendations", json=said)
        client.delete("/v1/items/f1")  # which stood for Drama then
        other = client.post("/v1/recommendations", json=said)
        time.sleep(0.6)  # what is written down is written down within a moment
    assert sent.json()["items"] != other.json()["items"]
    with Replayer.of_project(folder) as replayer:
        for answer in (sent, other):
            found = replayer.replay(answer.json()["recommendation_id"])
            assert found.same, found.why
            assert found.body == answer.content


def test_a_key_that_reads_is_enough(engine: Engine, tmp_path: Path) -> None:
    keys = KeyFile.of_project(tmp_path)
    secret = keys.create("page", ("read",)).secret
    client = TestClient(create_app(engine, ServerConfig(), keys), base_url="http://127.0.0.1:8000")
    assert client.get("/v1/onboarding").status_code == 401
    assert client.get("/v1/onboarding", headers={"X-API-Key": secret}).status_code == 200


def test_nobody_waits_for_long_while_items_are_compared(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = Event()
    real = ItemPicker.of

    def slow(models: Any, *rest: Any, **more: Any) -> ItemPicker:
        if models:
            compared.wait(10)
        return real(models, *rest, **more)

    monkeypatch.setattr(onboarding.ItemPicker, "of", slow)
    desk = OnboardingDesk(engine, patience=0.2)
    began = time.monotonic()
    first = desk.ask(5)
    assert first.degraded
    popular = engine.popular(5).items
    assert [item.id for item in first.items] == [item.id for item in popular]
    second = desk.ask(5)
    assert second.degraded
    assert time.monotonic() - began < 2, "the second did not wait again"
    compared.set()
    assert desk._table is not None
    assert desk._table.done.wait(10)
    assert not desk.ask(5).degraded


def test_where_no_model_can_compare_items_what_is_popular_is_asked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(asked_models(engine.world)) == 2
    monkeypatch.setattr(onboarding, "asked_models", lambda world: [])
    answer = OnboardingDesk(engine).ask(5)
    assert [item.id for item in answer.items] == [item.id for item in engine.popular(5).items]
    assert not answer.degraded

    def broken(world: Any) -> Any:
        class Broken:
            def score(self, queries: Any, items: np.ndarray) -> np.ndarray:
                raise RuntimeError("no")

        return [Broken()]

    monkeypatch.setattr(onboarding, "asked_models", broken)
    answer = OnboardingDesk(engine).ask(5)
    assert len(answer.items) == 5
    assert answer.degraded


def test_the_engine_alone_answers_likes_too(engine: Engine) -> None:
    made = engine.for_guest(GuestIn(likes=["Comedy"], n=5))
    assert parities([item.id for item in made.items]) == [0] * 5
