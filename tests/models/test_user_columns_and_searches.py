"""Networks that read user columns and searches besides the history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import torch

import worlds
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
from foretaste.models.sequence.training.job import TrainingJob
from foretaste.training.batches import NextEventBatches, UserFeatures, every_nth_row
from foretaste.training.config import TrainingConfig
from foretaste.types import History, Queries, Run

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset

QUICK = TrainingConfig(epochs=20, least_steps=0, batch_events=130, learning_rate=0.02, warm_up_steps=10, averaging=0.9)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """All begin with i0 and i1; then people of the even side take even items, the others odd ones."""
    rng = np.random.default_rng(0)
    halves = [np.arange(2, 32, 2), np.arange(3, 32, 2)]
    item = np.concatenate([np.r_[0, 1, rng.permutation(halves[u % 2])[:3]] for u in range(80)])
    made = worlds.dataset(np.repeat(np.arange(80), 5), item, n_items=32)
    side = np.where(worlds.parity_of_people(made) == 0, "even", "odd")
    return replace(made, user_table=pl.DataFrame({"user": made.users.names, "side": side}))


@pytest.fixture(scope="module")
def fitted(data: Dataset) -> SasRec:
    settings = {"width": 16, "dropout": 0.1, "columns": True, "ensemble": 2, "training": QUICK}
    return SasRec(SasRecConfig.model_validate(settings)).fit(data, Run())


def beginners(data: Dataset, *sides: str | None) -> Queries:
    start = data.items.ids.codes(pl.Series(["i0", "i1"]))
    return replace(Queries.guests([start] * len(sides)), columns={"side": np.array(sides, object)})


def share_even(model: SasRec, data: Dataset, queries: Queries) -> np.ndarray:
    found = model.recommend(queries, 6, exclude=queries.history).items
    return (worlds.parity_of(data, found.ravel()).reshape(found.shape) == 0).mean(axis=1)


def test_what_is_known_of_a_person_turns_the_list(fitted: SasRec, data: Dataset) -> None:
    """The histories are the same; only the columns tell the people apart."""
    assert fitted.columns_read == {"side"}
    even, odd, unknown, strange = share_even(fitted, data, beginners(data, "even", "odd", None, "purple"))
    assert even == 1
    assert odd == 0
    assert unknown == strange


def test_without_user_columns_only_the_history_counts(fitted: SasRec, data: Dataset) -> None:
    asked = beginners(data, None, "purple")
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (2, 1))
    np.testing.assert_array_equal(fitted.score(asked, every), fitted.score(replace(asked, columns={}), every))
    nobody = replace(Queries.guests([[]]), columns={"side": np.array(["even"], object)})
    assert np.isnan(fitted.score(nobody, every[:1])).all(), "columns are read beside a history, not instead of one"


def test_saved_and_loaded_it_scores_the_same_and_holds_no_users(fitted: SasRec, data: Dataset, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    again = SasRec.load(tmp_path)
    asked = beginners(data, "even", "odd")
    np.testing.assert_array_equal(fitted.recommend(asked, 8).scores, again.recommend(asked, 8).scores)
    assert all(len(tensor) != data.n_users for tensor in fitted.trained.modules[0].state_dict().values())


def test_without_a_table_of_people_nothing_is_read(data: Dataset) -> None:
    short = SasRecConfig(width=8, columns=True, training=QUICK.model_copy(update={"epochs": 1}))
    assert SasRec(short).fit(replace(data, user_table=None), Run()).columns_read == frozenset()
    assert SasRec(short.model_copy(update={"columns": False})).fit(data, Run()).columns_read == frozenset()


def test_people_stay_with_their_rows_and_some_are_forgotten() -> None:
    rows = [[i, i + 1, i + 2] for i in range(0, 60, 3)]
    vectors = np.arange(1, 21, dtype=np.float32)[:, None] * np.array([1, 10], np.float32)
    lessons = NextEventBatches(History.of_items(rows), 50, user_features=UserFeatures(vectors, forget=0.0))
    rng = np.random.default_rng(0)
    for lesson in lessons.epoch(12, rng):
        first = lesson.inputs.items[lesson.inputs.position == 0]
        assert (lesson.inputs.user_features[:, 0] == first // 3 + 1).all()
        halves = [every_nth_row(lesson, n, 2) for n in (0, 1)]
        assert torch.equal(halves[1].inputs.user_features, lesson.inputs.user_features[1::2])
    some = UserFeatures(np.ones((4_000, 1), np.float32), forget=0.3).of(np.arange(4_000), rng)
    assert abs(float(some.mean()) - 0.7) < 0.03


def test_a_job_takes_the_user_vectors_along(data: Dataset) -> None:
    vectors = np.random.default_rng(0).random((80, 3)).astype(np.float32)
    seen = np.ones(32, bool)
    job = TrainingJob(
        name="sasrec",
        model_path="foretaste.models.sequence.sasrec:SasRec",
        config=SasRecConfig(),
        history=data.histories(),
        seen_items=seen,
        user_vectors=vectors,
    )
    again = TrainingJob.from_tensors(job.tensors())
    np.testing.assert_array_equal(again.user_vectors, vectors)
    without = replace(job, user_vectors=None).tensors()
    assert TrainingJob.from_tensors(without).user_vectors is None
