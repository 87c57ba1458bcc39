"""A changed history is still that history: nothing invented, nothing of others, enough left to ask for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.errors import ConfigError
from foretaste.training.augment import MIN_EVENTS, augmented, cropped, dropped, masked, reordered, substituted
from foretaste.training.config import AugmentConfig
from foretaste.types import History

rows = st.lists(st.integers(MIN_EVENTS, 20), min_size=1, max_size=8)
chances = st.floats(0, 1)


def numbered(lengths: list[int]) -> History:
    """Item number n is the n-th event; so are its kind, value and time."""
    total = sum(lengths)
    numbers = np.arange(total)
    return History(
        numbers.astype(np.int32),
        np.cumsum([0, *lengths]),
        numbers.astype(np.int64) * 1000,
        (numbers % 250).astype(np.uint8),
        numbers.astype(np.float32),
    )


@given(lengths=rows, crop=chances, drop=st.floats(0, 0.99), reorder=chances, seed=st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_nothing_is_invented_and_enough_remains(lengths, crop, drop, reorder, seed) -> None:
    history = numbered(lengths)
    config = AugmentConfig(crop=crop, drop=drop, reorder=reorder)
    found = augmented(history, config, np.random.default_rng(seed))
    assert len(found) == len(history)
    assert (found.lengths >= MIN_EVENTS).all()
    for b in range(len(history)):
        assert set(found.row(b)) <= set(history.row(b)), "nothing of another row"
        assert len(set(found.row(b))) == len(found.row(b))
    assert (found.value == found.items).all(), "what is known of an event goes with it"
    assert (found.kind == found.items % 250).all()
    inside = np.diff(found.time)[np.diff(found.row_of_event()) == 0]
    assert (inside > 0).all(), "times still rise"
    if not reorder:
        assert (np.diff(found.items) > 0).all(), "the order stays"


@given(lengths=rows, keeps=st.floats(0.05, 1), seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_a_crop_is_one_piece_of_the_right_length(lengths, keeps, seed) -> None:
    history = numbered(lengths)
    found = history.where(cropped(history, 1.0, keeps, np.random.default_rng(seed)))
    expected = np.maximum(MIN_EVENTS, np.ceil(np.array(lengths) * keeps))
    np.testing.assert_array_equal(found.lengths, expected)
    for b in range(len(history)):
        assert (np.diff(found.row(b)) == 1).all()


def test_all_places_of_a_crop_are_drawn() -> None:
    history = numbered([10] * 500)
    found = history.where(cropped(history, 1.0, 0.5, np.random.default_rng(0)))
    first = found.items[found.offsets[:-1]] % 10
    assert set(first) == set(range(6))


def test_a_share_of_the_events_is_dropped_and_of_the_rows_reordered() -> None:
    history = numbered([20] * 1000)
    rng = np.random.default_rng(0)
    assert abs(dropped(history, 0.3, rng).mean() - 0.7) < 0.02
    found = reordered(history, 0.4, 0.5, rng)
    moved = (found.items != history.items).reshape(1000, 20)
    assert abs(moved.any(axis=1).mean() - 0.4) < 0.05
    places = moved[moved.any(axis=1)]
    widest = (places.shape[1] - places[:, ::-1].argmax(axis=1)) - places.argmax(axis=1)
    assert widest.max() <= 10, "only half a row"


def test_switched_off_nothing_happens_and_nothing_is_drawn() -> None:
    history, rng = numbered([5, 6]), np.random.default_rng(0)
    assert augmented(history, AugmentConfig(), rng) is history
    assert substituted(history, 0.0, np.zeros((11, 2), np.int32), rng) is history
    assert masked(history, 0.0, 99, rng) is history
    assert rng.random() == np.random.default_rng(0).random()


def test_a_share_of_the_events_is_of_one_of_the_similar_items() -> None:
    """Item n is like n + 1000 and n + 2000, every third one like n + 1000 alone, every fifth like nothing."""
    history = numbered([20] * 600)
    n = np.arange(12_000)
    similar = np.stack([n + 1000, np.where(n % 3, n + 2000, -1)], 1).astype(np.int32)
    similar[n % 5 == 0] = -1
    found = substituted(history, 0.3, similar, np.random.default_rng(0))
    by = found.items - history.items
    assert not by[n % 5 == 0].any()
    assert set(by[n % 3 == 0]) == {0, 1000}
    assert set(by) == {0, 1000, 2000}
    for chosen, expected in ((n % 5 > 0, 0.3), ((n % 5 > 0) & (n % 3 == 0), 0.3)):
        assert abs((by[chosen] > 0).mean() - expected) < 0.02
    both = by[(n % 5 > 0) & (n % 3 > 0) & (by > 0)]
    assert abs((both == 1000).mean() - 0.5) < 0.04
    assert found.items.dtype == np.int32
    assert found.value is history.value, "only the item is another"


def test_a_share_of_the_items_is_hidden() -> None:
    history = numbered([20] * 600)
    found = masked(history, 0.25, 77_777, np.random.default_rng(0))
    hidden = found.items == 77_777
    assert abs(hidden.mean() - 0.25) < 0.02
    assert (found.items[~hidden] == history.items[~hidden]).all()
    assert found.time is history.time


@pytest.mark.parametrize("setting", ["crop", "drop", "reorder", "substitute", "mask"])
def test_a_chance_is_a_chance(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"AugmentConfig: {setting} = 1.5: "):
        AugmentConfig(**{setting: 1.5})
