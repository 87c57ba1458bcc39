"""What every rater promises. A new line in the registry of raters is tested here without a new test."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.dataset import Dataset
from foretaste.errors import DataError, NotFittedError
from foretaste.protocols import RatingModel
from foretaste.registry import rater_class, raters
from foretaste.types import NO_ITEM, Queries, Run

if TYPE_CHECKING:
    from pathlib import Path

NON_PERSONALISED = {"bias"}
"""The only rating model that may rank items alike for every user."""
NEEDS = {"cf": "numba"}


def rated_parity(n_users: int = 60, n_items: int = 40, per_user: int = 20, seed: int = 0) -> Dataset:
    """Even people give even items 5 and odd items 2, odd people the other way round."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(n_users), per_user)
    item = np.concatenate([rng.permutation(n_items)[:per_user] for _ in range(n_users)])
    frame = pl.DataFrame(
        {
            "user": [f"u{u}" for u in user],
            "item": [f"i{i}" for i in item],
            "time": 1_700_000_000_000_000 + np.arange(len(user)) * 60_000_000,
            "kind": "rating",
            "value": np.where(user % 2 == item % 2, 5.0, 2.0),
        }
    )
    return Dataset.from_frame(frame, pl.DataFrame({"item": [f"i{i}" for i in range(n_items)]}), name="ratings")


def _unfitted(name: str) -> Any:
    extra = raters()[name].extra
    if extra and find_spec(NEEDS[extra]) is None:
        pytest.skip(f"the extra '{extra}' is not installed: pip install 'foretaste[{extra}]'")
    return rater_class(name)()


@pytest.fixture(scope="module", params=list(raters()))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def world() -> Dataset:
    return rated_parity()


@pytest.fixture(scope="module")
def queries(world: Dataset) -> Queries:
    return worlds.everyone(world)


@pytest.fixture(scope="module")
def model(name: str, world: Dataset) -> Any:
    return _unfitted(name).fit(world, Run(seed=0))


def everything(world: Dataset, queries: Queries) -> np.ndarray:
    return np.tile(np.arange(world.n_items, dtype=np.int32), (len(queries), 1))


def test_is_a_rating_model(model: Any) -> None:
    assert isinstance(model, RatingModel)
    assert type(model).grid[0] == type(model).config_class(), "the default comes first"


def test_rates_on_the_scale_of_the_data(model: Any, queries: Queries, world: Dataset) -> None:
    found = model.rate(queries, everything(world, queries))
    assert found.shape == (len(queries), world.n_items)
    assert found.dtype == np.float32
    assert (found >= 2).all()
    assert (found <= 5).all()


def test_knows_what_people_like_and_dislike(name: str, model: Any, queries: Queries, world: Dataset) -> None:
    if name in NON_PERSONALISED:
        pytest.skip("is not personalised")
    found = model.rate(queries, everything(world, queries))
    same = worlds.parity_of_people(world)[:, None] == worlds.parity_of(world, np.arange(world.n_items))[None, :]
    new = np.ones_like(same)
    new[queries.history.row_of_event(), queries.history.items] = False
    assert found[same & new].mean() > found[~same & new].mean() + 1.5
    assert ((found > 3.5) == same)[new].mean() > 0.95


def test_no_item_has_no_rating(model: Any, queries: Queries) -> None:
    padded = np.full((len(queries), 3), NO_ITEM, np.int32)
    padded[:, 0] = 0
    found = model.rate(queries, padded)
    assert not np.isnan(found[:, 0]).any()
    assert np.isnan(found[:, 1:]).all()


def test_a_guest_is_rated_for_as_a_user_with_that_history(model: Any, queries: Queries, world: Dataset) -> None:
    guests = Queries(np.full(len(queries), -1, np.int32), queries.history)
    asked = everything(world, queries)
    np.testing.assert_array_equal(model.rate(queries, asked), model.rate(guests, asked))


def test_a_batch_is_its_questions_one_by_one(model: Any, queries: Queries, world: Dataset) -> None:
    asked = everything(world, queries)
    whole = model.rate(queries, asked)
    for b in (0, 7, 33):
        alone = model.rate(queries.take(np.array([b])), asked[b : b + 1])
        np.testing.assert_allclose(whole[b : b + 1], alone, rtol=1e-4)


def test_somebody_without_ratings_gets_what_is_usual(model: Any, world: Dataset) -> None:
    found = model.rate(Queries.guests([[]]), np.arange(world.n_items, dtype=np.int32)[None, :])
    assert np.abs(found - world.value.mean()).max() < 1
    assert model.rate(Queries.guests([]), np.empty((0, 3), np.int32)).shape == (0, 3)


def test_a_rating_of_one_second_ago_counts(name: str, model: Any, queries: Queries, world: Dataset) -> None:
    """The same person with the opposite ratings is expected to give the opposite ones."""
    if name in NON_PERSONALISED:
        pytest.skip("is not personalised")
    history = queries.history
    turned = type(history)(history.items, history.offsets, history.time, history.kind, 7 - history.value)
    asked = everything(world, queries)
    same = worlds.parity_of_people(world)[:, None] == worlds.parity_of(world, np.arange(world.n_items))[None, :]
    after = model.rate(Queries(queries.user, turned), asked)
    assert after[~same].mean() > after[same].mean() + 1


def test_saved_and_loaded_it_rates_the_same(model: Any, queries: Queries, world: Dataset, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = type(model).load(tmp_path / "model")
    asked = everything(world, queries)
    np.testing.assert_array_equal(model.rate(queries, asked), again.rate(queries, asked))
    assert {path.suffix for path in (tmp_path / "model").iterdir()} <= {".json", ".safetensors"}


def test_same_seed_same_ratings_and_a_second_fit_forgets(
    name: str, model: Any, queries: Queries, world: Dataset
) -> None:
    asked = everything(world, queries)
    twice = _unfitted(name).fit(rated_parity(n_users=20, seed=5), Run(seed=3)).fit(world, Run(seed=0))
    np.testing.assert_array_equal(model.rate(queries, asked), twice.rate(queries, asked))


def test_views_beside_ratings_are_not_ratings(name: str, world: Dataset, queries: Queries) -> None:
    """A view has the value 1; were it taken for a rating, everybody would hate what they looked at."""
    seen = world.as_frame().with_columns(kind=pl.lit("view"), value=pl.lit(1.0))
    both = pl.concat([world.as_frame(), seen], how="vertical_relaxed")
    mixed = Dataset.from_frame(both, world.items.as_frame(), name="mixed")
    with_views = _unfitted(name).fit(mixed, Run(seed=0))
    without = _unfitted(name).fit(world, Run(seed=0))
    asked = everything(world, queries)
    after = with_views.rate(worlds.everyone(mixed), asked)
    np.testing.assert_allclose(after, without.rate(queries, asked), rtol=1e-4)


def test_data_without_ratings_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(DataError, match="learns from ratings, and all 600 values of world are 1"):
        _unfitted(name).fit(worlds.parity(), Run())


def test_says_so_when_asked_before_it_learned(name: str, queries: Queries) -> None:
    with pytest.raises(NotFittedError, match="fit"):
        _unfitted(name).rate(queries, np.zeros((len(queries), 1), np.int32))


def test_the_command_line_lists_raters_with_their_settings(capsys: pytest.CaptureFixture[str]) -> None:
    from foretaste.cli.info.models import models

    models(None, as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in listed["raters"]] == list(raters())
    models("similarity_regression", as_json=True)
    settings = json.loads(capsys.readouterr().out)["settings"]["properties"]
    assert all(described.get("description") for described in settings.values()), "a setting without a meaning"
