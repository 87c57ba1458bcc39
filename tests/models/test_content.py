"""Content models: event weights, several features in one item vector, and cold items."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.data.kinds import EventKind, Kinds
from foretaste.errors import DataError
from foretaste.features.items import ItemFeatures, ItemFeaturesConfig, picture_column, weighted_concat
from foretaste.models.content.content import Content, ContentConfig
from foretaste.types import History, Queries, Run

DAY = 86_400_000_000
BY_FILE = {"text": 0.0}


def ready(tmp_path: Path, vectors: dict[str, list[float]]) -> ItemFeaturesConfig:
    """Items that are what a file says: the world's answer is plain arithmetic."""
    pl.DataFrame({"item": list(vectors), "vector": list(vectors.values())}).write_parquet(tmp_path / "v.parquet")
    return ItemFeaturesConfig(**BY_FILE, ready_file=str(tmp_path / "v.parquet"))


@pytest.fixture
def corner(tmp_path: Path) -> tuple[Dataset, Content]:
    """Item a lies east, b north, c between them; 'skip' means against, 'glance' fades within a day."""
    kinds = Kinds(
        [EventKind(name="buy", weight=2), EventKind(name="skip", sign=-1), EventKind(name="glance", half_life_days=1)]
    )
    events = pl.DataFrame(
        {"user": ["u", "u", "u"], "item": ["a", "b", "c"], "kind": ["buy", "skip", "glance"], "time": [0, DAY, 2 * DAY]}
    )
    data = Dataset.from_frame(events, kinds=kinds)
    vectors = {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [1.0, 1.0]}
    config = ContentConfig(read=ready(tmp_path, vectors), half_life_events=1.0)
    return data, Content(config).fit(data, Run())


def test_events_speak_by_kind_order_and_age(corner: tuple[Dataset, Content]) -> None:
    data, model = corner
    history = data.histories()
    names = data.items.ids.names_of(history.items)
    weight = dict(zip(names, model.event_weights(history).tolist(), strict=True))
    assert weight == {"a": 2 / 4, "b": -1 / 2, "c": 1.0}
    later = model.event_weights(history, np.array([5 * DAY]))
    assert later.tolist() == [0.5, -0.5, 0.125], "three days later the glance counts an eighth, the others as before"
    untimed = replace(history, time=None)
    np.testing.assert_array_equal(model.event_weights(untimed), model.event_weights(history))


def test_the_taste_is_the_plain_sum(corner: tuple[Dataset, Content]) -> None:
    data, model = corner
    queries = Queries(np.array([0], np.int32), data.histories())
    direction = 0.5 * np.array([1, 0]) - 0.5 * np.array([0, 1]) + np.array([1, 1]) / np.sqrt(2)
    np.testing.assert_allclose(model.profile(queries)[0], direction / np.linalg.norm(direction), rtol=1e-6)


def test_parts_stand_side_by_side_and_may_be_missing() -> None:
    one = np.array([[1, 0], [1, 0], [0, 0]], np.float32)
    other = np.array([[0, 1], [0, 0], [0, 0]], np.float32)
    whole = weighted_concat([one, other], [3.0, 1.0])
    assert whole.shape == (3, 4)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), [1, 1, 0], atol=1e-6)
    assert whole[0] @ whole[1] == pytest.approx(np.sqrt(3 / 4))
    full = weighted_concat([one[[0, 0]], np.array([[0, 1], [1, 0]], np.float32)], [3.0, 1.0])
    assert full[0] @ full[1] == pytest.approx(3 / 4), "the weighted mean of the parts' cosines"


