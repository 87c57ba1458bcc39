"""Stability of a leaderboard: every row with other seeds, other orders of equal times, and on the other split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foretaste.data.splits import EvalQueries, Holdout
from foretaste.errors import DataError
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import Spread
from foretaste.evaluation.leaderboard import Leaderboard, LeaderboardRow, Leakage
from foretaste.evaluation.measure import build_model, excludes_seen
from foretaste.evaluation.robustness.tie_orders import shuffle_ties, tied_share

if TYPE_CHECKING:
    from typing import Literal

    from foretaste.data.dataset import Dataset
    from foretaste.data.splits import Split
    from foretaste.types import IntArray, Run

    Variant = Literal["refit", "strict"]


MIN_SHARED_USERS = 20
"""Least users with a query under both splits; with fewer the gap would be noise."""


@dataclass(frozen=True)
class StabilityOptions:
    """Number of seeds (1: only that of the run), of orders of equal times, and whether to use the other split."""

    seeds: int = 1
    tie_orders: int = 0
    leakage: bool = False

    def check(self, holdout: Holdout | None) -> None:
        """DataError where a split that the data fixes (no holdout) would have to be made again; before training."""
        if holdout is None and (self.tie_orders or self.leakage):
            raise DataError(
                "The data fixes the split, so there is no other order or split; leave ties and leakage out."
            )


def with_stability(
    board: Leaderboard,
    split: Split,
    holdout: Holdout | None,
    run: Run,
    options: StabilityOptions,
    variant: Variant = "refit",
) -> Leaderboard:
    """`board` with the measurements of `options` on every row, each time on the same number of users.

    holdout : how `split` was made; None where the data fixes it, so that there is no other order and no other split
    """
    people = board.protocol.people_asked
    if options.seeds > 1:
        board = with_seeds(board, sampled(split, people), run, seeds=options.seeds, variant=variant)
    options.check(holdout)
    if holdout is None:
        return board
    if options.tie_orders > 0:
        board = with_tie_orders(
            board, split.data, holdout, run, orders=options.tie_orders, asked=people, variant=variant
        )
    if options.leakage:
        board = with_leakage(board, split.data, holdout, run, asked=people, variant=variant)
    return board


def with_seeds(board: Leaderboard, split: Split, run: Run, *, seeds: int, variant: Variant = "refit") -> Leaderboard:
    """Each row retrained with `seeds` seeds, its own first. A model that the second seed does not change ignores the
    seed and is not trained again: its spread is 0."""
    rows = []
    for row in board.rows:
        found = [row.result.mean(board.main)]
        for number in range(1, seeds):
            again = _remeasure(row, split, replace(run, seed=run.seed + number), board.main, variant)
            found.append(float(np.nanmean(again)) if len(again) else float("nan"))
            if number == 1 and np.array_equal(again, row.result.per_user[board.main], equal_nan=True):
                found = [found[0]] * seeds
                break
        rows.append(replace(row, seeds=Spread.of(found)))
        run.progress("other seeds", len(rows), len(board.rows))
    return replace(board, rows=tuple(rows))


def with_tie_orders(
    board: Leaderboard,
    data: Dataset,
    holdout: Holdout,
    run: Run,
    *,
    orders: int,
    asked: int,
    variant: Variant = "refit",
) -> Leaderboard:
    """Each row with `orders` random orders of equal times: split, trained and evaluated again with the chosen settings.

    Unchanged where no two events of a user have the same time. The order of the file is not among the random ones: it
    may carry information, as when a page lists a user's ratings in the order of the catalogue.
    """
    if data.time is None or tied_share(data) == 0:
        return board
    found: list[list[float]] = [[] for _ in board.rows]
    for number in range(orders):
        split = sampled(holdout(shuffle_ties(data, run.seed + number)), asked)
        for values, row in zip(found, board.rows, strict=True):
            values.append(float(np.nanmean(_remeasure(row, split, run, board.main, variant))))
        run.progress("other orders of equal times", number + 1, orders)
    rows = [replace(row, ties=Spread.of(values)) for row, values in zip(board.rows, found, strict=True)]
    return replace(board, rows=tuple(rows))


def with_leakage(
    board: Leaderboard, data: Dataset, holdout: Holdout, run: Run, *, asked: int, variant: Variant = "refit"
) -> Leaderboard:
    """Each row on both splits with the chosen settings, for the users with a query under both.

    Each query has one target: the last event in leave-one-out, the first event after the cut in the time split. The
    gap estimates what leave-one-out gains from training on the future. Unchanged where there are no times, or too few
    users have events after the cut.
    """
    if data.time is None:
        return board
    one = Holdout(repeats=holdout.repeats)(data)
    time = Holdout(kind="time", next_only=True, repeats=holdout.repeats)(data)
    known = time.test.queries.user[time.test.queries.history.lengths > 0]
    both = np.intersect1d(one.test.queries.user, known)[:asked]
    if len(both) < MIN_SHARED_USERS:
        return board
    splits = [replace(split, test=_of_users(split.test, both)) for split in (one, time)]
    rows = []
    for row in board.rows:
        means = [float(np.nanmean(_remeasure(row, split, run, board.main, variant))) for split in splits]
        rows.append(replace(row, leakage=Leakage(means[0], means[1], len(both))))
        run.progress("both splits", len(rows), len(board.rows))
    return replace(board, rows=tuple(rows))


def _of_users(eval_queries: EvalQueries, people: IntArray) -> EvalQueries:
    rows = np.flatnonzero(np.isin(eval_queries.queries.user, people))
    return eval_queries.take(rows)


def sampled(split: Split, asked: int) -> Split:
    """At most `asked` queries of each part, sampled by the hash of the user id."""
    return replace(split, validation=split.validation.sample(asked), test=split.test.sample(asked))


def _remeasure(
    row: LeaderboardRow, split: Split, run: Run, metric: str, variant: Variant
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    quiet = replace(run, progress=lambda what, done, total: None)
    model = build_model(row.model, row.settings).fit(split.refit if variant == "refit" else split.train, quiet)
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = evaluate(
        model, split.test, (metric,), exclude_seen=excludes_seen(row.model)
    ).per_user[metric]
    return values
