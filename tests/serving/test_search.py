"""Search over HTTP and on the command line, over the live catalogue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from foretaste.api import ItemIn
from foretaste.cli.app import app as cli
from foretaste.errors import DataError
from foretaste.search.hybrid import Search, SearchConfig
from foretaste.serving.search.catalogue_index import CatalogueSearchIndex
from foretaste.serving.search.search_service import SearchService
from foretaste.types import Run

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from foretaste.serving.answering.engine import Engine

WORDS = SearchConfig(meaning=0.0)


def test_words_find_films_and_slips_are_forgiven(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "commedy", "n": 5}).json()
    assert found["corrected"] == "comedy"
    assert len(found["items"]) == 5
    assert all("Comedy" in item["columns"]["genres"] for item in found["items"])
    assert "words" in found["items"][0]["found_by"]
    assert "words" in found["sources"]
    assert found["user"] is None


def test_a_person_sees_their_own_first_and_weight_0_is_for_everybody(engine: Engine) -> None:
    search_service = SearchService(engine, WORDS)  # the language model would join between two questions

    def first(user: str, personal: float) -> list[str]:
        return [item.id for item in search_service.find("film", 5, user=user, personal=personal).items]

    assert first("u0", 0) == first("u1", 0)
    assert {int(item[1:]) % 2 for item in first("u0", 5)} == {0}
    assert {int(item[1:]) % 2 for item in first("u1", 5)} == {1}
    assert first("somebody new", 5) == first("u0", 0)


def test_filters_and_mistakes(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "film", "filter": '{"genres": ["Odd"]}', "n": 50}).json()
    assert found["items"]
    assert all("Odd" in item["columns"]["genres"] for item in found["items"])
    for wrong in ({"q": "x", "filter": "{"}, {"q": ""}, {"q": "x", "personal": -1}, {"q": "x", "n": 0}, {}):
        answer = client.get("/v1/search", params=wrong)
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["message"]
    for empty in ("", " "):
        said = client.get("/v1/search", params={"q": empty}).json()["error"]["message"]
        assert said == "q: it is empty; give the words to search for."
        with pytest.raises(DataError, match="nothing to look for; say it in words"):
            CliRunner().invoke(cli, ["search", empty], catch_exceptions=False)
    nothing = client.get("/v1/search", params={"q": "zzzzzzzz"}).json()
    assert nothing["corrected"] is None


def test_what_is_put_is_found_at_once_and_what_is_gone_is_not(engine: Engine, client: TestClient) -> None:
    search_service = SearchService(engine, WORDS)

    def ids(query: str, **more: object) -> list[str]:
        return [item.id for item in search_service.find(query, **more).items]

    assert ids("quokka") == []
    client.put("/v1/items/new", json={"columns": {"title": "The Quokka", "genres": ["Nature"], "year": 2030}})
    assert ids("quokka") == ids("qoukka") == ids("nature") == ["new"]
    assert ids("genres") == [], "the name of a column is no word of an item"
    assert ids("quokka", wanted={"year": {"min": 2030}}) == ["new"]
    assert ids("quokka", wanted={"year": {"max": 2000}}) == []
    client.put("/v1/items/new", json={"columns": {"title": "The Wombat"}})
    assert ids("quokka") == []
    assert ids("wombat", user="u1", personal=3.0) == ["new"], "a model that does not know it cannot judge it"
    client.put("/v1/items/new", json={"columns": {"title": "The Wombat"}, "hidden": True})
    assert ids("wombat") == []
    client.put("/v1/items/f2", json={"columns": {"title": "Numbat"}})
    assert ids("numbat") == ["f2"]
    client.delete("/v1/items/f2")
    assert ids("numbat") == []


def test_the_catalogue_may_change_while_a_search_is_under_way(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    search_service = SearchService(engine, WORDS)
    engine.delete_item("f2")  # something hidden, so that the search asks what it may offer
    history = engine.store.history

    def slow(user: str, **more: object) -> object:
        """Another search is answered meanwhile, and has seen what was put."""
        engine.put_item("quokka", ItemIn(columns={"title": "The Quokka"}))
        search_service.find("film")
        return history(user, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.store, "history", slow)
    assert [item.id for item in search_service.find("quokka", user="u4").items] == ["quokka"]


def test_a_shelf_goes_with_the_newest_world_it_was_shown(engine: Engine) -> None:
    index = CatalogueSearchIndex(engine.world.catalogue, WORDS)
    engine.put_item("new", ItemIn(columns={"title": "The Quokka"}))
    before = engine.world
    engine.put_item("new", ItemIn(columns={"title": "The Wombat"}))
    for world in (engine.world, before):  # the second is of a request that began first and came last
        index.follow(world)
    assert [item.id for item in index.find(engine.world, "wombat", 5, None, None, (), None, {}).items] == ["new"]


def test_a_question_is_understood_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    understood = Search.parse_query
    monkeypatch.setattr(Search, "parse_query", lambda search, text: read.append(text) or understood(search, text))
    assert SearchService(engine, WORDS).find("commedy").corrected == "comedy"
    assert read == ["commedy"]


def test_meaning_joins_when_the_language_model_is_there(engine: Engine, client: TestClient) -> None:
    pytest.importorskip("sentence_transformers")
    search_service = SearchService(engine)
    client.put("/v1/items/sea", json={"columns": {"title": "A little fish gets lost in the ocean"}})
    search_service.prepare(Run())
    assert search_service.find("swimming under water").items[0].id == "sea"
    client.put("/v1/items/sky", json={"columns": {"title": "Birds fly over the clouds"}})
    found = search_service.find("aeroplane in the air")
    assert found.items[0].id == "sky"
    assert found.sources == ["words", "meaning"]


def test_on_the_command_line(shop: Path) -> None:
    said = CliRunner().invoke(cli, ["search", "kiten", "--words", "-n", "3", "-p", str(shop)])
    assert said.exit_code == 0, said.output
    assert "Searched for: kitten" in said.output
    found = CliRunner().invoke(cli, ["search", "kitten", "--words", "--user", "u0", "--json", "-p", str(shop)])
    document = json.loads(found.stdout)
    assert document["items"]
    assert all("kitten" in item["title"] for item in document["items"])
    assert "taste" in document["sources"]
    assert "Nothing answers" in CliRunner().invoke(cli, ["search", "zzzzzz", "--words", "-p", str(shop)]).output
