"""The engine without HTTP: names in, names out, and the log is the truth."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest

from foretaste.api import EventIn, GuestIn, InvalidEvent
from foretaste.errors import BundleError, UnknownNameError
from foretaste.events.memory import MemoryStore
from foretaste.pipeline.bundle import Bundle, load_bundle
from foretaste.serving.answering.engine import Engine


def event(event_id: str, user: str, item: str, **more: object) -> EventIn:
    return EventIn.model_validate({"id": event_id, "user": user, "item": item, "kind": "rating", **more})


def test_people_are_offered_their_own_half_and_nothing_they_rated(engine: Engine) -> None:
    for user, parity in (("u4", 0), ("u5", 1)):
        rated = {past.item for past in engine.profile(user, 500).history if past.kind == "rating"}
        answer = engine.for_user(user, 5)
        assert len(answer.items) == 5
        assert {int(item.id[1:]) % 2 for item in answer.items} == {parity}
        assert not rated & {item.id for item in answer.items}
        assert answer.events_used == 11
        assert answer.items[0].score >= answer.items[-1].score


def test_what_was_only_viewed_may_be_offered_again(engine: Engine) -> None:
    did = engine.profile("u3", 500).history
    assert [past.kind for past in did if past.item == "f1"] == ["view"]
    assert "f1" in {item.id for item in engine.for_user("u3", 60).items}


def test_reasons_and_sources_are_names_of_what_the_person_did(engine: Engine) -> None:
    did = {past.item for past in engine.profile("u4", 500).history}
    answer = engine.for_user("u4", 5, explain=True)
    for item in answer.items:
        assert set(item.sources) <= {"ease", "itemknn", "popular"}
        assert all(source.rank >= 1 for source in item.sources.values())
        assert item.reasons
        for reason in item.reasons:
            assert reason.kind == "because"
            assert reason.item in did
            assert reason.text == f"Because of {reason.title}"
            assert 0 < reason.share <= 1
    assert [step.stage for step in answer.trace or []][:3] == ["recall:ease", "recall:itemknn", "merge"]


def test_a_guest_with_the_history_of_a_person_gets_the_same_list(engine: Engine) -> None:
    past = engine.store.history("u7")
    history = [
        {"item": item, "kind": kind, "time": time, "value": value}
        for item, kind, time, value in zip(past.item, past.kind, past.time, past.value, strict=True)
    ]
    # In any order, since every event has its time.
    guest = engine.for_guest(GuestIn.model_validate({"history": history[::-1], "n": 20}))
    person = engine.for_user("u7", 20)
    assert [(i.id, i.score) for i in guest.items] == [(i.id, i.score) for i in person.items]
    assert guest.user is None
    assert guest.ignored == []


def test_a_stranger_gets_what_is_popular_and_is_told_so(engine: Engine) -> None:
    answer = engine.for_user("nobody", 3, explain=True)
    assert answer.events_used == 0
    assert [item.id for item in answer.items] == [item.id for item in engine.popular(3).items]
    assert [[reason.text for reason in item.reasons or []] for item in answer.items] == [["Popular with everyone"]] * 3


def test_a_guest_may_narrow_the_list(engine: Engine) -> None:
    asked = {"history": [{"item": "f2"}], "n": 10, "allowed": ["f4", "f6", "f8", "nope"], "exclude": ["f4", "nope"]}
    answer = engine.for_guest(GuestIn.model_validate(asked))
    assert {item.id for item in answer.items} == {"f6", "f8"}
    assert engine.for_guest(GuestIn.model_validate({**asked, "allowed": []})).items == []


def test_what_nobody_knows_in_a_guests_history_is_listed(engine: Engine) -> None:
    history = [{"item": "f2"}, {"item": "nope"}, {"item": "f4", "kind": "sniff"}, {"item": "nope"}]
    answer = engine.for_guest(GuestIn.model_validate({"history": history}))
    assert answer.ignored == ["nope", "f4"]
    assert answer.events_used == 1


def test_events_are_kept_one_by_one(engine: Engine) -> None:
    given = [
        event("1", "ann", "f2"),
        event("1", "ann", "f2"),
        event("1", "bob", "f2"),
        InvalidEvent(id="2", why="item: Field required."),
        event("3", "ann", "brand new"),
        event("4", "ann", "f4", kind="sniff"),
        event("5", "ann", "f6", kind=None),
    ]
    kept = engine.record(given)
    assert kept.accepted == 4
    assert [(result.id, result.status) for result in kept.results] == [
        ("1", "accepted"),
        ("1", "duplicate"),
        ("1", "conflict"),
        ("2", "rejected"),
        ("3", "accepted"),
        ("4", "accepted"),
        ("5", "accepted"),
    ]
    assert "no item is called 'brand new' yet" in (kept.results[4].why or "")
    assert "no kind is called 'sniff' yet (known: rating, view)" in (kept.results[5].why or "")
    assert engine.for_user("ann").events_used == 2  # f2 and f6; the others wait for the next training
    assert [past.title for past in engine.profile("ann").history] == [
        "Film <b>6</b>",
        "Film <b>4</b>",
        "brand new",
        "Film <b>2</b>",
    ]
    assert engine.profile("ann").history[0].kind == "rating"  # the first kind of the bundle


def test_an_event_without_time_may_be_sent_again_later(engine: Engine) -> None:
    assert engine.record([event("1", "ann", "f2")]).results[0].status == "accepted"
    assert engine.record([event("1", "ann", "f2")]).results[0].status == "duplicate"


def test_a_clock_ahead_of_ours_does_not_lose_the_event(engine: Engine) -> None:
    soon = time.time_ns() // 1000 + 300_000_000
    engine.record([event("1", "ann", "f2", time=soon)])
    assert engine.for_user("ann").events_used == 1


def test_a_time_that_cannot_be_yet_is_refused_and_the_others_are_kept(engine: Engine) -> None:
    given = [event("1", "ann", "f2", time="2999-01-01T00:00:00Z"), event("2", "ann", "f4")]
    ahead, kept = engine.record(given).results
    assert (ahead.status, kept.status) == ("rejected", "accepted")
    assert "ahead of this machine's clock" in (ahead.why or "")
    assert engine.for_user("ann").events_used == 1


def test_timeless_logs_work(bundle: Bundle) -> None:
    engine = Engine(bundle, MemoryStore())
    engine.store.import_frame(pl.DataFrame({"user": "ann", "item": ["f8", "f2", "f4"], "kind": "rating"}))
    engine.record([event("1", "ann", "f6")])
    assert [past.item for past in engine.profile("ann").history] == ["f6", "f4", "f2", "f8"]
    assert [past.time is None for past in engine.profile("ann").history] == [False, True, True, True]
    assert engine.for_user("ann").events_used == 4


def test_columns_are_what_json_can_hold(engine: Engine) -> None:
    item = engine.item("f3")
    assert item.columns == {"genres": ["Drama", "Odd"], "year": 1993, "stars": 4.5, "released": "1993-01-01"}
    assert engine.item("f9").title == "f9"  # its id, for want of a title
    assert '"stars":null' in engine.item("f9").model_dump_json()


def test_an_unknown_item_is_named(engine: Engine) -> None:
    for ask in (engine.item, engine.similar):
        with pytest.raises(UnknownNameError, match="No item is called 'nope'"):
            ask("nope")


def test_similar_items_are_of_the_same_half(engine: Engine) -> None:
    answer = engine.similar("f2", 5)
    assert answer.item.id == "f2"
    assert {int(item.id[1:]) % 2 for item in answer.items} == {0}
    assert "f2" not in {item.id for item in answer.items}


def test_another_bundle_can_take_over_at_run_time(engine: Engine, bundle: Bundle) -> None:
    renamed = replace(bundle, manifest=bundle.manifest.model_copy(update={"version": "next"}))
    engine.use(renamed)
    assert engine.for_user("u4").version == engine.version == "next"


def test_models_lists_what_can_be_read(engine: Engine, bundle: Bundle, tmp_path: Path) -> None:
    copytree(bundle.folder, tmp_path / bundle.version)
    (tmp_path / "20200101-000000-bad").mkdir()
    (tmp_path / "20200101-000000-bad" / "manifest.json").write_text("{}")
    engine.use(load_bundle(tmp_path / bundle.version))
    models = engine.models()
    assert models.active == bundle.version
    assert [model.version for model in models.models] == [bundle.version]
    assert models.models[0].metrics["ndcg@10"] == 0.3


def test_a_project_without_a_bundle_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"it has no foretaste.toml; name the project's folder with -p"):
        Engine.of_project(tmp_path)
    (tmp_path / "foretaste.toml").write_text("name = 'shop'")
    with pytest.raises(BundleError, match="foretaste train"):
        Engine.of_project(tmp_path)
    assert not (tmp_path / "events.db").exists()


def test_of_project_opens_the_log_beside_the_bundles(bundle: Bundle) -> None:
    project = bundle.folder.parent.parent
    with Engine.of_project(project) as engine:
        engine.record([event("1", "ann", "f2")])
    with Engine.of_project(project) as engine:
        assert engine.people(5).users[0].id == "ann"
