"""Evaluation from Python: misspelt names are refused before anything is trained."""

from __future__ import annotations

import pytest

import worlds
from foretaste.data.splits import Split, leave_last
from foretaste.errors import DataError, UnknownNameError
from foretaste.evaluation.evaluator import evaluate
from foretaste.models.plain.popular import Popular
from foretaste.selection.choose_pipeline import measure_models
from foretaste.types import Run


@pytest.fixture
def split() -> Split:
    return leave_last(worlds.parity(n_users=40))


def test_what_is_misspelt_is_said_before_anything_learns(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    def learn(*asked: object) -> None:
        raise AssertionError("nothing is to be learned")

    monkeypatch.setattr(Popular, "fit", learn)
    with pytest.raises(UnknownNameError, match="Did you mean 'ndcg'"):
        measure_models(["popular"], split, Run(), metrics=("ndgc@10",))
    with pytest.raises(UnknownNameError, match="Did you mean 'ease'"):
        measure_models(["popular", "esae"], split, Run())
    with pytest.raises(DataError, match="no model to measure"):
        measure_models([], split, Run())


def test_the_main_measure_is_measured_and_one_name_is_one_model(split: Split) -> None:
    board = measure_models("popular", split, Run(), metrics=("recall@5",))
    assert set(board.rows[0].result.per_user) == {"ndcg@10", "recall@5"}
    assert board.sorted()[0].model == "popular"
    model = Popular().fit(split.train, Run())
    assert set(evaluate(model, split.validation, "recall@5").per_user) == {"recall@5"}
