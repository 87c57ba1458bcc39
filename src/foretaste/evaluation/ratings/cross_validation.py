"""k-fold cross-validation of predicted ratings, with settings chosen inside each fold."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.errors import DataError
from foretaste.evaluation.ratings.rating_leaderboard import RatingLeaderboard, RatingProtocol, RatingRow
from foretaste.models.ratings.rating_data import are_newest, rating_kinds
from foretaste.registry import rater_class
from foretaste.types import NO_ITEM, Queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foretaste.config import Config
    from foretaste.data.dataset import Dataset
    from foretaste.protocols import Rater
    from foretaste.types import FloatArray, IntArray, LongArray, Run

CHOSEN_BY = 0.1
"""Share of a fold's training ratings that are held out to choose its settings."""
BATCH_SIZE = 1024
"""Users per call."""


@dataclass(frozen=True, eq=False)
class RatingQueries:
    """Held-out ratings to predict.

    queries : one per user, with their known ratings as history
    items   : (B, K) int32 items to rate, NO_ITEM pads
    true    : (B, K) float32 held-out ratings, nan at padding
    """

    queries: Queries
    items: IntArray
    true: FloatArray

    @classmethod
    def of(cls, known: Dataset, held_out: Dataset) -> RatingQueries:
        """Every rating of `held_out` is to be predicted from `known`; both share their codes."""
        people = np.unique(held_out.user)
        ratings = held_out.histories().take(people)
        shape = (len(people), int(ratings.lengths.max(initial=0)))
        items, true = np.full(shape, NO_ITEM, np.int32), np.full(shape, np.nan, np.float32)
        row = ratings.row_of_event()
        column = np.arange(len(row)) - ratings.offsets[row]
        items[row, column], true[row, column] = ratings.items, ratings.value
        return cls(Queries(people, known.histories().take(people)), items, true)


def errors(model: Rater, eval_queries: RatingQueries) -> FloatArray:
    """(B, K) float32 predicted − true, nan at padding.

    raises : DataError where the model gives no rating for an item
    """
    found = np.full(eval_queries.items.shape, np.nan, np.float32)
    for start in range(0, len(eval_queries.queries), BATCH_SIZE):
        block = np.arange(start, min(start + BATCH_SIZE, len(eval_queries.queries)))
        found[block] = model.rate(eval_queries.queries.take(block), eval_queries.items[block])
    missing = int(np.isnan(found[eval_queries.items != NO_ITEM]).sum())
    if missing:
        raise DataError(f"{missing:,} ratings have no prediction (nan); a rater must rate every item.")
    return found - eval_queries.true


def random_folds(n: int, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) the fold of each rating; sizes differ by one at most."""
    if not 2 <= folds <= n:
        raise DataError(
            f"{n:,} ratings cannot be split into {folds} folds; use at least 2, and at most as many as ratings."
        )
    return rng.permutation(np.arange(n) % folds)


def cross_validate(
    data: Dataset, names: Sequence[str], run: Run, *, folds: int = 5, grids: dict[str, tuple[Config, ...]] | None = None
) -> RatingLeaderboard:
    """Predict each rating once, by a model trained on the other folds.

    Settings are chosen inside each fold on a random tenth of its training ratings, and the model is then trained on all
    of them: no rating influences the settings it is measured with.
    """
    data = data.where(are_newest(data.histories(), rating_kinds(data.kinds)))
    rng = run.rng()
    fold = random_folds(len(data), folds, rng)
    in_validation = rng.random(len(data)) < CHOSEN_BY
    rows = []
    for number, name in enumerate(names):
        grid = (grids or {}).get(name) or rater_class(name).grid
        rows.append(_row(name, grid, data, fold, in_validation, folds, run))
        run.progress("rating", number + 1, len(names))
    protocol = RatingProtocol(
        data=data.name,
        fingerprint=data.fingerprint,
        split=f"{folds} random folds of all ratings, seed {run.seed}",
        chosen=f"inside each fold, by RMSE on a random {CHOSEN_BY:.0%} of its training ratings",
        ratings=len(data),
        people=len(np.unique(data.user)),
    )
    return RatingLeaderboard(protocol, tuple(rows))


def _row(
    name: str,
    grid: tuple[Config, ...],
    data: Dataset,
    fold: NDArray[np.int64],
    in_validation: NDArray[np.bool_],
    folds: int,
    run: Run,
) -> RatingRow:
    squared, absolute, count = np.zeros(data.n_users), np.zeros(data.n_users), np.zeros(data.n_users)
    settings: list[dict[str, Any]] = []
    rmse: list[float] = []
    mae: list[float] = []
    fit_seconds = answer_seconds = 0.0
    for f in range(folds):
        train = data.where(fold != f)
        config = _chosen(name, grid, train, in_validation[fold != f], run)
        began = perf_counter()
        model = rater_class(name)(config).fit(train, run)
        fit_seconds += perf_counter() - began
        eval_queries = RatingQueries.of(train, data.where(fold == f))
        began = perf_counter()
        off = errors(model, eval_queries).astype(np.float64)
        answer_seconds += perf_counter() - began
        people: LongArray = eval_queries.queries.user.astype(np.int64)
        squared[people] += np.nansum(off**2, axis=1)
        absolute[people] += np.nansum(np.abs(off), axis=1)
        count[people] += (~np.isnan(off)).sum(axis=1)
        rmse.append(float(np.sqrt(np.nanmean(off**2))))
        mae.append(float(np.nanmean(np.abs(off))))
        settings.append(config.model_dump(mode="json"))
        run.progress(f"folds of {name}", f + 1, folds)
    return RatingRow(
        model=name,
        settings=tuple(settings),
        rmse=tuple(rmse),
        mae=tuple(mae),
        squared=squared,
        absolute=absolute,
        count=count,
        fit_seconds=fit_seconds / folds,
        answer_seconds=answer_seconds / folds,
    )


def _chosen(name: str, grid: tuple[Config, ...], train: Dataset, held_out: NDArray[np.bool_], run: Run) -> Config:
    """The setting of the grid with the lowest RMSE on the ratings held out of `train`; ties go to the first."""
    if len(grid) == 1:
        return grid[0]
    known = train.where(~held_out)
    eval_queries = RatingQueries.of(known, train.where(held_out))
    rmse = []
    for config in grid:
        off = errors(rater_class(name)(config).fit(known, run), eval_queries)
        rmse.append(float(np.sqrt(np.nanmean(off.astype(np.float64) ** 2))))
    return grid[int(np.argmin(rmse))]
