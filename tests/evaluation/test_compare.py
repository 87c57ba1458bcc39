"""Paired comparison of two models: differences with effect sizes; rows of other queries are refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import worlds
from foretaste.data.splits import leave_last
from foretaste.errors import DataError, UnknownNameError
from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics
from foretaste.evaluation.compare import Difference, compare
from foretaste.evaluation.leaderboard import EvaluationProtocol, Leaderboard
from foretaste.evaluation.measure import measure_model
from foretaste.evaluation.saved_runs import read_run, row_of_model, rows_by_model, save_run
from foretaste.evaluation.segments import segments_of
from foretaste.registry import model_class
from foretaste.types import Run


def board_of(seed: int = 0, names: tuple[str, ...] = ("random", "popular", "ease")) -> Leaderboard:
    split = leave_last(worlds.parity(n_users=120, seed=seed))
    statistics = TrainingStatistics.of(split.refit)
    rows = [
        measure_model(name, model_class(name).config_class(), split.refit, split.test, Run(), statistics=statistics)
        for name in names
    ]
    segments = segments_of(split.test, statistics)
    return Leaderboard(EvaluationProtocol.of(split, "refit", len(split.test)), tuple(rows), segments=segments)


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    return board_of()


def test_the_better_one_is_named_with_its_effect(board: Leaderboard) -> None:
    rows = rows_by_model(board)
    found = compare(rows["ease"], rows["popular"])
    main = found.differences[0]
    assert main.measure == "ndcg@10"
    assert main.decided
    assert main.gain.mean == pytest.approx(
        rows["ease"].per_user["ndcg@10"].mean() - rows["popular"].per_user["ndcg@10"].mean()
    )
    assert found.sentence().startswith("ease beats popular (+")
    turned = compare(rows["popular"], rows["ease"])
    assert turned.sentence().startswith("ease beats popular (-")
    assert turned.differences[0].effect == pytest.approx(-main.effect)
    assert (turned.differences[0].better, turned.differences[0].worse) == (main.worse, main.better)
    assert {group for group, _, _ in found.by_segment} >= {"activity", "events known"}
    out = io.StringIO()
    Console(width=100, file=out).print(found.view())
    assert "novelty@10" in out.getvalue()
    assert max(len(line) for line in out.getvalue().splitlines()) <= 100


def test_a_model_cannot_be_told_apart_from_itself(board: Leaderboard) -> None:
    row = rows_by_model(board)["ease"]
    found = compare(row, row)
    assert "are not significantly different" in found.sentence()
    assert found.differences[0].effect == 0
    assert found.differences[0].better == found.differences[0].worse == 0


def test_a_saved_run_compares_as_the_run_itself(board: Leaderboard, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_run(path, board.to_json(per_user=True))
    rows = read_run(path)
    assert list(rows) == [row.model for row in board.sorted()]
    live = rows_by_model(board)
    again = compare(rows["ease"], rows["random"]).to_json()
    fresh = compare(live["ease"], live["random"]).to_json()
    assert again["sentence"] == fresh["sentence"]
    assert again["differences"]["ndcg@10"]["gain"] == pytest.approx(fresh["differences"]["ndcg@10"]["gain"], abs=1e-8)
    assert again["segments"][0]["people"] == fresh["segments"][0]["people"]
    assert "u1" not in path.read_text(encoding="utf-8").split(), "no names of users"
    assert row_of_model(rows, None, "x").model == "ease"
    with pytest.raises(UnknownNameError, match="Did you mean 'ease'"):
        row_of_model(rows, "eas", "run.json")


def test_other_questions_are_refused_and_broken_files_too(board: Leaderboard, tmp_path: Path) -> None:
    other = rows_by_model(board_of(seed=1, names=("popular",)))["popular"]
    with pytest.raises(DataError, match=r"not measured on the same queries \(fingerprint"):
        compare(rows_by_model(board)["ease"], other)
    path = tmp_path / "broken.json"
    for text in ["", "[]", "{}", '{"main": "x", "rows": [{"model": "a"}]}', json.dumps(board.to_json())]:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match="--save"):
            read_run(path)
    with pytest.raises(DataError, match="no run"):
        read_run(tmp_path / "nowhere.json")


def test_a_difference_is_over_the_people_both_say_something_of() -> None:
    found = Difference.of("x", np.array([1.0, np.nan, 3.0, 1.0]), np.array([0.0, 5.0, np.nan, 2.0]))
    assert (found.people, found.gain.mean, found.better, found.worse) == (2, 0, 0.5, 0.5)
    nobody = Difference.of("x", np.array([np.nan]), np.array([1.0]))
    assert not nobody.decided
    assert nobody.to_json()["gain"] is None


def test_segments_are_parts_of_the_people(board: Leaderboard) -> None:
    everybody = len(board.rows[0].result.per_user["ndcg@10"])
    for group in ("activity", "what was right"):
        people = np.concatenate([part.people for part in board.segments if part.group == group])
        assert len(np.unique(people)) == len(people)
        assert len(people) == everybody
    thirds = [len(part.people) for part in board.segments if part.group == "activity"]
    assert thirds == [40, 40, 40]
    row = board.to_json()["rows"][0]
    assert sum(part["people"] for part in row["segments"]["activity"].values()) == everybody
