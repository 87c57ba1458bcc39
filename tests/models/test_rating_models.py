"""Rating models in worlds with known ratings: closed forms, incremental training, unrated items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from foretaste.data.dataset import Dataset
from foretaste.models.ratings.bias import Bias, BiasConfig
from foretaste.models.ratings.rating_data import are_newest
from foretaste.models.ratings.similarity_regression import SimilarityRegression, SimilarityRegressionConfig
from foretaste.types import History, Queries, Run

if TYPE_CHECKING:
    from foretaste.protocols import Rater


def factors_world(n_users: int = 150, n_items: int = 60, per_user: int = 25, seed: int = 0) -> Dataset:
    """r = 3 + b_u + b_i + p·q + a little noise, with two factors."""
    rng = np.random.default_rng(seed)
    p, q = rng.normal(0, 0.8, (n_users, 2)), rng.normal(0, 0.8, (n_items, 2))
    full = 3 + rng.normal(0, 0.3, (n_users, 1)) + rng.normal(0, 0.5, n_items) + p @ q.T
    user = np.repeat(np.arange(n_users), per_user)
    item = np.concatenate([rng.permutation(n_items)[:per_user] for _ in range(n_users)])
    value = full[user, item] + rng.normal(0, 0.1, len(user))
    return rated(user, item, value, n_items)


def rated(user: np.ndarray, item: np.ndarray, value: np.ndarray, n_items: int) -> Dataset:
    frame = pl.DataFrame(
        {"user": [f"u{u}" for u in user], "item": [f"i{i}" for i in item], "kind": "rating", "value": value}
    )
    return Dataset.from_frame(frame, pl.DataFrame({"item": [f"i{i}" for i in range(n_items)]}), name="factors")


def rmse(model: Rater, known: Dataset, asked: Dataset) -> float:
    queries = Queries(asked.user, known.histories().take(asked.user))
    found = model.rate(queries, asked.item[:, None])[:, 0]
    return float(np.sqrt(np.mean((found - asked.value) ** 2)))


def halves(data: Dataset) -> tuple[Dataset, Dataset]:
    later = data.position >= 20
    return data.where(~later), data.where(later)


@pytest.mark.parametrize("name", ["svd", "svdpp"])
def test_factors_are_found_again(name: str) -> None:
    pytest.importorskip("numba")
    from foretaste.registry import rater_class

    known, asked = halves(factors_world())
    made = rater_class(name)
    settings = {"factors": 8, "epochs": 300, "learning_rate": 0.02, "regularisation": 0.02}
    model = made(made.config_class(**settings, fold_in_regularisation=0.01)).fit(known, Run())
    assert rmse(Bias().fit(known, Run()), known, asked) > 0.7
    assert rmse(model, known, asked) < 0.4


@pytest.mark.parametrize("name", ["svd", "svdpp"])
def test_new_ratings_are_learned_without_the_old_ones(name: str) -> None:
    """Half the people come later, with an item nobody knew; after an update the model rates nearly as after a fit."""
    pytest.importorskip("numba")
    from foretaste.registry import rater_class

    data = factors_world()
    loved = np.arange(data.n_users, dtype=np.int32)
    new_item = data.n_items
    settings = {"factors": 8, "epochs": 300, "learning_rate": 0.02, "regularisation": 0.02}
    made = rater_class(name)
    model = made(made.config_class(**settings, update_epochs=60)).fit(data.where(data.user % 2 == 0), Run())
    odd = data.histories().take(loved[1::2])
    rows = [np.append(odd.row(b), new_item) for b in range(len(odd))]
    values = np.concatenate([np.append(odd.value[odd.offsets[b] : odd.offsets[b + 1]], 5.0) for b in range(len(odd))])
    plain = History.of_items(rows)
    people = History(plain.items, plain.offsets, None, plain.kind, values.astype(np.float32))
    asked = np.array([[new_item, 0]], np.int32)
    model.update(people, Run(), n_items=data.n_items + 1)
    even = Queries(loved[:1], data.histories().take(loved[:1]))
    found = model.rate(even, asked)[0]
    assert found[0] > model.scale.mean + 1, "everybody loved the new item"
    again = model.update(people, Run(seed=1))
    assert len(again.item_bias) == data.n_items + 1, "an update forgets nothing"


def test_only_new_events_move_the_items() -> None:
    pytest.importorskip("numba")
    from foretaste.models.ratings.svd import SVD, SVDConfig

    data = factors_world(n_users=40)
    model = SVD(SVDConfig(epochs=5)).fit(data, Run())
    before = model.q.copy()
    people = data.histories().take(np.array([3]))
    new = np.zeros(len(people.items), bool)
    new[-1] = True
    model.update(people, Run(), new=new)
    moved = np.flatnonzero((model.q != before).any(axis=1))
    assert moved.tolist() == [people.items[-1]]


def test_unrated_items_get_the_user_mean() -> None:
    pytest.importorskip("numba")
    from foretaste.models.ratings.svd import SVD

    data = factors_world(n_users=40)
    unrated = int(data.item[0])
    model = SVD().fit(data.where(data.item != unrated), Run())
    assert not model.q[unrated].any()
    assert model.item_bias[unrated] == 0


def test_biases_are_shrunk_means() -> None:
    data = factors_world(n_users=20)
    model = Bias(BiasConfig(item_shrinkage=4.0, user_shrinkage=2.0)).fit(data, Run())
    mean = data.value.mean()
    items = {i: (data.value[data.item == i] - mean).sum() / ((data.item == i).sum() + 4) for i in range(data.n_items)}
    mine = data.user == 3
    left = data.value[mine] - mean - np.array([items[i] for i in data.item[mine]])
    expected = mean + items[7] + left.sum() / (mine.sum() + 2)
    found = model.rate(
        Queries(np.array([3], np.int32), data.histories().take(np.array([3]))), np.array([[7]], np.int32)
    )
    assert found[0, 0] == pytest.approx(expected, abs=1e-4)


def test_the_line_through_own_ratings_is_ridge_regression() -> None:
    known, asked = halves(factors_world())
    model = SimilarityRegression(SimilarityRegressionConfig(ridge=3.0)).fit(known, Run())
    person = known.histories().take(np.array([5]))
    s, left, _ = model._own_pairs(person)
    X = np.column_stack([np.ones_like(s), s])
    plain = model.line + np.linalg.solve(X.T @ X + 3 * np.eye(2), X.T @ (left - X @ model.line))
    b0, b1 = model._lines(person)
    np.testing.assert_allclose([b0[0], b1[0]], plain, rtol=1e-4)
    assert rmse(model, known, asked) < rmse(Bias().fit(known, Run()), known, asked) - 0.1


def test_the_newest_rating_of_an_item_counts() -> None:
    plain = History.of_items([[4, 2, 4, 1], [], [4, 4]])
    kinds = np.array([0, 0, 0, 0, 0, 1], np.uint8)
    history = History(plain.items, plain.offsets, None, kinds, np.array([1, 2, 3, np.nan, 5, 6], np.float32))
    assert are_newest(history, np.array([True, False])).tolist() == [False, True, True, False, True, False]
    assert are_newest(history, np.array([True, True])).tolist() == [False, True, True, False, False, True]
