"""What is put, changed, hidden or deleted holds at once, on every worker, without any training."""

from __future__ import annotations

import time

import pytest
from fastapi.testclient import TestClient

from foretaste.api import GuestIn, ItemIn
from foretaste.errors import UnknownNameError
from foretaste.models.content.terms import CatalogueTerms, terms
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine

COMEDY = {"title": "A new comedy", "genres": ["Comedy"], "year": 1994}


def ids(answer: object) -> list[str]:
    return [item.id for item in answer.items]  # type: ignore[attr-defined]


def test_a_new_item_is_offered_to_those_who_like_its_kind(engine: Engine) -> None:
    before = engine.for_user("u4", 10)
    engine.put_item("new", ItemIn(columns=COMEDY))
    liking, other = engine.for_user("u4", 10, explain=True), engine.for_user("u5", 10)
    assert ids(liking)[:9] == ids(before)[:9]
    assert ids(liking)[9] == "new"
    assert liking.items[9].title == "A new comedy"
    assert liking.items[9].columns == {"genres": ["Comedy"], "year": 1994}
    assert set(liking.items[9].sources) == {"new"}
    assert [reason.text for reason in liking.items[9].reasons or []] == ["New, and like what you know"]
    assert sorted((item.score for item in liking.items), reverse=True) == [item.score for item in liking.items]
    assert engine.item("new").title == "A new comedy"
    odd = {"title": "Another", "genres": ["Drama", "Odd"], "year": 1995}
    engine.put_item("odd", ItemIn(columns=odd))
    assert ids(engine.for_user("u5", 10))[9] == "odd"
    assert ids(engine.for_user("u4", 10))[9] == "new"
    assert "new" not in ids(other)[:9]


def test_strangers_and_guests_get_new_items_too(engine: Engine) -> None:
    engine.put_item("new", ItemIn(columns=COMEDY))
    assert ids(engine.for_user("nobody", 10))[9] == "new"
    assert "new" in ids(engine.for_guest(GuestIn.model_validate({"history": [{"item": "f2"}], "n": 10})))
    assert "new" not in ids(engine.for_user("nobody", 4))  # a list of four has no place to spare


def test_twenty_places_have_two_for_the_new(engine: Engine) -> None:
    for i in range(5):
        engine.put_item(f"new{i}", ItemIn(columns=COMEDY))
    offered = ids(engine.for_user("u4", 20))
    assert [place for place, name in enumerate(offered, 1) if name.startswith("new")] == [10, 20]
    assert len(set(offered)) == 20


def test_what_one_did_with_a_new_item_counts(engine: Engine) -> None:
    engine.put_item("a", ItemIn(columns={"title": "Zebra crossing", "genres": ["Traffic"]}))
    engine.put_item("b", ItemIn(columns={"title": "Zebra crossing two", "genres": ["Traffic"]}))
    guest = {"history": [{"item": "a"}], "n": 10}
    answer = engine.for_guest(GuestIn.model_validate(guest))
    assert "b" in ids(answer)
    assert "a" not in ids(answer)
    assert answer.ignored == []


def test_a_new_item_may_be_asked_for_by_name_and_by_column(engine: Engine) -> None:
    engine.put_item("new", ItemIn(columns={**COMEDY, "fresh": True}))
    allowed = engine.for_guest(GuestIn.model_validate({"allowed": ["new", "f2"], "n": 5}))
    assert set(ids(allowed)) == {"new", "f2"}
    assert ids(engine.for_user("u4", 5, filter={"fresh": True})) == ["new"]
    assert "new" not in ids(engine.for_user("u4", 10, filter={"year": {"max": 1993}}))
    assert "new" not in ids(engine.for_guest(GuestIn.model_validate({"exclude": ["new"], "n": 10})))


def test_hidden_and_deleted_items_are_gone_at_once_and_come_back(engine: Engine) -> None:
    first = ids(engine.for_user("u4", 3))
    for name in first:
        engine.put_item(name, ItemIn(columns={"title": "x"}, hidden=True))
    assert not set(first) & set(ids(engine.for_user("u4", 60)))
    assert not set(first) & set(ids(engine.popular(60)))
    assert not set(first) & set(ids(engine.similar("f2", 60)))
    assert engine.item(first[0]).hidden
    engine.put_item(first[0], ItemIn(columns={"title": "back", "genres": ["Comedy"]}))
    assert first[0] in ids(engine.for_user("u4", 3))
    assert engine.delete_item(first[0]).deleted
    assert not engine.delete_item(first[0]).deleted
    assert first[0] not in ids(engine.for_user("u4", 60))
    with pytest.raises(UnknownNameError, match="No item is called"):
        engine.item(first[0])
    engine.put_item("new", ItemIn(columns=COMEDY))
    engine.delete_item("new")
    assert "new" not in ids(engine.for_user("u4", 10))
    assert not engine.delete_item("never was").deleted


