"""The simulated feedback loop: popularity makes all lists alike, random lists stay diverse."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.errors import ConfigError
from foretaste.evaluation.feedback_loop import _from_the_list, simulate_feedback_loop
from foretaste.types import NO_ITEM, Run


def test_following_popularity_keeps_coverage_low_and_random_lists_stay_wide() -> None:
    data = worlds.noise(n_users=120, n_items=60)
    popular = simulate_feedback_loop("popular", {}, data, Run(), rounds=3)
    random = simulate_feedback_loop("random", {}, data, Run(), rounds=3)
    assert len(popular.with_lists) == len(popular.control) == 4
    assert popular.with_lists[0] == popular.control[0], "before anything is taken both worlds are one"
    assert popular.with_lists[-1].alike > 3 * random.with_lists[-1].alike
    assert random.with_lists[-1].coverage == 1
    assert abs(random.change("coverage")) < 0.01
    assert random.change("gini") == pytest.approx(0, abs=0.3)
    assert "popular for 3 rounds" in popular.sentence()


def test_a_model_of_neighbours_narrows_what_is_offered() -> None:
    found = simulate_feedback_loop("itemknn", {}, worlds.noise(n_users=200, n_items=80), Run(), rounds=6)
    assert found.change("diversity") < 0, "lists feed on what lists placed"
    again = simulate_feedback_loop("itemknn", {}, worlds.noise(n_users=200, n_items=80), Run(), rounds=6)
    assert again == found, "the same seed is the same story"


def test_what_is_taken_stands_in_the_list_and_the_first_places_oftener() -> None:
    lists = np.tile(np.array([[4, 7, 9, NO_ITEM]], np.int32), (60_000, 1))
    taken = _from_the_list(lists, np.random.default_rng(0))
    share = np.array([(taken == item).mean() for item in (4, 7, 9)])
    weight = 1 / np.log2([2, 3, 4])
    np.testing.assert_allclose(share, weight / weight.sum(), atol=0.01)
    assert (_from_the_list(np.full((3, 2), NO_ITEM, np.int32), np.random.default_rng(0)) == NO_ITEM).all()


def test_no_rounds_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one round"):
        simulate_feedback_loop("popular", {}, worlds.parity(), Run(), rounds=0)
