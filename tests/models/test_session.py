"""A session gives after each event the list of the whole history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.data.dataset import Dataset
from foretaste.errors import DataError
from foretaste.models.sequence.session import Session
from foretaste.registry import model_class
from foretaste.training.config import TrainingConfig
from foretaste.types import History, Queries, Ragged, Run

if TYPE_CHECKING:
    from foretaste.models.sequence.model import SequenceModel

NETWORKS = ("sasrec", "hstu", "gru4rec", "bert4rec")
LONGEST = 6
QUICK = TrainingConfig(epochs=2, least_steps=0, learning_rate=0.02, warm_up_steps=1, averaging=0.0)


@pytest.fixture(scope="module")
def world() -> Dataset:
    """Two kinds of wanted events and one of unwanted ones, at uneven times."""
    rng = np.random.default_rng(0)
    n = 600
    return Dataset.from_frame(
        pl.DataFrame(
            {
                "user": [f"u{u}" for u in rng.integers(0, 40, n)],
                "item": [f"i{i}" for i in rng.integers(0, 30, n)],
                "kind": rng.choice(["view", "buy", "dislike"], n),
                "time": 1_700_000_000_000_000 + rng.integers(1, 10**12, n).cumsum(),
            }
        )
    )


@pytest.fixture(scope="module", params=[*NETWORKS, "sasrec, two of them"])
def model(request: pytest.FixtureRequest, world: Dataset) -> SequenceModel:
    name, _, several = request.param.partition(",")
    made = model_class(name)
    settings = {"width": 16, "max_length": LONGEST, "ensemble": 2 if several else 1, "training": QUICK.model_dump()}
    return made(made.config_class.model_validate(settings)).fit(world, Run(seed=0))


def same(session: Session, model: SequenceModel, history: History) -> None:
    whole = model.recommend(Queries(np.full(1, -1, np.int32), history), 30)
    found = session.recommend(30)
    np.testing.assert_allclose(found.scores, whole.scores, rtol=1e-3, atol=1e-5)
    assert found.items.shape == whole.items.shape
    assert (found.items == whole.items).mean() > 0.9, "but where two scores are equal up to rounding"


def test_after_each_event_it_is_the_whole_history(model: SequenceModel, world: Dataset) -> None:
    """Over random histories, far beyond `max_length`, in steps of one event and of several."""
    assert (world.kinds.weights <= 0).any(), "some kinds are not wanted"
    rng = np.random.default_rng(1)
    for person in rng.choice(world.n_users, 3, replace=False):
        history = world.histories().take(np.array([person]))
        length = len(history.items)
        assert length > LONGEST + 3
        at = int(rng.integers(0, 3))
        session = model.session(part(history, 0, at))
        same(session, model, part(history, 0, at))
        while at < length:
            step = int(rng.integers(1, 3))
            session = session.then(part(history, at, at + step))
            at += step
            same(session, model, part(history, 0, at))


def test_a_session_never_changes(model: SequenceModel, world: Dataset) -> None:
    """Two ways on from one session do not disturb each other."""
    history = world.histories().take(np.array([0]))
    start = model.session(part(history, 0, 3))
    before = start.recommend(5)
    one, other = start.then(part(history, 3, 4)), start.then(part(history, 4, 6))
    np.testing.assert_array_equal(start.recommend(5).scores, before.scores)
    same(one, model, part(history, 0, 4))
    assert not np.allclose(one.recommend(5).scores, other.recommend(5).scores)


def test_what_was_excluded_or_not_allowed_is_not_offered(model: SequenceModel, world: Dataset) -> None:
    history = world.histories().take(np.array([1]))
    allowed = np.arange(world.n_items) % 2 == 0
    found = model.session(history).recommend(30, exclude=Ragged(history.items, history.offsets), allowed=allowed)
    offered = found.items[found.items >= 0]
    assert len(offered)
    assert allowed[offered].all()
    assert not set(offered) & set(history.items)


def test_before_any_event_nothing_is_offered(model: SequenceModel) -> None:
    assert (model.session(History.of_items([[]])).recommend(3).items == -1).all()


def test_events_without_times_may_follow_timed_ones(model: SequenceModel, world: Dataset) -> None:
    history = part(world.histories().take(np.array([2])), 0, 3)
    untimed = History(history.items, history.offsets, None, history.kind, history.value)
    more = History.of_items([[4, 5]])
    session = model.session(history).then(more)
    items = np.concatenate([history.items, more.items])
    kind = np.concatenate([history.kind, more.kind])
    same(session, model, History(items, np.array([0, 5]), None, kind, np.ones(5, np.float32)))
    same(model.session(untimed).then(more), model, session.history)


def test_it_follows_one_person_about_items_the_model_knows(model: SequenceModel) -> None:
    two = History.of_items([[1], [2]])
    one = model.session(History.of_items([[1]]))
    for ask in (model.session, one.then):
        with pytest.raises(DataError, match="follows one person, and this history has 2 rows"):
            ask(two)
        with pytest.raises(DataError, match="the code -1"):
            ask(History.of_items([[-1]]))


def part(history: History, start: int, end: int) -> History:
    keep = np.zeros(len(history.items), bool)
    keep[start:end] = True
    return history.where(keep)
