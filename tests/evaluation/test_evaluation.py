"""Evaluation: a perfect model scores 1, a random one like random; intervals, selection, defaults."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.splits import EvalQueries, leave_last
from foretaste.errors import DataError
from foretaste.evaluation import evaluator
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.evaluation.leaderboard import MAIN
from foretaste.index.topk import recommend_in_blocks
from foretaste.models.linear.ease import Ease, EaseConfig
from foretaste.models.plain.random import Random
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.registry import model_class, models, spec
from foretaste.selection import model_fit
from foretaste.selection.choose_pipeline import select_pipeline
from foretaste.selection.choose_settings import choose_settings
from foretaste.selection.model_fit import checked_models, default_models, model_fits
from foretaste.types import Candidates, Queries, Run


class Constant:
    """Scores everything alike."""

    def __init__(self, n_items: int) -> None:
        self.n_items = n_items

    def recommend(self, queries: Queries, k: int, *, exclude=None, allowed=None) -> Candidates:
        def alike(some: Queries) -> np.ndarray:
            return np.ones((len(some), self.n_items), np.float32)

        return recommend_in_blocks(alike, queries, k, self.n_items, "constant", exclude=exclude, allowed=allowed)


class Oracle:
    """Has read the answers."""

    def __init__(self, questions: EvalQueries) -> None:
        self.answers = dict(zip(questions.queries.user.tolist(), questions.relevant.toarray(), strict=True))

    def recommend(self, queries: Queries, k: int, *, exclude=None, allowed=None) -> Candidates:
        scores = np.stack([self.answers[user] for user in queries.user.tolist()]).astype(np.float32)
        return recommend_in_blocks(lambda some: scores.copy(), queries, k, scores.shape[1], "oracle", exclude=exclude)


def test_a_constant_model_measures_like_random_and_an_oracle_measures_one() -> None:
    data = worlds.noise(n_users=3000, seed=1)
    split = leave_last(data)
    random = bootstrap_interval(evaluate(Random().fit(split.refit, Run()), split.test).per_user["recall@10"])
    constant = bootstrap_interval(evaluate(Constant(data.n_items), split.test).per_user["recall@10"])
    expected = 10 / (data.n_items - 7)
    assert random.low - 0.01 < expected < random.high + 0.01
    assert constant.low - 0.01 < expected < constant.high + 0.01
    perfect = evaluate(Oracle(split.test), split.test)
    assert all(perfect.mean(name) == 1 for name in ("ndcg@10", "hr@10", "mrr@10", "recall@20"))


def test_blocks_do_not_change_the_result(monkeypatch) -> None:
    split = leave_last(worlds.parity())
    model = Ease().fit(split.refit, Run())
    whole = evaluate(model, split.test)
    monkeypatch.setattr(evaluator, "BATCH_SIZE", 7)
    blocks = evaluate(model, split.test)
    assert whole.coverage == blocks.coverage
    for name, values in whole.per_user.items():
        np.testing.assert_array_equal(values, blocks.per_user[name])


def test_seen_items_are_excluded_unless_stated() -> None:
    split = leave_last(worlds.parity(n_items=12, per_user=6))
    model = Ease().fit(split.refit, Run())
    assert (
        evaluate(model, split.test).mean("recall@10")
        > evaluate(model, split.test, exclude_seen=False).mean("recall@10") - 1e-9
    )
    assert evaluate(model, split.test).mean("hr@10") == 1


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        interval = bootstrap_interval(rng.normal(0.3, 1.0, 120), seed=trial)
        held += interval.low <= 0.3 <= interval.high
    assert 0.89 <= held / 200 <= 0.99


def test_a_difference_person_by_person_is_seen_where_two_intervals_overlap() -> None:
    rng = np.random.default_rng(0)
    people = rng.random(300)
    better = people + 0.01 + rng.normal(0, 0.01, 300)
    assert bootstrap_interval(better).low < bootstrap_interval(people).high
    assert paired_difference(better, people).low > 0
    assert np.isnan(bootstrap_interval(np.full(3, np.nan)).mean)


def test_settings_are_chosen_on_validation_alone() -> None:
    """Shuffling the test answers must not change what is chosen."""
    split = leave_last(worlds.parity(n_users=80))
    chosen = choose_settings("ease", split, Run())
    assert chosen.score == max(score for _, score in chosen.tried)
    assert [config for config, _ in chosen.tried[: len(Ease.grid)]] == list(Ease.grid)
    spoiled = type(split)(
        split.data,
        split.train,
        split.validation,
        split.refit,
        EvalQueries(split.test.queries, split.test.relevant[::-1]),
        split.rule,
        0,
    )
    assert choose_settings("ease", spoiled, Run()).config == chosen.config


def test_the_pipeline_is_chosen_measured_and_shown() -> None:
    data = worlds.parity(n_users=80)
    found = select_pipeline(data, ["random", "popular", "itemknn", "ease"], Run())
    board = found.leaderboard
    assert board is not None
    by_name = {row.model: row.result.mean(MAIN) for row in board.rows}
    assert set(by_name) == {"random", "popular", "itemknn", "ease", "pipeline", "as served"}
    assert by_name["pipeline"] > 2 * by_name["popular"]
    document = board.to_json()
    for row in document["rows"]:
        assert {"ndcg@10", "recall@10", "hr@10", "mrr@10", "ndcg@20", "recall@20", "coverage@10"} <= set(row["test"])
        low, high = row["intervals"]["ndcg@10"]
        assert low <= row["test"]["ndcg@10"] <= high
        protocol = row["protocol"]
        assert protocol["split"] == "the last event of each user"
        assert protocol["variant"] == "refit"
        assert protocol["fingerprint"] == data.fingerprint
        assert protocol["people_asked"] == 80
    assert document["rows"][0]["level_with_best"]
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(board.view())
    shown = console.export_text()
    assert "pipeline" in shown
    assert "seen items excluded" in shown
    assert max(len(line) for line in shown.splitlines()) <= 110


def test_strict_never_learns_from_validation() -> None:
    data = worlds.parity(n_users=80)
    strict = select_pipeline(data, ["popular", "ease"], Run(), variant="strict").leaderboard
    refit = select_pipeline(data, ["popular", "ease"], Run(), variant="refit").leaderboard
    assert strict.protocol.variant == "strict"
    assert not np.array_equal(strict.rows[0].result.per_user["ndcg@20"], refit.rows[0].result.per_user["ndcg@20"])


@pytest.mark.parametrize("world", [worlds.popularity, worlds.noise])
def test_where_nothing_beats_popularity_it_is_said_and_shipped(world) -> None:
    found = select_pipeline(world(), ["popular", "itemknn", "ease"], Run())
    assert [recall.model for recall in found.config.recalls] == ["popular"]
    assert "No model beats popularity" in found.remarks[0]
    assert found.leaderboard is not None, "what was measured is shown all the same"


def test_too_little_data_is_said_and_not_measured() -> None:
    found = select_pipeline(worlds.parity(n_users=6), ["itemknn", "ease"], Run())
    assert found.leaderboard is None
    assert "too few to measure" in found.remarks[0]
    assert [recall.model for recall in found.config.recalls] == ["itemknn", "ease"]


def _without_texts() -> Dataset:
    data = worlds.dataset(np.arange(60) // 3, np.arange(60) % 7)
    object.__setattr__(data.items, "frame", data.items.frame.drop("title"))
    return data


@pytest.mark.parametrize("name", [name for name, spec in models().items() if "texts" in spec.needs])
def test_a_model_that_reads_texts_is_not_tried_without_them_and_refused_by_name(name: str) -> None:
    """`check` said that three of them fit, and `train --model` dropped them without a word."""
    data = _without_texts()
    assert name not in default_models(data)
    (fit,) = (fit for fit in model_fits(data) if fit.name == name)
    assert not fit.fits
    with pytest.raises(DataError, match=f"The model '{name}' does not fit this data: the items have no texts"):
        checked_models(data, ["popular", name])


def test_a_model_with_a_limit_on_items_is_refused_by_name_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = worlds.parity()
    assert checked_models(data, ["ease"]) == ["ease"]

    class Small(EaseConfig):
        max_items: int = 1

    monkeypatch.setattr(Ease, "config_class", Small)
    with pytest.raises(DataError, match="more than its max_items of 1"):
        checked_models(data, ["ease"])
    assert "ease" not in default_models(data)


@pytest.mark.parametrize(("n_users", "most"), [(3, 3 * 10**2), (60, 40**2)])
def test_a_graph_too_large_to_keep_is_not_tried_by_default_and_stays_a_name_away(
    n_users: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = worlds.parity(n_users)
    R = data.matrix()
    assert (R.T @ R).nnz <= most
    monkeypatch.setitem(spec.MEMORY_LIMITS, "co-occurrences", most)  # type: ignore[arg-type]
    assert "gfcf" in default_models(data)
    monkeypatch.setitem(spec.MEMORY_LIMITS, "co-occurrences", most - 1)  # type: ignore[arg-type]
    assert "gfcf" not in default_models(data)
    assert checked_models(data, ["gfcf"]) == ["gfcf"]


@pytest.mark.parametrize(("timed", "tried", "other"), [(True, "hstu", "sasrec"), (False, "sasrec", "hstu")])
def test_the_network_tried_by_default_reads_times_where_there_are_any(
    timed: bool, tried: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    monkeypatch.setattr(model_fit, "MIN_EVENTS_FOR_GRADIENT_TRAINING", 100)
    data = replace(worlds.parity(), time=np.arange(600, dtype=np.int64) if timed else None)
    assert tried in default_models(data)
    assert other not in default_models(data)


def test_a_pipeline_of_models_that_have_learned_is_the_pipeline_that_learns_them_itself() -> None:
    """What `select_pipeline` measures without learning twice is what it ships."""
    data = worlds.parity()
    config = PipelineConfig(recalls=(RecallConfig(model="ease"), RecallConfig(model="itemknn", weight=0.3)))
    fitted = {name: model_class(name)().fit(data, Run()) for name in ("ease", "itemknn")}
    borrowed = Pipeline(config).fit(data, Run(), fitted=fitted)
    own = Pipeline(config).fit(data, Run())
    people = worlds.everyone(data)
    np.testing.assert_array_equal(borrowed.recommend(people, 8).items, own.recommend(people, 8).items)
    np.testing.assert_array_equal(borrowed.recommend(people, 8).scores, own.recommend(people, 8).scores)
