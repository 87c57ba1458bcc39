"""Sampled metrics: which negatives are drawn, how targets are ranked, and that rows say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.splits import leave_last
from foretaste.errors import DataError, UnknownNameError
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.sampled_metrics import SampledQueries, evaluate_sampled
from foretaste.models.linear.ease import Ease
from foretaste.published.ncf import REFERENCES, load, run_ncf
from foretaste.types import NO_ITEM, Queries, Run

REAL = Path(__file__).parents[3] / "shared" / "data"


class Constant:
    """Scores everything alike."""

    def score(self, queries: Queries, items: np.ndarray) -> np.ndarray:
        return np.where(items == NO_ITEM, np.nan, 1.0).astype(np.float32)


class Knowing:
    """Scores the first column highest, or nothing at all."""

    def __init__(self, score: float) -> None:
        self.of_answer = score

    def score(self, queries: Queries, items: np.ndarray) -> np.ndarray:
        found = np.where(items == NO_ITEM, np.nan, 0.5).astype(np.float32)
        found[:, 0] = self.of_answer
        return found


@pytest.fixture(scope="module")
def asked() -> SampledQueries:
    return SampledQueries.with_uniform_negatives(leave_last(worlds.noise(n_users=2000)).test, 20)


def test_negatives_are_new_to_the_person_and_not_the_answer(asked: SampledQueries) -> None:
    questions = leave_last(worlds.noise(n_users=2000)).test
    assert len(asked) == 2000
    for b in range(0, 2000, 50):
        negatives = asked.items[b, 1:]
        assert len(set(negatives)) == 20
        assert not set(negatives) & set(asked.queries.history.row(b))
        assert asked.items[b, 0] == questions.relevant[[b]].indices[0]
        assert asked.items[b, 0] not in negatives
    drawn = np.bincount(asked.items[:, 1:].ravel(), minlength=50)
    assert drawn.min() > 0.85 * drawn.mean(), "every item is drawn as often"


def test_where_too_few_are_new_the_rest_is_padding() -> None:
    found = SampledQueries.with_uniform_negatives(leave_last(worlds.parity(n_items=24, per_user=10)).test, 30).items
    assert ((found != NO_ITEM).sum(axis=1) == 1 + 14).all()  # 24 less a history of 9 and the answer


def test_a_constant_measures_like_chance_and_a_perfect_model_1(asked: SampledQueries) -> None:
    constant = evaluate_sampled(Constant(), asked)
    assert constant.mean("hr@10") == pytest.approx(10 / 21, abs=0.04)
    assert evaluate_sampled(Knowing(1.0), asked).mean("ndcg@10") == 1
    assert evaluate_sampled(Knowing(0.0), asked).mean("hr@10") == 0
    assert evaluate_sampled(Knowing(np.nan), asked).mean("hr@10") == 0, "what cannot be judged is not found"


def test_against_the_whole_catalogue_it_is_full_ranking() -> None:
    split = leave_last(worlds.parity())
    model = Ease().fit(split.refit, Run())
    full = evaluate(model, split.test, ("hr@10", "ndcg@10"))
    everything = evaluate_sampled(model, SampledQueries.with_uniform_negatives(split.test, 40))
    for name in ("hr@10", "ndcg@10"):
        np.testing.assert_allclose(everything.per_user[name], full.per_user[name])


def test_an_answer_among_its_own_negatives_is_ranked_once() -> None:
    split = leave_last(worlds.parity())
    answer = split.test.relevant.indices.astype(np.int32)
    given = np.tile(answer[:, None], (1, 2))
    given[:, 1] = (answer + 1) % 40
    found = SampledQueries.with_given_negatives(split.test, given, "given")
    assert (found.items[:, 1] == NO_ITEM).all()
    assert found.ranking == "sampled: the answer among 2 given"
    with pytest.raises(DataError, match="one row of negatives"):
        SampledQueries.with_given_negatives(split.test, given[1:], "given")


def write_ncf(folder: Path) -> None:
    data = worlds.parity(n_users=50)
    user, item = data.user.astype(np.int32), data.item
    frame = pl.DataFrame({"user_id": user, "item_id": item, "position": data.position, "rating": 5})
    frame = frame.with_columns(split=pl.when(pl.col("position") == 9).then(pl.lit("test")).otherwise(pl.lit("train")))
    folder.mkdir(parents=True)
    frame.sample(fraction=1.0, shuffle=True, seed=0).write_parquet(folder / "interactions.parquet")
    rng = np.random.default_rng(0)
    taken = data.matrix().toarray() > 0
    negatives = [rng.permutation(np.flatnonzero(~taken[u]))[:9].tolist() for u in range(50)]
    answers = frame.filter(pl.col("split") == "test").select("user_id", "item_id")
    given = answers.with_columns(negatives=pl.Series(negatives, dtype=pl.List(pl.Int32)))
    given.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(folder / "ncf_eval_negatives.parquet")


def test_the_table_of_the_ncf_paper_runs_on_its_own_files(tmp_path: Path) -> None:
    write_ncf(tmp_path / "ml-1m")
    split, test = load(tmp_path / "ml-1m")
    given = pl.read_parquet(tmp_path / "ml-1m" / "ncf_eval_negatives.parquet")
    names = {str(row["user_id"]): row for row in given.iter_rows(named=True)}
    for b in range(len(test)):
        row = names[split.data.users.name(int(test.queries.user[b]))]
        assert split.data.items.ids.name(int(test.items[b, 0])) == str(row["item_id"])
        assert [split.data.items.ids.name(int(i)) for i in test.items[b, 1:]] == [str(i) for i in row["negatives"]]
    assert (split.test.queries.history.lengths == 9).all()
    assert (split.validation.queries.history.lengths == 8).all()
    found = run_ncf("ml-1m-ncf", tmp_path, Run(), models=["popular", "itemknn"]).to_json()["rows"]
    assert found[0]["model"] == "itemknn"
    assert found[0]["protocol"]["ranking"] == "sampled: the answer among 9 negatives of the NCF files"
    assert {"hr@10", "ndcg@10"} <= set(found[0]["test"])
    with pytest.raises(UnknownNameError, match="Did you mean 'ml-1m-ncf'"):
        run_ncf("ml-1m-nfc", tmp_path, Run())
    with pytest.raises(DataError, match="--root"):
        run_ncf("ml-1m-ncf", tmp_path / "nowhere", Run())


def test_popularity_is_what_the_literature_prints() -> None:
    if not (REAL / "ml-1m" / "ncf_eval_negatives.parquet").is_file():
        pytest.skip("the set ml-1m does not lie beside the repository (../shared/data)")
    result = run_ncf("ml-1m-ncf", REAL, Run(), models=["popular"]).rows[0].result
    found = tuple(round(result.mean(name), 4) for name in ("hr@10", "ndcg@10"))
    assert found == REFERENCES["Popularity (Rendle 2020)"]
