"""The shop's names of event kinds mean the same in the service as in files."""

from __future__ import annotations

from shutil import copytree
from typing import TYPE_CHECKING

import pytest

from foretaste.api import EventsIn, GuestIn, RankIn
from foretaste.errors import ConfigError
from foretaste.events.sqlite.store import SqliteStore
from foretaste.serving.answering.engine import Engine
from foretaste.serving.answering.replay import Replayer
from foretaste.serving.config import KindNames
from serving.conftest import film_events

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.pipeline.bundle import Bundle


@pytest.fixture
def shop(bundle: Bundle, tmp_path: Path) -> Path:
    """Its bundle knows ratings, which hide an item, and views."""
    copytree(bundle.folder.parent, tmp_path / "bundles")
    (tmp_path / "foretaste.toml").write_text('[kind_names]\nstars = "rating"\nnap = "nap"\n')
    store = SqliteStore(tmp_path / "events.db")
    store.import_frame(film_events())
    store.close()
    return tmp_path


def test_the_shops_word_is_the_kind_it_means(shop: Path) -> None:
    events = [
        {"id": "a", "user": "ann", "item": "f2", "kind": "stars"},
        {"id": "b", "user": "ann", "item": "f4", "kind": "nap"},
        {"id": "c", "user": "ann", "item": "f6", "kind": "view"},
        {"id": "d", "user": "ann", "item": "f8", "type": "shown"},
    ]
    with Engine.of_project(shop) as engine:
        results = engine.record(EventsIn.model_validate({"events": events}).events).results
        assert [(result.status, (result.why or "")[:31]) for result in results] == [
            ("accepted", ""),
            ("accepted", "Stored; no kind is called 'nap'"),
            ("accepted", ""),
            ("accepted", ""),
        ]
        assert {event.item: event.kind for event in engine.profile("ann").history} == {
            "f2": "rating",
            "f4": "nap",
            "f6": "view",
            "f8": "shown",
        }
        assert "f2" not in [item.id for item in engine.for_user("ann", 60).items]


def test_the_words_of_a_guest_are_understood_and_are_a_part_of_the_question(shop: Path) -> None:
    history = [{"item": "f2", "kind": "stars"}, {"item": "f4", "kind": "view"}]
    with Engine.of_project(shop) as engine:
        engine.start()
        guest = engine.for_guest(GuestIn.model_validate({"history": history, "n": 60}))
        assert (guest.events_used, guest.ignored) == (2, [])
        assert "f2" not in [item.id for item in guest.items]
        assert engine.rank(RankIn.model_validate({"history": history, "items": ["f6"]})).events_used == 2
    (shop / "foretaste.toml").write_text('[kind_names]\nstars = "view"\n')
    with Replayer.of_project(shop) as replayer:
        assert replayer.replay(guest.recommendation_id).same


@pytest.mark.parametrize(("default", "kind"), [("view", "view"), ("interaction", "rating"), (None, "rating")])
def test_an_event_without_a_kind_is_of_the_default_where_that_is_known(
    shop: Path, default: str | None, kind: str
) -> None:
    (shop / "foretaste.toml").write_text("[data]\n" + (f'default_kind = "{default}"\n' if default else ""))
    with Engine.of_project(shop) as engine:
        engine.record(EventsIn.model_validate({"events": [{"id": "a", "user": "ann", "item": "f2"}]}).events)
        assert engine.profile("ann").history[0].kind == kind
        offered = engine.for_guest(GuestIn.model_validate({"history": [{"item": "f2"}], "n": 60})).items
        assert ("f2" in [item.id for item in offered]) == (kind == "view")


def test_a_low_rating_is_a_dislike_as_in_the_files(shop: Path) -> None:
    (shop / "foretaste.toml").write_text('[data]\ndislike_below = 3\n[kind_names]\nstars = "rating"\n')
    said = [("f2", "stars", 1), ("f4", "stars", 3), ("f6", "view", 1), ("f8", "stars", None), ("f10", None, 2)]
    events = [{"id": item, "user": "ann", "item": item, "kind": kind, "value": value} for item, kind, value in said]
    with Engine.of_project(shop) as engine:
        engine.record(EventsIn.model_validate({"events": events}).events)
        assert {event.item: event.kind for event in engine.profile("ann").history} == {
            "f2": "dislike",
            "f4": "rating",
            "f6": "view",
            "f8": "rating",
            "f10": "dislike",
        }
        engine.start()
        guest = {"history": [{"item": "f2", "kind": "stars", "value": 1}, {"item": "f4", "kind": "stars", "value": 5}]}
        assert engine.for_guest(GuestIn.model_validate(guest)).events_used == 1, "the bundle knows no dislikes"


def test_words_that_are_none_are_said(tmp_path: Path) -> None:
    (tmp_path / "foretaste.toml").write_text("[kind_names]\nstars = 5\n")
    with pytest.raises(ConfigError, match=r"foretaste\.toml: kind_names\.stars = 5"):
        KindNames.of_project(tmp_path)
