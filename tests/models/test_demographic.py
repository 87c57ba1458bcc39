"""`demographic` against its formula computed densely, and users of whom only columns are known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.errors import DataError
from foretaste.evaluation.cold_start import new_users_with_attributes
from foretaste.evaluation.evaluator import evaluate
from foretaste.features.columns import ColumnsConfig
from foretaste.models.linear.ease import Ease
from foretaste.models.plain.demographic import Demographic, DemographicConfig
from foretaste.models.plain.popular import Popular
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.selection.choose_settings import ModelChoice, choose_weights
from foretaste.types import NO_ITEM, Queries, Run

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset

SMALL = DemographicConfig(shrinkage=20, weight=0.5)


def people(n_users: int = 90, seed: int = 0) -> Dataset:
    """Even people are students and take even items, odd ones are pensioners and take odd items; towns mean nothing."""
    data = worlds.parity(n_users=n_users, seed=seed)
    parity = worlds.parity_of_people(data)
    towns = np.random.default_rng(seed).choice(["York", "Bath", "Ely"], n_users)
    table = pl.DataFrame(
        {
            "user": data.users.names,
            "work": np.where(parity == 0, "student", "pensioner"),
            "age": np.where(parity == 0, 20, 70) + np.arange(n_users) % 5,
            "town": towns,
        }
    )
    return replace(data, user_table=table)


def newcomer(**columns: object) -> Queries:
    def alone(value: object) -> np.ndarray:
        found = np.empty(1, object)
        found[0] = value
        return found

    return replace(Queries.guests([[]]), columns={name: alone(value) for name, value in columns.items()})


@pytest.fixture(scope="module")
def data() -> Dataset:
    return people()


@pytest.fixture(scope="module")
def model(data: Dataset) -> Demographic:
    return Demographic(SMALL).fit(data, Run())


def parity_of_list(model: Demographic, data: Dataset, queries: Queries) -> set[int]:
    return set(worlds.parity_of(data, model.recommend(queries, 8).items[0]).tolist())


def test_the_score_is_the_sum_of_its_formula(data: Dataset) -> None:
    """Over categories alone, where having a value is 1 or 0."""
    read = ColumnsConfig(kinds={"age": "skip"})
    model = Demographic(SMALL.model_copy(update={"read": read})).fit(data, Run())
    found = model.score(newcomer(work="student", town="York"), np.arange(data.n_items, dtype=np.int32)[None])[0]
    assert data.user_table is not None
    rows = {row["user"]: row for row in data.user_table.to_dicts()}
    names = data.users.names.to_list()
    share = np.bincount(data.item, minlength=data.n_items) + 0.5
    share /= share.sum()
    expected = np.log(share)
    for column, value in (("work", "student"), ("town", "York")):
        mine = np.array([rows[names[user]][column] == value for user in data.user])
        count = np.bincount(data.item[mine], minlength=data.n_items)
        of_value = (count + 20 * share) / (count.sum() + 20)
        expected += 0.5 * np.log(of_value / share)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("columns", "parity"),
    [
        ({"work": "student"}, 0),
        ({"work": "pensioner", "town": "Bath"}, 1),
        ({"age": 21}, 0),
        ({"age": "71"}, 1),
        ({"age": 300.5, "work": None, "town": "Atlantis"}, 1),
        ({"work": "pensioner", "age": float("nan"), "shoe": 43}, 1),
    ],
)
def test_newcomers_get_what_people_like_them_took(
    model: Demographic, data: Dataset, columns: dict[str, object], parity: int
) -> None:
    assert parity_of_list(model, data, newcomer(**columns)) == {parity}


@pytest.mark.parametrize(
    "columns", [{}, {"shoe": 43}, {"work": "astronaut"}, {"work": None}, {"age": "old"}, {"age": [1, 2]}, {"work": {}}]
)
def test_of_whom_nothing_is_known_nothing_is_said(model: Demographic, columns: dict[str, object]) -> None:
    found = model.recommend(newcomer(**columns), 5)
    assert (found.items == NO_ITEM).all()
    assert np.isnan(model.score(newcomer(**columns), np.array([[0, 1]], np.int32))).all()


def test_people_who_say_nothing_do_not_silence_the_others(model: Demographic, data: Dataset) -> None:
    both = replace(Queries.guests([[], []]), columns={"work": np.array([None, "student"], object)})
    found = model.recommend(both, 6).items
    assert (found[0] == NO_ITEM).all()
    np.testing.assert_array_equal(found[1], model.recommend(newcomer(work="student"), 6).items[0])


def test_a_value_of_few_people_is_not_learned(data: Dataset) -> None:
    """It would say little of a newcomer, and much of those few."""
    assert data.user_table is not None
    rare = data.user_table.with_columns(work=pl.when(pl.col("user") == "u3").then(pl.lit("king")).otherwise("work"))
    model = Demographic(SMALL).fit(replace(data, user_table=rare), Run())
    assert "king" not in model.columns.to_json()
    assert "student" in model.columns.to_json()


def test_the_saved_model_holds_no_user_names(model: Demographic, data: Dataset, tmp_path: Path) -> None:
    model.save(tmp_path)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"student" in written
    assert not any(f'"{name}"'.encode() in written for name in data.users.names)
    assert sum(array.shape[0] == data.n_users for array in (model.base, model.log_popularity)) == 0


def test_reasons_name_the_columns_that_speak(model: Demographic, data: Dataset) -> None:
    asked = newcomer(work="student", town="York")
    items = model.recommend(asked, 5).items[0]
    for reasons in model.because_of_columns(asked, items):
        assert reasons[0][0] == "work student"
        assert 0.5 < reasons[0][1] <= sum(share for _, share in reasons) <= 1 + 1e-6
    odd = np.flatnonzero(worlds.parity_of(data, np.arange(data.n_items)) == 1)[:3].astype(np.int32)
    assert all(not r or r[0][0] != "work student" for r in model.because_of_columns(asked, odd))


def test_columns_alone_beat_popularity_for_new_users() -> None:
    split = new_users_with_attributes(people(n_users=200))
    assert len(split.test.queries.history.items) == 0
    assert not np.isin(split.train.user, split.test.queries.user).any()
    assert not np.isin(split.train.user, split.validation.queries.user).any()
    by_columns = evaluate(Demographic(SMALL).fit(split.train, Run()), split.test, ("ndcg@10",)).mean("ndcg@10")
    by_popularity = evaluate(Popular().fit(split.train, Run()), split.test, ("ndcg@10",)).mean("ndcg@10")
    assert by_columns > 1.3 * by_popularity


def test_a_world_without_people_is_refused_with_a_sentence() -> None:
    with pytest.raises(DataError, match="leave it out"):
        Demographic().fit(worlds.parity(), Run())
    with pytest.raises(DataError, match="no table of users"):
        new_users_with_attributes(worlds.parity())


# ---- in a pipeline: history first, then columns, then what is popular


@pytest.fixture(scope="module")
def pipeline(data: Dataset) -> Pipeline:
    demographic = RecallConfig(model="demographic", settings=SMALL.model_dump(), weight=0.02)
    return Pipeline(PipelineConfig(recalls=(RecallConfig(model="ease"), demographic), depth=12)).fit(data, Run())


def test_a_newcomer_is_answered_by_columns_then_by_popularity(pipeline: Pipeline, data: Dataset) -> None:
    known = pipeline.answer(newcomer(work="student"), 5, explain=True)
    assert set(worlds.parity_of(data, known.candidates.items[0]).tolist()) == {0}
    finders = known.candidates.sources[1]
    assert finders == "demographic"
    assert not np.isnan(known.candidates.found_by[0, :, 1]).any(), "each is named as found by it"
    assert known.reasons is not None
    assert {(why[0].kind, why[0].said) for why in known.reasons[0]} == {("people", "work student")}
    stranger = pipeline.answer(newcomer(), 5, explain=True)
    assert stranger.candidates.sources[-1] == "popular"
    assert stranger.reasons is not None
    assert {why[0].kind for why in stranger.reasons[0]} == {"popular"}


def test_a_history_outweighs_columns(pipeline: Pipeline, data: Dataset) -> None:
    odd = np.flatnonzero(worlds.parity_of(data, np.arange(data.n_items)) == 1)[:4].astype(np.int32)
    person = replace(Queries.guests([odd]), columns={"work": np.array(["student"], object)})
    assert set(worlds.parity_of(data, pipeline.recommend(person, 5).items[0]).tolist()) == {1}


def test_what_it_learned_is_chosen_into_pipelines_for_the_people_to_come(data: Dataset) -> None:
    from foretaste.data.splits import leave_last

    split = leave_last(data)
    questions = split.validation
    chosen = {}
    for name, model in (("ease", Ease()), ("demographic", Demographic(SMALL))):
        lists = model.fit(split.train, Run()).recommend(questions.queries, 20, exclude=questions.excluded)
        score = 1.0 if name == "ease" else 0.0
        chosen[name] = ModelChoice(model.config, ((model.config, score),), lists)
    config = choose_weights(chosen, split, PipelineConfig())
    assert "demographic" in {recall.model for recall in config.recalls}