def test_columns_and_pictures_and_ready_vectors_join(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("efficientnet_lite_pytorch")
    image.new("RGB", (40, 40), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"broken")
    frame = pl.DataFrame(
        {
            "item": ["a", "b", "c", "d"],
            "genre": ["x", "x", "y", "y"],
            "poster": [str(tmp_path / "a.png"), str(tmp_path / "b.png"), None, None],
        }
    )
    items = ItemTable.of(IdMap(["a", "b", "c", "d"]), frame)
    assert picture_column(items) == "poster"
    config = ready(tmp_path, {"a": [1.0, 0.0], "b": [1.0, 0.0]}).model_copy(update={"columns": 1.0, "pictures": 1.0})
    features = ItemFeatures(config).fit(items, np.array([True, True, True, True]))
    vectors = features.vectors(items, Run())
    assert vectors.shape == (4, 2 + 1280 + 2)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors[2] @ vectors[3] == pytest.approx(1), "alike in all that is known of them"
    features.save(tmp_path)
    again = ItemFeatures.load(tmp_path, config).vectors(items, Run())
    np.testing.assert_array_equal(vectors, again)


def test_a_new_item_is_recommended_from_its_text_alone_without_training() -> None:
    """Two newcomers nobody has taken come into the parity world; each is offered to whom its words are close to."""
    pytest.importorskip("sentence_transformers")
    data = worlds.parity()
    model = Content().fit(data, Run())
    titles = ["A kitten and its friend the puppy", "A rocket brings up the satellite", None]
    frame = pl.DataFrame({"item": ["new-even", "new-odd", "new-silent"], "title": titles})
    ids = data.items.ids.extended(frame["item"])
    grown = ItemTable.of(ids, pl.concat([data.items.as_frame(), frame]))
    even, odd, silent = (ids.code(name) for name in frame["item"])
    rows = [[code] for code in range(data.n_items)]
    queries = Queries.guests(rows)
    said = data.items.frame["title"].to_list()
    near = {
        even: np.array(["kitten and the puppy" in title for title in said]),
        odd: np.array(["rocket and the satellite" in title for title in said]),
    }
    far = {even: worlds.parity_of(data, np.arange(data.n_items)) == 1}
    far[odd] = ~far[even]

    before = model.vectors
    wider = model.with_items(grown, Run())
    assert wider.rows is not None
    assert wider.rows.first is before, "what was learned is not copied"
    found = wider.recommend(queries, 10, exclude=queries.history).items

    for newcomer in (even, odd):
        offered = (found == newcomer).any(axis=1)
        assert near[newcomer].sum() > 2
        assert offered[near[newcomer]].all()
        assert not offered[far[newcomer]].any()
    assert not (found == silent).any(), "nothing is known of it"
    np.testing.assert_array_equal(model.vectors, before)

    renamed = grown.frame.with_columns(
        title=pl.when(pl.int_range(pl.len()) == even).then(pl.lit(titles[1])).otherwise("title")
    )
    changed = wider.with_items(ItemTable(ids, renamed, grown.title), Run(), np.array([even], np.int32))
    offered = (changed.recommend(queries, 10, exclude=queries.history).items == even).any(axis=1)
    assert offered[near[odd]].all(), "what is written anew is read anew"
    assert not offered[far[odd]].any()
    few = changed.score(queries.take(np.arange(5)), np.tile([even, odd, silent, 0], (5, 1)).astype(np.int32))
    every = np.tile(np.arange(len(grown), dtype=np.int32), (len(queries), 1))
    np.testing.assert_allclose(few, changed.score(queries, every)[:5, [even, odd, silent, 0]], rtol=1e-5)
    with pytest.raises(DataError, match="may only grow"):
        wider.with_items(data.items, Run())


def test_saved_and_loaded_it_still_takes_newcomers(corner: tuple[Dataset, Content], tmp_path: Path) -> None:
    data, model = corner
    model.save(tmp_path / "model")
    again = Content.load(tmp_path / "model")
    ready(tmp_path, {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [1.0, 1.0], "d": [1.0, 0.1]})
    items = ItemTable(data.items.ids.extended(["d"]), pl.DataFrame())
    wider = again.with_items(items, Run())
    bought = History.of_items([[data.items.ids.code("a")]])
    found = wider.recommend(Queries(np.array([-1], np.int32), bought), 4).items[0]
    assert data.items.ids.extended(["d"]).names_of(found[:2]) == ["a", "d"]


def test_nothing_to_read_is_a_sentence() -> None:
    data = Dataset.from_frame(pl.DataFrame({"user": ["u"], "item": ["a"]}))
    with pytest.raises(DataError, match="this catalogue has none"):
        Content().fit(data, Run())
    with pytest.raises(DataError, match="No part of the items is used"):
        Content(ContentConfig(read=ItemFeaturesConfig(text=0.0))).fit(data, Run())
