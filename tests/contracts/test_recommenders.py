"""The contract of every recommender; a new model in the registry is tested here without a new test."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.errors import BundleError, DataError, NotFittedError
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.protocols import Recommender
from foretaste.registry import model_class, model_spec, models
from foretaste.types import NO_ITEM, Candidates, Queries, Ragged, Run

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset

NON_PERSONALISED = {"random", "popular", "trending"}
"""The only models that may recommend the same list to every user."""
NETWORKS = {"gru4rec", "bert4rec", "sasrec", "hstu", "two_tower"}
LIGHT = {
    "width": 32,
    "training": {"epochs": 50, "least_steps": 0, "learning_rate": 0.01, "warm_up_steps": 10, "averaging": 0.9},
}
"""Networks learn these small worlds in a second; their own settings are made for data a thousand times larger."""
TUNED = {"tuning": {"layers": 1, "batches": 4, "training": {**LIGHT["training"], "epochs": 2}}}
MAPPED = {"contrast": {"batches": 5}, "training": {**LIGHT["training"], "epochs": 2}}
NEEDS = {"cf": "implicit", "torch": "torch", "text": "sentence_transformers"}


def _with_people(data: Dataset) -> Dataset:
    """The world, and what its people say of themselves: on which side they are."""
    side = np.where(worlds.parity_of_people(data) == 0, "even", "odd")
    return replace(data, user_table=pl.DataFrame({"user": data.users.names, "side": side}))


def _asking(data: Dataset) -> Queries:
    everyone = worlds.everyone(data)
    return replace(everyone, columns=data.columns_of(everyone.user))


def _unfitted(name: str) -> Any:
    if name == "pipeline":
        recalls = (RecallConfig(model="ease", weight=2.0), RecallConfig(model="itemknn"))
        return Pipeline(PipelineConfig(recalls=recalls, depth=20))
    extra = model_spec(name).extra
    if extra and find_spec(NEEDS[extra]) is None:
        pytest.skip(f"the extra '{extra}' is not installed: pip install 'foretaste[{extra}]'")
    made = model_class(name)
    if name in {"content_tuned", "content_metric"}:
        return made(made.config_class.model_validate(TUNED if name == "content_tuned" else MAPPED))
    if name == "demographic":
        return made(made.config_class(shrinkage=10, weight=1))  # of events; these worlds have a few hundred
    return made(made.config_class.model_validate(LIGHT)) if name in NETWORKS else made()


@pytest.fixture(scope="module", params=[*models(), "pipeline"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def world() -> Dataset:
    return _with_people(worlds.parity())


@pytest.fixture(scope="module")
def queries(world: Dataset) -> Queries:
    return _asking(world)


@pytest.fixture(scope="module")
def model(name: str, world: Dataset) -> Any:
    return _unfitted(name).fit(world, Run(seed=0))


def same(a: Candidates, b: Candidates) -> None:
    """Equal scores, and equal items but where two scores are equal up to rounding."""
    np.testing.assert_allclose(a.scores, b.scores, rtol=1e-4, atol=1e-6)
    differ = a.items != b.items
    if differ.any():
        rows = np.flatnonzero(differ.any(axis=1))
        for b_ in rows:
            scores = a.scores[b_]
            near = np.abs(scores[:, None] - scores[None, :]) < 1e-5
            assert (near.sum(axis=1)[differ[b_]] > 1).all()


def test_is_a_recommender(name: str, model: Any) -> None:
    if name != "pipeline":
        assert isinstance(model, Recommender)


def test_lists_are_well_formed(model: Any, queries: Queries, world: Dataset) -> None:
    found = model.recommend(queries, 7)
    assert found.items.shape == found.scores.shape == (len(queries), 7)
    assert found.items.dtype == np.int32
    assert found.scores.dtype == np.float32
    for items, scores in zip(found.items, found.scores, strict=True):
        real = items != NO_ITEM
        assert (np.diff(real.astype(int)) <= 0).all(), "padding stands on the right"
        assert len(set(items[real])) == real.sum(), "no item twice"
        assert (items[real] < world.n_items).all()
        assert not np.isnan(scores[real]).any()
        assert np.isnan(scores[~real]).all()
        assert (np.diff(scores[real]) <= 1e-6).all(), "best first"


def test_knows_the_answer_of_the_parity_world(name: str, model: Any, queries: Queries, world: Dataset) -> None:
    if name in NON_PERSONALISED:
        pytest.skip("is not personalised")
    found = model.recommend(queries, 5, exclude=queries.history).items
    assert (found != NO_ITEM).all()
    people = worlds.parity_of_people(world)
    right = worlds.parity_of(world, found.ravel()).reshape(found.shape) == people[:, None]
    assert right.mean() > 0.99, "even people like even items"


def test_a_question_is_not_changed_by_being_asked(name: str, model: Any, world: Dataset) -> None:
    """Not even one with a history so long that its beginning weighs nothing any more."""
    rng = np.random.default_rng(0)
    asked = Queries.guests([rng.integers(0, world.n_items, 3_000), [0, 1]])
    history = asked.history
    before = {name: getattr(history, name).copy() for name in ("items", "offsets", "kind", "value")}
    found = model.recommend(asked, 5)
    if name != "pipeline":  # which only retrieves
        model.score(asked, np.maximum(found.items, 0))
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(history, name), values)


def test_never_offers_what_was_excluded(model: Any, queries: Queries) -> None:
    found = model.recommend(queries, 10, exclude=queries.history)
    for b in range(len(queries)):
        assert not set(found.items[b]) & set(queries.history.row(b))


def test_offers_only_what_is_allowed(model: Any, queries: Queries, world: Dataset) -> None:
    allowed = np.zeros(world.n_items, bool)
    allowed[::3] = True
    found = model.recommend(queries, 10, allowed=allowed).items
    assert allowed[found[found != NO_ITEM]].all()


def test_a_question_that_does_not_fit_is_refused_in_a_sentence(name: str, model: Any, world: Dataset) -> None:
    """Read beyond its end an array answers nonsense, and one of scipy ends the process."""
    if name == "demographic":
        pytest.skip("reads no histories, and answers nobody without columns")
    n = world.n_items
    for code in (-1, n, 50 * n):
        with pytest.raises(DataError, match=f"the code {code}, and items have codes from 0 to {n - 1}"):
            model.recommend(Queries.guests([[0, 1], [code]]), 5)
        if name != "pipeline":
            with pytest.raises(DataError, match=f"the code {code}"):
                model.score(Queries.guests([[code]]), np.zeros((1, 1), np.int32))
    two = Queries.guests([[0], [1]])
    with pytest.raises(DataError, match="1 rows of exclude for 2 queries"):
        model.recommend(two, 5, exclude=Ragged.from_rows([[2]]))
    with pytest.raises(DataError, match="exclude contains the code -1"):
        model.recommend(two, 5, exclude=Ragged.from_rows([[2], [-1]]))
    for allowed in (np.array([1, 2, 3]), np.ones(n, np.int64), np.ones(n - 1, bool)):
        with pytest.raises(DataError, match=rf"a bool array of shape \({n},\)"):
            model.recommend(two, 5, allowed=allowed)


def test_short_lists_stay_short(model: Any, queries: Queries, world: Dataset) -> None:
    allowed = np.zeros(world.n_items, bool)
    allowed[:3] = True
    found = model.recommend(queries, 10, allowed=allowed)
    assert ((found.items != NO_ITEM).sum(axis=1) <= 3).all()
    more_than_there_are = model.recommend(queries, world.n_items + 5)
    assert more_than_there_are.items.shape == (len(queries), world.n_items + 5)
    nothing = model.recommend(queries, 4, allowed=np.zeros(world.n_items, bool))
    assert (nothing.items == NO_ITEM).all()


def test_a_batch_is_its_questions_one_by_one(model: Any, queries: Queries) -> None:
    some = np.arange(0, len(queries), 7)
    whole = model.recommend(queries, 8)
    for b in some:
        alone = model.recommend(queries.take(np.array([b])), 8)
        same(
            Candidates.of_one_source(whole.items[b : b + 1], whole.scores[b : b + 1], "x"),
            Candidates.of_one_source(alone.items, alone.scores, "x"),
        )


def test_a_guest_gets_what_a_user_with_that_history_gets(model: Any, queries: Queries) -> None:
    guests = replace(queries, user=np.full(len(queries), -1, np.int32))
    same(model.recommend(queries, 8), model.recommend(guests, 8))


def test_nobody_and_nothing_are_answered(model: Any) -> None:
    found = model.recommend(Queries.guests([[]]), 5)
    assert found.items.shape == (1, 5)
    none = model.recommend(Queries.guests([]), 5)
    assert none.items.shape == (0, 5)


def test_saved_and_loaded_it_answers_the_same(model: Any, queries: Queries, tmp_path: Path) -> None:
    model.save(str(tmp_path / "model"))
    again = type(model).load(str(tmp_path / "model"))
    before, after = model.recommend(queries, 8), again.recommend(queries, 8)
    np.testing.assert_array_equal(before.items, after.items)
    np.testing.assert_array_equal(before.scores, after.scores)
    assert not [path for path in (tmp_path / "model").rglob("*") if path.suffix in {".pkl", ".pickle", ".pt"}]


def test_where_nothing_was_saved_nothing_is_loaded(model: Any, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"There is no (model|pipeline) in .*nowhere; save one there first"):
        type(model).load(str(tmp_path / "nowhere"))


def test_same_seed_same_lists(name: str, model: Any, world: Dataset, queries: Queries) -> None:
    again = _unfitted(name).fit(world, Run(seed=0))
    np.testing.assert_array_equal(model.recommend(queries, 8).items, again.recommend(queries, 8).items)


def test_a_second_fit_forgets_the_first(name: str, world: Dataset, queries: Queries) -> None:
    other = _with_people(worlds.parity(seed=9, n_users=60))
    twice = _unfitted(name).fit(other, Run(seed=0)).fit(world, Run(seed=0))
    once = _unfitted(name).fit(world, Run(seed=0))
    np.testing.assert_array_equal(twice.recommend(queries, 8).items, once.recommend(queries, 8).items)


def test_the_order_of_the_file_does_not_matter(name: str, world: Dataset) -> None:
    """Codes follow a hash of the names, so another order of people gives the same lists for the same names."""
    shuffled = np.random.default_rng(1).permutation(len(world))
    other = type(world).sorted(
        users=world.users,
        items=world.items,
        user=world.user[shuffled],
        item=world.item[shuffled],
        time=None if world.time is None else world.time[shuffled],
        kind=world.kind[shuffled],
        value=world.value[shuffled],
        kinds=world.kinds,
    )
    other = replace(other, user_table=world.user_table)
    a = _unfitted(name).fit(world, Run(seed=0)).recommend(_asking(world), 6)
    b = _unfitted(name).fit(other, Run(seed=0)).recommend(_asking(other), 6)
    np.testing.assert_array_equal(a.items, b.items)


def test_scores_agree_with_the_list(name: str, model: Any, queries: Queries) -> None:
    if name == "pipeline":
        pytest.skip("a pipeline retrieves; it does not score items it did not find")
    found = model.recommend(queries, 6)
    np.testing.assert_allclose(model.score(queries, found.items), found.scores, rtol=1e-4, atol=1e-6)
    padded = np.full((len(queries), 2), NO_ITEM, np.int32)
    assert np.isnan(model.score(queries, padded)).all()


def test_says_so_when_asked_before_it_learned(name: str, queries: Queries) -> None:
    with pytest.raises(NotFittedError, match="fit"):
        _unfitted(name).recommend(queries, 3)


def test_empty_exclusion_is_no_exclusion(model: Any, queries: Queries) -> None:
    nothing = Ragged.from_rows([[] for _ in range(len(queries))])
    np.testing.assert_array_equal(model.recommend(queries, 5, exclude=nothing).items, model.recommend(queries, 5).items)
