"""Cross-validated ratings: each predicted once, without leaks, with intervals over users."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data.dataset import Dataset
from foretaste.errors import DataError, UnknownNameError
from foretaste.evaluation.ratings import cross_validation as module
from foretaste.evaluation.ratings.cross_validation import RatingQueries, cross_validate, errors, random_folds
from foretaste.evaluation.ratings.rating_leaderboard import bootstrap_ratio
from foretaste.models.ratings.bias import Bias, BiasConfig
from foretaste.published.ratings import REFERENCES, SUMMARIES, run_ratings
from foretaste.types import NO_ITEM, Queries, Run

REAL = Path(__file__).parents[3] / "shared" / "data"


def rated(n_users: int = 30, per_user: int = 12, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "user": [f"u{u}" for u in np.repeat(np.arange(n_users), per_user)],
            "item": [f"i{i}" for _ in range(n_users) for i in rng.permutation(25)[:per_user]],
            "value": rng.integers(1, 6, n_users * per_user).astype(float),
        }
    )
    return Dataset.from_frame(frame, name="rated")


@given(n=st.integers(2, 200), folds=st.integers(2, 9), seed=st.integers(0, 99))
def test_folds_are_even_and_every_rating_has_one(n: int, folds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    if folds > n:
        with pytest.raises(DataError, match="cannot be split into"):
            random_folds(n, folds, rng)
        return
    sizes = np.bincount(random_folds(n, folds, rng), minlength=folds)
    assert len(sizes) == folds
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1


def test_questions_know_only_the_other_folds() -> None:
    data = rated()
    fold = random_folds(len(data), 4, np.random.default_rng(0))
    known, asked = data.where(fold != 1), data.where(fold == 1)
    questions = RatingQueries.of(known, asked)
    pairs = {(int(u), int(i)): float(v) for u, i, v in zip(asked.user, asked.item, asked.value, strict=True)}
    found = {}
    for b, u in enumerate(questions.queries.user):
        row = questions.items[b]
        assert not set(questions.queries.history.row(b)) & set(row[row != NO_ITEM])
        found |= {(int(u), int(i)): float(v) for i, v in zip(row, questions.true[b], strict=True) if i != NO_ITEM}
    assert found == pairs


class Peeking(Bias):
    """Writes down what it trained on and what it was asked."""

    learned: list[set[tuple[int, int]]] = []
    asked: list[set[tuple[int, int]]] = []
    grid = (BiasConfig(), BiasConfig(user_shrinkage=1.0))

    def fit(self, train: Dataset, run: Run) -> Self:
        self.mine = set(zip(train.user.tolist(), train.item.tolist(), strict=True))
        return super().fit(train, run)

    def rate(self, queries: Queries, items: Any) -> Any:
        row, column = np.nonzero(items != NO_ITEM)
        asked = set(zip(queries.user[row].tolist(), items[row, column].tolist(), strict=True))
        assert not asked & self.mine, "asked for a rating it trained on"
        Peeking.asked.append(asked)
        Peeking.learned.append(self.mine)
        return super().rate(queries, items)


def test_settings_are_chosen_without_the_ratings_they_are_measured_with(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rated()
    monkeypatch.setattr(module, "rater_class", lambda name: Peeking)
    Peeking.learned, Peeking.asked = [], []
    found = cross_validate(data, ["peeking"], Run(), folds=3)
    assert len(Peeking.asked) == 3 * (2 + 1), "two settings tried and one measured in each fold"
    measured = [Peeking.asked[at] for at in (2, 5, 8)]
    assert sum(map(len, measured)) == len(set.union(*measured)) == len(data), "each rating is guessed once"
    for at in (0, 3, 6):
        test = Peeking.asked[at + 2]
        for choice in (at, at + 1):
            assert not test & (Peeking.asked[choice] | Peeking.learned[choice])
        assert Peeking.learned[at + 2] == Peeking.learned[at] | Peeking.asked[at], "then it trains on all the fold has"
    assert found.rows[0].count.sum() == len(data)


def test_the_figures_are_the_plain_ones() -> None:
    data = rated()
    found = cross_validate(data, ["bias"], Run(seed=4), folds=3, grids={"bias": (BiasConfig(),)})
    rng = np.random.default_rng(4)
    fold = random_folds(len(data), 3, rng)
    plain = []
    for f in range(3):
        known, asked = data.where(fold != f), data.where(fold == f)
        queries = Queries(asked.user, known.histories().take(asked.user))
        off = Bias().fit(known, Run()).rate(queries, asked.item[:, None])[:, 0] - asked.value
        plain.append((np.sqrt(np.mean(off**2)), np.mean(np.abs(off))))
    np.testing.assert_allclose(found.rows[0].rmse, [a for a, _ in plain], rtol=1e-5)
    np.testing.assert_allclose(found.rows[0].mae, [b for _, b in plain], rtol=1e-5)
    row = found.to_json()["rows"][0]
    assert row["intervals"]["rmse"][0] < row["test"]["rmse"] < row["intervals"]["rmse"][1]
    assert "fold-in" in row["protocol"]["path"]
    assert "3 random folds" in found.protocol.sentence()


def test_intervals_hold_people_together() -> None:
    """A thousand ratings of ten users are ten users: the interval is as wide as theirs."""
    rng = np.random.default_rng(0)
    per_person = rng.random(10)
    together = bootstrap_ratio(per_person * 100, np.full(10, 100.0))
    apart = bootstrap_ratio(np.repeat(per_person, 100), np.ones(1000))
    assert together.std() == pytest.approx(per_person.std() / np.sqrt(10), rel=0.15)
    assert apart.std() < together.std() / 5


def test_a_rater_that_does_not_answer_is_refused() -> None:
    class Silent:
        def rate(self, queries: Queries, items: np.ndarray) -> np.ndarray:
            return np.full(items.shape, np.nan, np.float32)

    data = rated()
    with pytest.raises(DataError, match="have no prediction"):
        errors(Silent(), RatingQueries.of(data, data))


def test_the_published_table_names_what_it_knows(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ml-100k-ratings'"):
        run_ratings("ml-100k-rating", tmp_path, Run())
    assert set(SUMMARIES) == {"ml-100k-ratings", "ml-1m-ratings"}


def test_biases_err_no_more_than_surprise_prints() -> None:
    if not (REAL / "ml-100k" / "interactions.parquet").is_file():
        pytest.skip("the set ml-100k does not lie beside the repository (../shared/data)")
    row = run_ratings("ml-100k-ratings", REAL, Run(), models=["bias"]).rows[0]
    assert row.interval("rmse").mean <= REFERENCES["ml-100k-ratings"]["Baseline (Surprise)"][0]
