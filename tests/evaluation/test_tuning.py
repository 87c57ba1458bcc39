"""Tuning within a budget: never worse than the grid's default, resumable, and it stops when it should."""

from __future__ import annotations

import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import worlds
from foretaste.config import Config
from foretaste.data.dataset import Dataset
from foretaste.data.splits import EvalQueries, Split, leave_last
from foretaste.errors import ConfigError
from foretaste.models.linear.ease import Ease
from foretaste.models.neighbours.itemknn import ItemKNN
from foretaste.selection import choose_pipeline as train
from foretaste.selection import tuning as budget
from foretaste.selection.choose_pipeline import measure_models, select_pipeline
from foretaste.selection.choose_settings import ModelChoice
from foretaste.selection.tuning import TuningResult, seconds_of, tune_all
from foretaste.types import NO_ITEM, Candidates, Queries, Run

pytest.importorskip("optuna", reason="tuning within a budget needs the extra tune")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2", 120), (" 3 m ", 180)])
def test_a_budget_is_a_time(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "-3m", "ten", "5d", "m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write 90s, 10m"):
        seconds_of(text)


def test_the_grid_comes_first_and_the_best_is_kept() -> None:
    split = leave_last(worlds.parity(n_users=80))
    began = monotonic()
    tuned = tune_all(["ease", "popular"], split, Run(), seconds=2.0)
    assert monotonic() - began < 20
    chosen = tuned.chosen["ease"]
    assert [config for config, _ in chosen.tried[: len(Ease.grid)]] == list(Ease.grid)
    assert len(chosen.tried) > len(Ease.grid)
    assert chosen.score == max(score for _, score in chosen.tried) >= chosen.tried[0][1]
    assert dict(chosen.tried)[chosen.config] == chosen.score
    assert len(tuned.chosen["popular"].tried) == 1, "nothing to choose"
    assert tuned.remarks == ()


def learned(chosen: ModelChoice) -> list[Any]:
    """The settings that were learned with, without those the best of them was only asked with."""
    return [config for config, _ in chosen.tried if getattr(config, "half_life_events", None) is None]


def test_without_time_the_default_is_tried_all_the_same() -> None:
    split = leave_last(worlds.parity(n_users=80))
    tuned = tune_all(["ease", "itemknn"], split, Run(), seconds=1e-9)
    assert learned(tuned.chosen["ease"]) == [Ease.grid[0]]
    assert learned(tuned.chosen["itemknn"]) == [ItemKNN.grid[0]]
    assert len(tuned.chosen["ease"].lists) == len(split.validation)


def test_a_second_session_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    split = leave_last(worlds.parity(n_users=80))
    run = Run(folder=tmp_path)
    first = tune_all(["ease"], split, run, seconds=0.5).chosen["ease"]
    second = tune_all(["ease"], split, run, seconds=0.5).chosen["ease"]
    assert learned(second)[: len(learned(first))] == learned(first)
    assert len(learned(second)) > len(learned(first))
    assert max(s for _, s in second.tried[: len(learned(second))]) >= max(
        s for _, s in first.tried[: len(learned(first))]
    )
    other = leave_last(worlds.parity(n_users=80, seed=1))
    fresh = tune_all(["ease"], other, run, seconds=0.3).chosen["ease"]
    assert fresh.tried[0][1] != first.tried[0][1], "other data begins anew"
    assert len(list((tmp_path / "tuning").glob("ease-*.jsonl"))) == 2


def test_ctrl_c_ends_the_search_and_keeps_what_was_found() -> None:
    split = leave_last(worlds.parity(n_users=80))
    said: list[str] = []

    def report(what: str, done: int, total: int) -> None:
        said.append(what)
        if len(said) == 4:
            raise KeyboardInterrupt

    tuned = tune_all(["ease", "itemknn"], split, Run(progress=report), seconds=60)
    assert len(learned(tuned.chosen["ease"])) == 4
    assert len(learned(tuned.chosen["itemknn"])) == 1, "the next ones have their defaults"
    assert "Tuning was interrupted" in tuned.remarks[0]


def test_test_answers_have_no_say() -> None:
    split = leave_last(worlds.parity(n_users=80))
    spoiled = replace(split, test=EvalQueries(split.test.queries, split.test.relevant[::-1]))
    # The same trials in the same order: as many as the grid has, and the default for want of time.
    one, two = (tune_all(["ease"], s, Run(), seconds=1e-9).chosen["ease"] for s in (split, spoiled))
    assert one.tried == two.tried


def test_without_optuna_the_grids_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    tuned = tune_all(["ease"], leave_last(worlds.parity(n_users=80)), Run(), seconds=5)
    assert learned(tuned.chosen["ease"]) == list(Ease.grid)
    assert "foretaste[tune]" in tuned.remarks[0]


def test_a_tuned_pipeline_is_measured_with_its_curve() -> None:
    found = select_pipeline(worlds.parity(n_users=80), ["itemknn", "ease"], Run(), budget=1.0)
    assert found.leaderboard is not None
    rows = {row["model"]: row for row in found.leaderboard.to_json()["rows"]}
    assert rows["ease"]["settings"] == max(rows["ease"]["tried"], key=lambda trial: trial["ndcg@10"])["settings"]
    assert rows["ease"]["validation"]["ndcg@10"] == max(trial["ndcg@10"] for trial in rows["ease"]["tried"])