def test_a_changed_item_shows_its_new_words_and_is_filtered_by_them(engine: Engine) -> None:
    name = ids(engine.for_user("u4", 1))[0]
    engine.put_item(name, ItemIn(columns={"title": "Renamed", "year": 2030, "mood": "calm"}))
    item = engine.for_user("u4", 1).items[0]
    assert (item.id, item.title, item.columns) == (name, "Renamed", {"year": 2030, "mood": "calm"})
    assert ids(engine.for_user("u4", 5, filter={"year": {"min": 2030}})) == [name]
    assert ids(engine.for_user("u4", 5, filter={"mood": "calm"})) == [name]
    assert name not in ids(engine.for_user("u4", 60, filter={"genres": ["Comedy"]}))


def test_similar_items_of_one_no_model_knows(engine: Engine) -> None:
    engine.put_item("new", ItemIn(columns=COMEDY))
    answer = engine.similar("new", 5)
    assert len(answer.items) == 5
    assert {item.columns["genres"][0] for item in answer.items} == {"Comedy"}
    engine.put_item("empty", ItemIn())
    assert engine.similar("empty", 5).items == []


def test_another_worker_hears_of_it_within_a_second(bundle: Bundle, engine: Engine) -> None:
    other = Engine(bundle, engine.store)
    other.start()
    try:
        engine.put_item("new", ItemIn(columns=COMEDY))
        gone = ids(engine.for_user("u4", 1))[0]
        engine.delete_item(gone)
        give_up = time.monotonic() + 1
        while "new" not in ids(other.for_user("u4", 10)) or gone in ids(other.for_user("u4", 10)):
            assert time.monotonic() < give_up
            time.sleep(0.01)
    finally:
        other.stop()


def test_what_another_worker_heard_a_moment_ago_can_be_deleted(bundle: Bundle, engine: Engine) -> None:
    other = Engine(bundle, engine.store)
    other.worlds.follow()
    engine.put_item("new", ItemIn(columns=COMEDY))
    assert other.delete_item("new").deleted


def test_a_worker_that_starts_later_knows_it_too(bundle: Bundle, engine: Engine) -> None:
    engine.put_item("new", ItemIn(columns=COMEDY))
    engine.delete_item("f2")
    later = Engine(bundle, engine.store)
    assert "new" in ids(later.for_user("u4", 10))
    assert "f2" not in ids(later.for_user("nobody", 60))


def test_over_http(client: TestClient) -> None:
    body = {"columns": {"title": "Neu", "genres": ["Comedy"]}}
    answer = client.put("/v1/items/a%2Fb", json=body)
    assert answer.json() == {"id": "a/b", "title": "Neu", "columns": {"genres": ["Comedy"]}}
    assert client.get("/v1/items/a%2Fb").json() == answer.json()
    event = {"id": "1", "type": "item", "item": "c", "columns": {"title": "Sea", "genres": ["Comedy"]}}
    hidden = {"id": "2", "type": "item", "item": "f2", "hidden": True}
    result = client.post("/v1/events", json={"events": [event, hidden]}).json()
    assert [one["status"] for one in result["results"]] == ["accepted", "accepted"]
    offered = client.get("/v1/users/nobody/recommendations?n=60").json()["items"]
    assert {"a/b", "c"} <= {item["id"] for item in offered}
    assert "f2" not in {item["id"] for item in offered}
    assert client.delete("/v1/items/c").json() == {"id": "c", "deleted": True}
    assert client.get("/v1/items/c").status_code == 404


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"a": float("inf")}, "not finite"),
        ({"a": "x" * 70_000}, "longer than 65536 bytes"),
        ({"a": "\ud800"}, "not valid Unicode"),
        ({"a": "nul\x00"}, "NUL"),
        ({"": 1}, "it is empty"),
    ],
)
def test_columns_no_store_could_keep_are_refused(client: TestClient, columns: dict[str, object], why: str) -> None:
    import json

    answer = client.put(
        "/v1/items/x", content=json.dumps({"columns": columns}), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert why in answer.json()["error"]["message"]


def test_terms_are_words_and_whole_labels() -> None:
    found = terms({"title": "The Blue House", "genres": ["Film Noir"], "year": 1994, "price": 1.5, "plot": "a " * 9})
    assert found == {
        "the",
        "blue",
        "house",
        "title=the blue house",
        "film",
        "noir",
        "genres=film noir",
        "a",
    }


def test_rare_words_say_more_than_common_ones() -> None:
    words = CatalogueTerms.of_columns(
        [{"t": "red common"}, {"t": "blue common"}, {"t": "green common"}, {"t": "grey common"}]
    )
    vector = words.vectors([{"t": "red common"}]).toarray()[0]
    like = words.rows @ vector
    assert like.argmax() == 0
    assert like[0] == pytest.approx(1, abs=0.01)
    assert like[1] < 0.2
    unheard = words.vectors([{"t": "unheard of"}])
    assert unheard.indices.min() >= words.rows.shape[1]
