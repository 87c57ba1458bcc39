"""HSTU reads the time until the query: a user who returns after a month gets another list."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import torch

from foretaste.data.dataset import Dataset
from foretaste.models.sequence.hstu import Hstu, HstuConfig
from foretaste.nn.ragged import time_bucket
from foretaste.training.config import TrainingConfig
from foretaste.types import Queries, Run

MINUTE, MONTH = 60 * 1_000_000, 30 * 86_400 * 1_000_000


@pytest.fixture(scope="module")
def world() -> Dataset:
    """Everybody does a, then b a minute later; then `soon` a minute after that, or `later` a month after that."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(150):
        soon = rng.random() < 0.5
        wait, what = (MINUTE, "soon") if soon else (MONTH, "later")
        rows += [(f"u{user}", "a", 0), (f"u{user}", "b", MINUTE), (f"u{user}", what, MINUTE + wait)]
    return Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "time"], orient="row"))


def fitted(world: Dataset, *, times: bool) -> Hstu:
    training = TrainingConfig(epochs=30, learning_rate=0.02, warm_up_steps=5, batch_events=64, averaging=0.9)
    return Hstu(HstuConfig(width=16, blocks=1, times=times, dropout=0.1, training=training)).fit(world, Run())


def offered(model: Hstu, world: Dataset, wait: int | None) -> set[str]:
    """The first item of each list of people who did a and b, asked so long after b."""
    histories = world.where(world.position < 2).histories()
    asked = Queries(np.full(world.n_users, -1, np.int32), histories)
    if wait is not None:
        asked = replace(asked, asked_at=np.full(world.n_users, MINUTE + wait, np.int64))
    return set(world.items.ids.names_of(model.recommend(asked, 1).items[:, 0]))


def test_the_moment_of_the_question_is_read(world: Dataset) -> None:
    model = fitted(world, times=True)
    assert offered(model, world, MINUTE) == {"soon"}
    assert offered(model, world, MONTH) == {"later"}
    assert offered(model, world, 10 * MONTH) == {"later"}, "longer than anybody was seen to stay away"


def test_without_times_the_query_time_has_no_effect(world: Dataset) -> None:
    model = fitted(world, times=False)
    assert offered(model, world, MINUTE) == offered(model, world, MONTH) == offered(model, world, None)


def test_an_unseen_time_gap_is_read_as_the_nearest_bucket(world: Dataset) -> None:
    """Between a minute and a month there is nobody: the rows in between are those of the nearer end."""
    model = fitted(world, times=True)
    assert model.trained is not None
    module = model.trained.modules[0]
    gaps = module.gaps
    assert gaps is not None
    zero, minute, month = (int(time_bucket(torch.tensor(float(s)))) for s in (0, 60, 30 * 86_400))
    torch.testing.assert_close(gaps[minute + 1], gaps[minute])
    torch.testing.assert_close(gaps[month + 1 :], gaps[month].expand_as(gaps[month + 1 :]))
    assert not torch.equal(gaps[minute], gaps[zero])
    assert len(torch.unique(gaps, dim=0)) <= 3