def test_models_measured_one_by_one_share_the_budget_and_its_remarks(monkeypatch: pytest.MonkeyPatch) -> None:
    split = leave_last(worlds.parity(n_users=80))
    tuned: list[float] = []

    def stopped(names: list[str], split: Split, run: Run, seconds: float) -> TuningResult:
        tuned.append(seconds)
        return replace(tune_all(names, split, run, 1e-9), remarks=("Tuning was interrupted.",))

    monkeypatch.setattr(train, "tune_all", stopped)
    board = measure_models(["popular", "itemknn", "ease"], split, Run(), budget=60)
    assert tuned == [60], "one search: what a model leaves over the next may use, and Ctrl-C ends it for all"
    assert [row.model for row in board.rows] == ["popular", "itemknn", "ease"]
    assert board.to_json()["remarks"] == ["Tuning was interrupted."]
    shown = StringIO()
    Console(width=100, file=shown).print(board.view())
    assert "Tuning was interrupted." in shown.getvalue()


class PatientConfig(Config):
    quality: float = 0.9


class Patient:
    """Learns in ten epochs; puts the right item first for a share `quality` of the users, as it says when asked."""

    config_class = PatientConfig
    grid = tuple(PatientConfig(quality=q) for q in (0.9, 0.8, 0.85, 0.95, 0.7, 0.1, 0.05))
    epochs: dict[float, int] = {}

    def __init__(self, config: PatientConfig) -> None:
        self.config = config

    def fit(self, train: Dataset, run: Run) -> Patient:
        for _ in range(10):
            self.epochs[self.config.quality] = self.epochs.get(self.config.quality, 0) + 1
            if run.monitor is not None:
                run.monitor(self)
        return self

    def recommend(self, queries: Queries, k: int, *, exclude=None, allowed=None) -> Candidates:
        items = np.full((len(queries), k), NO_ITEM, np.int32)
        right = np.arange(len(queries)) < self.config.quality * len(queries)
        items[right, 0] = self.answers[right]
        return Candidates.of_one_source(items, np.where(items >= 0, np.float32(1), np.float32(np.nan)), "patient")


def test_a_half_trained_model_that_lags_behind_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    split = leave_last(worlds.parity(n_users=80))
    Patient.answers = split.validation.relevant.indices.astype(np.int32)
    monkeypatch.setattr(budget, "model_class", lambda name: Patient)
    monkeypatch.setattr(budget, "MAX_REPEATED_PROPOSALS", 1)
    chosen = tune_all(["patient"], split, Run(), seconds=2).chosen["patient"]
    assert Patient.epochs[0.9] >= 10
    assert Patient.epochs[0.1] < 10, "worse than the median of those before it"
    assert PatientConfig(quality=0.1) not in dict(chosen.tried), "what was given up has no figure"
    assert chosen.score >= 0.95


def test_what_was_given_up_has_no_figure_in_a_later_session_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = leave_last(worlds.parity(n_users=80))
    Patient.answers = split.validation.relevant.indices.astype(np.int32)
    monkeypatch.setattr(Patient, "epochs", {})
    monkeypatch.setattr(budget, "model_class", lambda name: Patient)
    monkeypatch.setattr(budget, "MAX_REPEATED_PROPOSALS", 1)
    for _ in range(2):
        chosen = tune_all(["patient"], split, Run(folder=tmp_path), seconds=1).chosen["patient"]
        assert PatientConfig(quality=0.9) in dict(chosen.tried)
        assert PatientConfig(quality=0.1) not in dict(chosen.tried)
    assert 0 < Patient.epochs[0.1] < 10


class NestedConfig(PatientConfig):
    training: dict[str, int] = {}


class Nested(Patient):
    config_class = NestedConfig
    grid = (NestedConfig(quality=0.5), NestedConfig(quality=0.6), NestedConfig(quality=0.9, training={"epochs": 3}))


def test_settings_that_are_no_numbers_are_tried_as_the_grid_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    split = leave_last(worlds.parity(n_users=80))
    Patient.answers = split.validation.relevant.indices.astype(np.int32)
    monkeypatch.setattr(budget, "model_class", lambda name: Nested)
    chosen = tune_all(["nested"], split, Run(), seconds=2).chosen["nested"]
    assert Nested.grid[2] in [config for config, _ in chosen.tried]


class Stopping(Patient):
    """Says, as networks do, how many epochs were best; to be learned again with so many."""

    @property
    def refit_config(self) -> PatientConfig:
        return self.config.model_copy(update={"quality": self.config.quality / 2})


def test_what_stopped_early_is_learned_again_as_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    split = leave_last(worlds.parity(n_users=80))
    Stopping.answers = split.validation.relevant.indices.astype(np.int32)
    monkeypatch.setattr(Stopping, "grid", (PatientConfig(quality=0.8),))
    monkeypatch.setattr(budget, "model_class", lambda name: Stopping)
    chosen = tune_all(["stopping"], split, Run(), seconds=0.01).chosen["stopping"]
    assert chosen.config == PatientConfig(quality=0.4), "the setting it settled on, not the one it began with"
    assert len(chosen.validation_curve) == 10, "watched after each of its ten epochs, whatever the budget"
