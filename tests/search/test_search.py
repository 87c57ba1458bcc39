"""Search: by words, by meaning, in spite of slips, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import DataError
from foretaste.models.linear.ease import Ease
from foretaste.search.hybrid import Search, SearchConfig
from foretaste.types import NO_ITEM, NO_USER, History, Queries, Ragged, Run

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset

FILMS = [
    "The Matrix. genres: Action, Sci-Fi",
    "Star Wars. genres: Adventure, Sci-Fi",
    "Bridget Jones's Diary. genres: Comedy, Romance",
    "Finding Nemo. genres: Animation, Children",
    "",
    "Casablanca. genres: Drama, Romance",
]
BY_WORDS = SearchConfig(meaning=0)


def asked(*texts: str) -> Queries:
    return Queries(np.full(len(texts), NO_USER, np.int32), History.of_items([[] for _ in texts]), text=tuple(texts))


@pytest.fixture
def words() -> Search:
    return Search(FILMS, BY_WORDS)


@pytest.fixture(scope="module")
def hybrid() -> Search:
    pytest.importorskip("sentence_transformers")
    frame = pl.DataFrame({"item": [str(i) for i in range(len(FILMS))], "title": [film or None for film in FILMS]})
    items = ItemTable.of(IdMap(frame["item"]), frame)
    return Search.of(items, SearchConfig(meaning=0.5), Run())


def first(search: Search, text: str, **filters: object) -> int:
    return int(search.recommend(asked(text), 1, **filters).items[0, 0])


def test_words_find_what_they_name(words: Search) -> None:
    found = words.recommend(asked("the matrix", "romance", "quicksilver", ""), 4)
    assert found.items[0, 0] == 0
    assert found.items[1].tolist() == [5, 2, NO_ITEM, NO_ITEM], "the shorter text first; a short list stays short"
    assert (found.items[2:] == NO_ITEM).all(), "nothing is invented"
    assert found.sources == ("words", "meaning", "taste")
    assert found.found_by[0, 0, 0] > 0.9
    assert np.isnan(found.found_by[0, 0, 1:]).all()


@pytest.mark.parametrize(
    ("typed", "film"), [("the matirx", 0), ("starwars", 1), ("brigdet jonse", 2), ("CASABLÁNCA", 5)]
)
def test_slips_are_forgiven(words: Search, typed: str, film: int) -> None:
    assert first(words, typed) == film


def test_what_was_meant_is_said(words: Search) -> None:
    assert words.parse_query("the matirx").text == "the matrix"
    assert words.parse_query("the matirx").corrected
    assert words.parse_query("The Matrix!").text == "The Matrix!"
    assert not words.parse_query("The Matrix!").corrected


def test_meaning_finds_what_no_word_names(hybrid: Search) -> None:
    assert first(hybrid, "a little fish is looked for in the ocean by his father") == 3
    assert first(hybrid, "spaceships and jedi") == 1
    assert first(hybrid, "matrix") == 0
    assert 4 not in hybrid.recommend(asked("anything at all"), 6).items, "an item without words means nothing"


def test_a_batch_is_its_questions_one_by_one(hybrid: Search) -> None:
    texts = ("romance", "the matirx", "fish")
    whole = hybrid.recommend(asked(*texts), 3)
    for b, text in enumerate(texts):
        alone = hybrid.recommend(asked(text), 3)
        np.testing.assert_array_equal(alone.items[0], whole.items[b])
        np.testing.assert_allclose(alone.scores[0], whole.scores[b], rtol=1e-6)


def test_filters(hybrid: Search) -> None:
    allowed = np.array([False, True, True, True, True, True])
    assert first(hybrid, "the matrix", allowed=allowed) != 0
    found = hybrid.recommend(asked("the matrix"), 6, exclude=Ragged.from_rows([[0, 1]])).items
    assert not {0, 1} & set(found[0].tolist())
    assert (hybrid.recommend(asked("the matrix"), 3, allowed=np.zeros(6, bool)).items == NO_ITEM).all()


def test_the_name_of_a_column_finds_nothing() -> None:
    frame = pl.DataFrame({"item": ["0", "1"], "title": ["Red shoe", "Brand new hat"], "brand": ["Acme", None]})
    search = Search.of(ItemTable.of(IdMap(["0", "1"]), frame), BY_WORDS, Run())
    assert search.recommend(asked("brand", "acme"), 2).items.tolist() == [[1, NO_ITEM], [0, NO_ITEM]]


def test_new_changed_and_deleted_items() -> None:
    pytest.importorskip("sentence_transformers")
    frame = pl.DataFrame({"item": ["0", "1"], "title": ["Red shoe", "Blue hat"]})
    search = Search.of(ItemTable.of(IdMap(["0", "1"]), frame), None, Run())
    search.put(np.array([2], np.int32), ["Garden hose"], Run())
    assert len(search) == 3
    assert first(search, "hose") == first(search, "water my flowers") == first(search, "gardne hsoe") == 2
    search.put(np.array([0], np.int32), ["Green umbrella"], Run())
    assert first(search, "something against rain") == 0
    search.delete(np.array([2], np.int32))
    assert first(search, "garden hose") != 2


@pytest.fixture(scope="module")
def world() -> Dataset:
    return worlds.parity()


def test_taste_orders_what_fits_alike_and_weight_0_does_not(world: Dataset) -> None:
    """Every title says 'The … and the …': the word alone cannot choose, the person can."""
    model = Ease().fit(world, Run())
    search = Search(world.items.texts(), SearchConfig(meaning=0), taste=model)
    everyone = worlds.everyone(world)
    queries = Queries(everyone.user, everyone.history, text=("the",) * len(everyone))
    mine = worlds.parity_of_people(world)

    def share(personal: float) -> float:
        found = search.recommend(queries, 5, personal=personal).items
        return float((worlds.parity_of(world, found.ravel()).reshape(found.shape) == mine[:, None]).mean())

    assert share(0.5) > 0.99
    same = search.recommend(queries, 5, personal=0.0).items
    assert (same == same[0]).all(), "weight 0: everybody sees the same"


def test_taste_never_brings_what_has_nothing_to_do_with_it(world: Dataset) -> None:
    model = Ease().fit(world, Run())
    search = Search(world.items.texts(), SearchConfig(meaning=0, personal=10.0), taste=model)
    titles = world.items.texts()
    queries = Queries(np.array([NO_USER], np.int32), History.of_items([[1, 3, 5]]), text=("kitten",))
    found = search.recommend(queries, 40).items[0]
    assert all("kitten" in titles[item] for item in found[found != NO_ITEM])


def test_a_search_without_a_question_is_a_sentence(words: Search) -> None:
    with pytest.raises(DataError, match=r"Queries\.text is None"):
        words.recommend(Queries.guests([[]]), 3)
    with pytest.raises(DataError, match="no texts"):
        Search.of(ItemTable.of(IdMap(["a"])), BY_WORDS, Run())
