"""`profile_classifier` against plain least squares, and what it adds to a mean profile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste.data.dataset import Dataset
from foretaste.data.kinds import EventKind, Kinds
from foretaste.features.items import ItemFeaturesConfig
from foretaste.models.content.content import Content, ContentConfig
from foretaste.models.content.profile_classifier import ProfileClassifier, ProfileClassifierConfig
from foretaste.types import History, Queries, Run

N, D = 40, 6


@pytest.fixture
def read(tmp_path: Path) -> ItemFeaturesConfig:
    """Items that nearly all point one way, and differ a little in the ways that matter."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N, D)) * [0.1, 0.1, 0.1, 1, 1, 1] + [3, 0, 0, 0, 0, 0]
    names = [f"i{i}" for i in range(N)]
    pl.DataFrame({"item": names, "vector": vectors.tolist()}).write_parquet(tmp_path / "v.parquet")
    return ItemFeaturesConfig(text=0.0, ready_file=str(tmp_path / "v.parquet"))


@pytest.fixture
def data() -> Dataset:
    kinds = Kinds([EventKind(name="like", weight=1), EventKind(name="hate", sign=-1)])
    rng = np.random.default_rng(1)
    rows = [(f"u{u}", f"i{i}", "like" if i % 3 else "hate") for u in range(8) for i in rng.permutation(N)[: 3 + u]]
    rows += [(f"w{i}", f"i{i}", "like") for i in range(N)]
    return Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "kind"], orient="row"), kinds=kinds)


def test_the_weights_are_those_of_plain_least_squares(data: Dataset, read: ItemFeaturesConfig) -> None:
    config = ProfileClassifierConfig(read=read, half_life_events=3.0, shrinkage=0.4, noise=0.7)
    model = ProfileClassifier(config).fit(data, Run())
    queries = Queries(np.arange(data.n_users, dtype=np.int32), data.histories())
    weights = model.event_weights(queries.history)
    assert model.vectors is not None
    x = model.vectors - model.vectors.mean(axis=0)
    spread = x.T @ x
    A = 0.6 * D * spread / np.trace(spread) + 0.4 * np.eye(D)
    for user in range(data.n_users):
        events = slice(*queries.history.offsets[user : user + 2])
        rows, c = x[queries.history.items[events]], weights[events]
        w = np.linalg.solve(rows.T @ (np.abs(c)[:, None] * rows) + 0.7 * A, rows.T @ c)
        np.testing.assert_allclose(model.profile(queries)[user], w, rtol=1e-3, atol=1e-4)
    found = model.score(queries, np.tile(np.arange(N, dtype=np.int32), (data.n_users, 1)))
    np.testing.assert_allclose(found, model.profile(queries) @ x.T, rtol=1e-3, atol=1e-4)


def test_its_reasons_add_up_to_the_score(data: Dataset, read: ItemFeaturesConfig) -> None:
    model = ProfileClassifier(ProfileClassifierConfig(read=read)).fit(data, Run())
    history = np.array([3, 17, 8, 30], np.int32)
    items = np.arange(N, dtype=np.int32)
    parts = model.contributions(history, items)
    np.testing.assert_allclose(
        parts.sum(axis=1), model.score(Queries.guests([history]), items[None])[0], rtol=1e-3, atol=1e-5
    )


def test_what_was_disliked_pushes_away(data: Dataset, read: ItemFeaturesConfig) -> None:
    model = ProfileClassifier(ProfileClassifierConfig(read=read)).fit(data, Run())
    like, hate = data.kinds.code("like"), data.kinds.code("hate")
    one = np.array([[7]], np.int32)

    def score(kind: int) -> float:
        history = History(one[0], np.array([0, 1]), None, np.array([kind], np.uint8), np.ones(1, np.float32))
        return float(model.score(Queries(np.array([-1], np.int32), history), one)[0, 0])

    assert score(like) == pytest.approx(-score(hate))
    assert score(like) > 0


def test_it_sees_small_differences_that_a_cosine_drowns(tmp_path: Path) -> None:
    """What people mind are ways in which items hardly differ: each takes items of one sign of the first of them."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(200, D)) * [0.15, 1, 1, 1, 1, 1]
    names = [f"i{i}" for i in range(200)]
    pl.DataFrame({"item": names, "vector": vectors.tolist()}).write_parquet(tmp_path / "v.parquet")
    read = ItemFeaturesConfig(text=0.0, ready_file=str(tmp_path / "v.parquet"))
    data = Dataset.from_frame(pl.DataFrame({"user": ["u"] * 200, "item": names}))
    first = vectors[[int(name[1:]) for name in data.items.ids.names.to_list()], 0]
    histories = [np.flatnonzero(first > 0)[rng.permutation(60)[:20]] for _ in range(20)]
    queries = Queries.guests(histories)

    def right(model: Content) -> float:
        found = model.recommend(queries, 10, exclude=queries.history).items
        return float((first[found] > 0).mean())

    plain = right(Content(ContentConfig(read=read, half_life_events=1e6)).fit(data, Run()))
    sharp = right(
        ProfileClassifier(ProfileClassifierConfig(read=read, half_life_events=1e6, shrinkage=0.01)).fit(data, Run())
    )
    assert sharp > 0.95 > plain


def test_many_people_at_once_are_as_one_by_one(data: Dataset, read: ItemFeaturesConfig) -> None:
    model = ProfileClassifier(ProfileClassifierConfig(read=read, max_length=4)).fit(data, Run())
    queries = Queries(np.arange(data.n_users, dtype=np.int32), data.histories())
    together = model.profile(queries)
    alone = np.concatenate([model.profile(queries.take([b])) for b in range(len(queries))])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_saved_and_loaded_it_is_the_same(data: Dataset, read: ItemFeaturesConfig, tmp_path: Path) -> None:
    model = ProfileClassifier(ProfileClassifierConfig(read=read, shrinkage=0.2)).fit(data, Run())
    model.save(tmp_path / "model")
    again = ProfileClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(again.precision, model.precision)
    assert again.config == model.config
