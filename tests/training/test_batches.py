"""What a batch holds: inputs before targets, nothing of other rows, and nothing disliked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.training.batches import MaskedEventBatches, NextEventBatches, WithNegatives, positive_events, row_slices  # noqa: E402
from foretaste.training.config import AugmentConfig  # noqa: E402
from foretaste.types import History  # noqa: E402

ROWS = [[1, 2, 3, 4, 5], [7], [10, 11], [], [20, 21, 22]]


def lessons(kind, seed: int = 0, events: int = 4):
    return list(kind.epoch(events, np.random.default_rng(seed)))


def test_each_event_is_asked_for_after_the_one_before() -> None:
    found = set()
    for lesson in lessons(NextEventBatches(History.of_items(ROWS), 50)):
        inputs = lesson.inputs.items[lesson.where]
        found |= set(zip(inputs.tolist(), lesson.targets.tolist(), strict=True))
    assert found == {(1, 2), (2, 3), (3, 4), (4, 5), (10, 11), (20, 21), (21, 22)}


def test_of_long_rows_the_newest_or_a_window() -> None:
    last = lessons(NextEventBatches(History.of_items(ROWS), 2))
    assert {tuple(lesson.targets.tolist()) for lesson in lessons(NextEventBatches(History.of_items([ROWS[0]]), 2))} == {
        (4, 5)
    }
    assert max(lesson.inputs.grid.shape[1] for lesson in last) == 2
    windows = NextEventBatches(History.of_items([ROWS[0]]), 2, windows=True)
    seen = {tuple(lesson.targets.tolist()) for seed in range(30) for lesson in lessons(windows, seed)}
    assert seen == {(2, 3), (3, 4), (4, 5)}


def test_masked_events_are_hidden_and_asked_for() -> None:
    asked = MaskedEventBatches(History.of_items(ROWS), 50, mask=99, share=0.4)
    for seed in range(20):
        for lesson in lessons(asked, seed):
            assert (lesson.inputs.items[lesson.where] == 99).all()
            assert (lesson.inputs.items == 99).sum() == len(lesson.where)
            assert (lesson.targets != 99).all()


def test_what_is_read_may_be_disguised_and_what_is_asked_for_never() -> None:
    """Substituted items are 30 more, a masked one is 99."""
    similar = np.where(np.arange(60) < 30, np.arange(60) + 30, -1)[:, None].astype(np.int32)
    augment = AugmentConfig(substitute=0.5, mask=0.3)
    lesson = NextEventBatches(History.of_items(ROWS), 50, augment=augment, similar=similar, mask=99)
    true = {(a, b) for row in ROWS for a, b in pairwise(row)}
    read = set()
    for seed in range(30):
        for one in lessons(lesson, seed):
            for item, target in zip(one.inputs.items[one.where].tolist(), one.targets.tolist(), strict=True):
                read.add("hidden" if item == 99 else "other" if item >= 30 else "own")
                assert item == 99 or (item % 30, target) in true
                assert target in {b for _, b in true}
    assert read == {"hidden", "other", "own"}
    filled = MaskedEventBatches(History.of_items(ROWS), 50, 99, 0.4, augment, similar=similar)
    for seed in range(10):
        for one in lessons(filled, seed):
            assert (one.targets < 30).all()
            assert (one.inputs.items[one.where] == 99).all()
            assert (one.inputs.items == 99).sum() == len(one.where), "mask is for networks that look back alone"


def test_negatives_follow_their_shares() -> None:
    shares = np.array([0.0, 0.5, 0.5, 0.0])
    drawn = WithNegatives(NextEventBatches(History.of_items(ROWS), 50), 4, 1000, shares)
    counts = np.bincount(lessons(drawn)[0].negatives.numpy(), minlength=4)
    assert counts[[0, 3]].sum() == 0
    assert abs(counts[1] - 500) < 80


def test_disliked_events_are_not_wanted() -> None:
    history = History(
        np.array([1, 2, 3], np.int32), np.array([0, 3]), None, np.array([0, 1, 0], np.uint8), np.ones(3, np.float32)
    )
    assert positive_events(history, np.array([1.0, -1.0], np.float32)).items.tolist() == [1, 3]


def test_newest_and_slices() -> None:
    history = History.of_items(ROWS)
    assert [history.newest(2).row(b).tolist() for b in range(5)] == [[4, 5], [7], [10, 11], [], [21, 22]]
    assert row_slices(history, np.array([1, 5]), np.array([2, 1])).items.tolist() == [2, 3, 7]


def test_batches_hold_about_as_many_events_whatever_the_lengths() -> None:
    for length in (3, 30):
        rows = History.of_items([list(range(length))] * 90)
        batches = lessons(NextEventBatches(rows, 50), events=60)
        counts = [len(lesson.targets) for lesson in batches]
        assert sum(counts) == 90 * (length - 1)
        assert max(counts) <= 60
        assert len(batches) == NextEventBatches(rows, 50).steps(60)


def test_the_moment_of_each_question_is_the_time_of_its_target() -> None:
    time = np.array([10, 20, 40, 80, 5, 9], np.int64) * 1_000_000
    history = History(np.arange(6, dtype=np.int32), np.array([0, 4, 6]), time, np.zeros(6, np.uint8), np.ones(6))
    until = {}
    for lesson in lessons(NextEventBatches(history, 50)):
        until |= dict(zip(lesson.targets.tolist(), lesson.inputs.next_time().tolist(), strict=True))
    assert until == {1: 20.0, 2: 40.0, 3: 80.0, 5: 9.0}
