"""Rows carry what accuracy does not see, measured on the same lists, whatever the size of the blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.items import ItemTable
from foretaste.data.splits import leave_last
from foretaste.evaluation import evaluator
from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics, item_categories
from foretaste.evaluation.evaluator import evaluate
from foretaste.models.linear.ease import Ease
from foretaste.models.plain.popular import Popular
from foretaste.models.plain.random import Random
from foretaste.types import Run


def with_classes(data: Dataset) -> Dataset:
    genres = pl.Series("genres", [["even", "odd"][int(name[1:]) % 2] for name in data.items.ids.names])
    return replace(data, items=ItemTable(data.items.ids, data.items.frame.with_columns(genres), data.items.title))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    split = leave_last(with_classes(worlds.parity()))
    statistics = TrainingStatistics.of(split.refit)
    model = Ease().fit(split.refit, Run())
    whole = evaluate(model, split.test, statistics=statistics)
    monkeypatch.setattr(evaluator, "BATCH_SIZE", 7)
    blocks = evaluate(model, split.test, statistics=statistics)
    assert set(whole.beyond) == set(statistics.names)
    np.testing.assert_array_equal(whole.exposure, blocks.exposure)
    assert whole.exposure.sum() == 10 * len(split.test)
    for name, values in whole.beyond.items():
        np.testing.assert_allclose(values, blocks.beyond[name], atol=1e-12)


def test_a_model_of_taste_is_calibrated_popular_is_not_and_random_covers_all() -> None:
    data = with_classes(worlds.parity(n_users=200))
    split = leave_last(data)
    statistics = TrainingStatistics.of(split.refit)
    assert statistics.distance == "genres"
    found = {
        name: evaluate(model.fit(split.refit, Run()), split.test, statistics=statistics)
        for name, model in {"ease": Ease(), "popular": Popular(), "random": Random()}.items()
    }
    assert found["ease"].mean("miscalibration@10") < 0.1 < 0.4 < found["popular"].mean("miscalibration@10")
    assert found["ease"].mean("diversity@10") < 0.1, "all even, or all odd"
    assert found["random"].coverage == 1
    assert found["random"].mean("popularity@10") == pytest.approx(0.5, abs=0.05)
    assert found["popular"].mean("popularity@10") > 0.7
    catalogue = {name: result.catalogue_metrics()["gini@10"] for name, result in found.items()}
    assert catalogue["random"] < catalogue["popular"]


def test_without_classes_items_differ_by_who_took_them() -> None:
    split = leave_last(worlds.parity(n_users=200))
    statistics = TrainingStatistics.of(split.refit)
    assert statistics.distance == "who took them"
    ease = evaluate(Ease().fit(split.refit, Run()), split.test, statistics=statistics)
    random = evaluate(Random().fit(split.refit, Run()), split.test, statistics=statistics)
    assert "miscalibration@10" not in ease.beyond
    assert ease.mean("diversity@10") < random.mean("diversity@10")


def test_classes_are_read_from_lists_and_from_words_with_separators() -> None:
    data = worlds.dataset(np.zeros(4, int), np.arange(4))
    names = data.items.ids.names

    def read(column: pl.Series) -> np.ndarray | None:
        of = dict(zip(["i0", "i1", "i2", "i3"], column, strict=True))
        frame = pl.DataFrame({"genres": [of[name] for name in names]}, schema={"genres": column.dtype})
        found = item_categories(ItemTable(data.items.ids, frame))
        return None if found is None else found[1].toarray()[names.arg_sort().to_numpy()]

    expected = [[1, 0], [1, 1], [0, 1], [0, 0]]  # a most frequent first; b
    assert read(pl.Series(["a", "a|b", " b", ""])).tolist() == expected
    assert read(pl.Series([["a"], ["a", "b"], ["b"], None])).tolist() == expected
    assert read(pl.Series(["a", "", "", ""])) is None, "too few items have one"
    assert read(pl.Series(["a", "a", "a", "a"])) is None, "one class tells nothing apart"


def test_nobody_asked_is_no_crash() -> None:
    split = leave_last(worlds.dataset(np.array([0, 1]), np.array([0, 1])))
    result = evaluate(Random().fit(split.refit, Run()), split.test, statistics=TrainingStatistics.of(split.refit))
    assert np.isnan(result.mean("ndcg@10"))
    assert np.isnan(result.mean("novelty@10"))
    assert result.coverage == 0
