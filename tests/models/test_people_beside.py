"""Networks that read, beside the history, what is known of a person and what they searched for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import torch

import worlds
from foretaste.models.content.two_tower import TwoTower, TwoTowerConfig
from foretaste.models.sequence.course import Course
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
from foretaste.models.sequence.searched import Searched
from foretaste.models.sequence.trained import Trained
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


def test_of_whom_nothing_is_known_the_history_alone_speaks(fitted: SasRec, data: Dataset) -> None:
    asked = beginners(data, None, "purple")
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (2, 1))
    np.testing.assert_array_equal(fitted.score(asked, every), fitted.score(replace(asked, columns={}), every))
    nobody = replace(Queries.guests([[]]), columns={"side": np.array(["even"], object)})
    assert np.isnan(fitted.score(nobody, every[:1])).all(), "columns are read beside a history, not instead of one"


def test_saved_and_loaded_it_reads_the_same_and_knows_nobody(fitted: SasRec, data: Dataset, tmp_path: Path) -> None:
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


def test_a_course_takes_the_people_along(data: Dataset) -> None:
    vectors = np.random.default_rng(0).random((80, 3)).astype(np.float32)
    course = Course(
        "sasrec", SasRecConfig(), data.histories(), np.ones(32, bool), None, None, None, 0, False, people=vectors
    )
    np.testing.assert_array_equal(Course.from_tensors(course.tensors()).people, vectors)
    assert Course.from_tensors(replace(course, people=None).tensors()).people is None


# ---- searches


@pytest.mark.parametrize("room", [1, 2, 3, 10])
@pytest.mark.parametrize("moments", [None, [50, 60, 70]])
def test_searches_stand_behind_the_events_as_the_newest(room: int, moments: list[int] | None) -> None:
    rows = [[5, 6, 7], [], [8]]
    counts = [2, 1, 0]
    flat = History.of_items(rows)
    history = History(flat.items, flat.offsets, np.array([1, 2, 3, 4]), flat.kind + 1, flat.value * 3)
    searched = Searched(np.array(counts), np.zeros((3, 4), np.float32))
    asked_at = None if moments is None else np.array(moments)
    found = searched.after(history, room, 100, asked_at)
    code = 100
    for b, (row, count) in enumerate(zip(rows, counts, strict=True)):
        expected = [*row, *range(code, code + count)][-room:]
        code += count
        assert found.row(b).tolist() == expected
        kind = found.kind[found.offsets[b] : found.offsets[b + 1]]
        assert (kind == np.where(np.array(expected) < 100, 1, 0)).all()
        if moments is not None:
            time = found.time[found.offsets[b] : found.offsets[b + 1]]
            assert (time[np.array(expected, int) >= 100] == moments[b]).all()
            assert (np.diff(time) >= 0).all()
    assert (found.time is None) == (moments is None), "somebody without events has no time of their own"


@pytest.fixture(scope="module")
def towers() -> tuple[TwoTower, Dataset]:
    pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
    data = worlds.parity()
    return TwoTower(TwoTowerConfig(width=32, words=False, training=QUICK)).fit(data, Run()), data


def test_a_search_is_the_newest_thing_somebody_wanted(towers: tuple[TwoTower, Dataset]) -> None:
    model, data = towers
    odd = np.flatnonzero(worlds.parity_of(data, np.arange(data.n_items)) == 1)[:2].astype(np.int32)
    people = replace(
        Queries.guests([[], [], odd, odd]), searches=(("a puppy", "a kitten"), ("rockets and planets",), (), ("pony",))
    )
    even = share_even(model, data, people)
    assert even[0] == 1, "a search alone is enough"
    assert even[1] == 0
    assert even[2] == 0
    scores = model.score(people, np.tile(np.arange(data.n_items, dtype=np.int32), (4, 1)))
    is_even = worlds.parity_of(data, np.arange(data.n_items)) == 0
    gap = scores[:, is_even].mean(axis=1) - scores[:, ~is_even].mean(axis=1)
    assert gap[3] > gap[2], "and beside a history it speaks too"


def test_nobody_elses_search_is_ones_own(towers: tuple[TwoTower, Dataset]) -> None:
    model, data = towers
    people = replace(
        worlds.everyone(data).take(np.arange(6)), searches=((), ("puppy",), ("a", "b", "c", "d"), (), (), ("sun",))
    )
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (6, 1))
    whole = model.score(people, every)
    for b in range(6):
        np.testing.assert_allclose(
            whole[b : b + 1], model.score(people.take(np.array([b])), every[:1]), rtol=1e-4, atol=1e-5
        )
    silent = model.score(replace(people, searches=None), every)
    np.testing.assert_allclose(whole[[0, 3, 4]], silent[[0, 3, 4]], rtol=1e-4, atol=1e-5)
    assert not np.allclose(whole[1], silent[1])
    last_three = replace(people, searches=((), ("puppy",), ("b", "c", "d"), (), (), ("sun",)))
    np.testing.assert_allclose(whole[2], model.score(last_three, every)[2], rtol=1e-4, atol=1e-5)


def test_no_search_reaches_a_network_that_does_not_read_them(fitted: SasRec, data: Dataset) -> None:
    asked = beginners(data, "even")
    searching = replace(asked, searches=(("puppy",),))
    np.testing.assert_array_equal(fitted.recommend(asked, 5).scores, fitted.recommend(searching, 5).scores)
    assert isinstance(fitted.trained, Trained)


def test_a_network_that_reads_in_both_directions_reads_searches_too() -> None:
    pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
    from foretaste.features.text import TextEncoderConfig
    from foretaste.models.sequence.bert4rec import Bert4Rec, Bert4RecConfig

    data = worlds.parity(n_users=20)
    settings = {
        "width": 16,
        "texts": TextEncoderConfig(),
        "searches": 2,
        "training": QUICK.model_copy(update={"epochs": 1}),
    }
    model = Bert4Rec(Bert4RecConfig.model_validate(settings)).fit(data, Run())
    people = worlds.everyone(data).take(np.arange(3))
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (3, 1))
    silent = model.score(people, every)
    mixed = model.score(replace(people, searches=((), ("puppy",), ())), every)
    np.testing.assert_allclose(mixed[[0, 2]], silent[[0, 2]], rtol=1e-4, atol=1e-6)
    assert not np.allclose(mixed[1], silent[1])


def test_where_the_encoder_is_not_installed_searches_are_not_read(
    towers: tuple[TwoTower, Dataset], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bundle holds the vectors of its items, and answers on a machine that has no language model."""
    model, data = towers
    model.save(tmp_path)
    broken = TwoTower.load(tmp_path)
    with monkeypatch.context() as without:
        without.setattr("foretaste.models.sequence.trained.find_spec", lambda name: None)
        bare = TwoTower.load(tmp_path)

    def fails(config: object) -> None:
        raise OSError("the model is not here, and the hub cannot be reached")

    monkeypatch.setattr("foretaste.models.sequence.trained.text_encoder", fails)
    people = replace(worlds.everyone(data).take(np.arange(2)), searches=(("puppy",), ()))
    silent = model.recommend(replace(people, searches=None), 5).items
    for there in (bare, broken):
        there.warm()
        np.testing.assert_array_equal(there.recommend(people, 5).items, silent)
