"""Items like an item, seen in several ways."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.errors import DataError
from foretaste.models.neighbours.itemknn import ItemKNN
from foretaste.search.similar import ItemSimilarity
from foretaste.types import NO_ITEM, Run

TEXT = np.array([[1, 0], [1, 0], [0.8, 0.6], [0, 1], [0, 0]], np.float32)
PICTURE = np.array([[1, 0], [0, 1], [1, 0], [1, 0], [1, 0]], np.float32)
FIRST = np.array([0], np.int32)


@pytest.fixture
def views() -> ItemSimilarity:
    return ItemSimilarity({"text": TEXT, "picture": PICTURE})


def test_one_view_alone(views: ItemSimilarity) -> None:
    assert views.similar(FIRST, 3, {"text": 1}).items.tolist() == [[1, 2, 3]]
    assert views.similar(FIRST, 4, {"picture": 2}).items.tolist() == [[2, 3, 4, 1]], "ties to the smaller code"


def test_blended_is_the_weighted_mean_of_those_who_know(views: ItemSimilarity) -> None:
    found = views.similar(FIRST, 4, {"text": 3, "picture": 1})
    assert found.items.tolist() == [[4, 2, 1, 3]]
    np.testing.assert_allclose(found.scores[0], [1.0, (3 * 0.8 + 1) / 4, 3 / 4, 1 / 4], rtol=1e-6)
    assert found.sources == ("text", "picture")
    assert np.isnan(found.found_by[0, 0, 0]), "item 4 has no text; its picture speaks alone"
    found = views.similar(FIRST, 2, {"text": 3, "picture": 1}, allowed=np.array([1, 0, 0, 1, 0], bool))
    assert found.items.tolist() == [[3, NO_ITEM]]


def test_behaviour_is_a_view(views: ItemSimilarity) -> None:
    world = worlds.parity()
    both = ItemSimilarity({}, {"behaviour": ItemKNN().fit(world, Run())}, n_items=world.n_items)
    items = np.arange(6, dtype=np.int32)
    found = both.similar(items, 5, {"behaviour": 1.0})
    assert (worlds.parity_of(world, found.items.ravel()).reshape(6, 5) == worlds.parity_of(world, items)[:, None]).all()
    np.testing.assert_allclose(found.scores[:, 0], 1.0)
    assert not (found.items == items[:, None]).any()


def test_mistakes_are_sentences(views: ItemSimilarity) -> None:
    with pytest.raises(DataError, match=r"by 'pictures'\. Did you mean 'picture'"):
        views.similar(FIRST, 3, {"pictures": 1})
    with pytest.raises(DataError, match="give one to some of: text, picture"):
        views.similar(FIRST, 3, {"text": 0})
    with pytest.raises(DataError, match="different numbers"):
        ItemSimilarity({"text": TEXT, "picture": PICTURE[:3]})
