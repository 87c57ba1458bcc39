"""Seeds, tie orders and the other split: spreads are right, and 0 for models that ignore them."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.splits import Holdout, leave_last
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import Spread, bootstrap_interval, bootstrap_intervals
from foretaste.evaluation.leaderboard import EvaluationProtocol, Leaderboard
from foretaste.evaluation.measure import measure_model
from foretaste.evaluation.memory import PeakMemory
from foretaste.evaluation.robustness import stability
from foretaste.evaluation.robustness.stability import with_leakage, with_seeds, with_tie_orders
from foretaste.evaluation.robustness.tie_orders import shuffle_ties, tied_share
from foretaste.registry import model_class
from foretaste.types import Run

ASKED = 5000


def tied(n_users: int = 150, seed: int = 0) -> Dataset:
    """Even users take even items; the last four events of each happen at once."""
    data = worlds.parity(n_users=n_users, seed=seed)
    position = np.minimum(data.position, 6)
    frame = data.as_frame().with_columns(time=pl.Series(1_700_000_000_000_000 + position * 60_000_000))
    return Dataset.from_frame(frame, data.items.as_frame(), name="tied")


def board_of(data: Dataset, *names: str) -> tuple[Leaderboard, Dataset]:
    split = leave_last(data)
    rows = [measure_model(name, model_class(name).config_class(), split.refit, split.test, Run()) for name in names]
    return Leaderboard(EvaluationProtocol.of(split, "refit", len(split.test)), tuple(rows)), data


def test_only_what_uses_the_seed_is_spread_by_seeds() -> None:
    board, data = board_of(tied(), "random", "popular", "ease")
    rows = {row.model: row for row in with_seeds(board, leave_last(data), Run(), seeds=4).rows}
    assert len(rows["random"].seeds.values) == 4
    assert len(set(rows["random"].seeds.values)) > 1
    assert rows["random"].seeds.half > 0
    assert rows["popular"].seeds.half == 0
    assert rows["ease"].seeds.half == 0
    assert rows["ease"].seeds.mean == rows["ease"].result.mean("ndcg@10")


def test_a_later_seed_that_changes_nothing_takes_no_difference_back(monkeypatch: pytest.MonkeyPatch) -> None:
    board, data = board_of(tied(), "random")
    own = board.rows[0].result.per_user["ndcg@10"]
    monkeypatch.setattr(
        stability, "_remeasure", lambda row, split, run, *rest: own if run.seed == 2 else own + run.seed
    )
    (row,) = with_seeds(board, leave_last(data), Run(), seeds=4).rows
    mean = own.mean()
    assert row.seeds.values == pytest.approx([mean, mean + 1, mean, mean + 3])


def test_a_further_shuffle_of_ties_falls_where_the_interval_says() -> None:
    data = tied()
    board, _ = board_of(data, "ease", "itemknn")
    shown = with_tie_orders(board, data, Holdout(), Run(), orders=5, asked=ASKED)
    inside = []
    for row in shown.rows:
        assert row.ties.half > 0
        model = model_class(row.model)
        for seed in range(100, 120):
            split = leave_last(shuffle_ties(data, seed))
            again = evaluate(model().fit(split.refit, Run()), split.test, ("ndcg@10",)).mean("ndcg@10")
            inside.append(row.ties.interval.low <= again <= row.ties.interval.high)
    assert np.mean(inside) > 0.8  # 0.95 on average over intervals; of two intervals by luck less


def test_without_ties_or_times_there_is_nothing_to_shuffle() -> None:
    board, data = board_of(worlds.parity(), "popular")
    assert tied_share(data) == 0
    assert with_tie_orders(board, data, Holdout(), Run(), orders=2, asked=ASKED).rows[0].ties is None
    timeless = replace(data, time=None)
    assert with_leakage(board, timeless, Holdout(), Run(), asked=ASKED).rows[0].leakage is None


def test_the_leakage_column_is_the_gap_between_the_two_splits() -> None:
    # Each day has its item; users come for six days in a row, each from another day on. Who may learn from those who
    # came later knows what the sixth day brings; who may not has never seen it.
    begin = np.random.default_rng(0).integers(0, 60, 300)
    day = (begin[:, None] + np.arange(6)).ravel()
    order = np.argsort(day, kind="stable")
    data = worlds.dataset(np.repeat(np.arange(300), 6)[order], day[order])
    board, _ = board_of(data, "itemknn")
    row = with_leakage(board, data, Holdout(), Run(), asked=ASKED).rows[0]
    assert row.leakage.people >= 20
    assert row.leakage.gap > 0.1, "leave-one-out trains on what others did later"
    fair = worlds.noise(n_users=300)
    mixed = np.random.default_rng(0).permutation(len(fair))
    known = fair.as_frame().with_columns(time=pl.Series(1_700_000_000_000_000 + mixed))
    board, data = board_of(Dataset.from_frame(known), "itemknn")
    row = with_leakage(board, data, Holdout(), Run(), asked=ASKED).rows[0]
    assert abs(row.leakage.gap) < 0.05, "where nothing can be learned, nothing leaks"


def test_the_spread_interval_holds_a_further_run_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        *some, one_more = rng.normal(0.3, 0.01, 4)
        interval = Spread.of(some).interval
        held += interval.low <= one_more <= interval.high
    assert 0.935 <= held / 2000 <= 0.965  # three standard errors
    assert np.isnan(Spread.of([1.0]).half)


def test_several_measures_at_once_have_the_intervals_they_have_alone() -> None:
    rng = np.random.default_rng(0)
    values = {"a": rng.random(400), "b": rng.normal(size=400), "c": np.full(400, np.nan)}
    values["b"][:100] = np.nan
    together = bootstrap_intervals(values)
    for name in "ab":
        alone = bootstrap_interval(values[name])
        assert together[name].mean == pytest.approx(alone.mean)
        assert together[name].half == pytest.approx(alone.half, rel=0.1)
    assert np.isnan(together["c"].mean)
    assert bootstrap_intervals({"a": np.empty(0)}).keys() == {"a"}


def test_peak_memory_sees_what_was_let_go_again() -> None:
    with PeakMemory() as peak:
        held = np.ones(300_000_000, np.uint8)
        time.sleep(0.2)  # the watcher looks every 10 ms, where it gets to run
        del held
    if peak.megabytes is None:
        pytest.skip("this system does not say how much memory a process holds")
    assert 200 < peak.megabytes < 600
    with PeakMemory() as small:
        pass
    assert small.megabytes < 20
    with PeakMemory() as again:
        parts = [np.ones(1000) for _ in range(5_000)]  # small ones, which the allocator keeps for the next
        del parts
    assert 20 < again.megabytes < 120
    with PeakMemory() as once_more:
        parts = [np.ones(1000) for _ in range(5_000)]
        del parts
    assert 20 < once_more.megabytes < 120, "memory freed before is not memory for nothing"
