"""An effect is measured in its own spread, and a bootstrap interval is reproducible and quick."""

from __future__ import annotations

import math
from time import perf_counter

import numpy as np
import pytest

from foretaste.evaluation.intervals import bootstrap_interval, effect_size


def test_effect_size_is_the_difference_in_its_own_deviations() -> None:
    rng = np.random.default_rng(0)
    b = rng.random(20_000)
    assert effect_size(b + rng.normal(0.5, 1.0, 20_000), b) == pytest.approx(0.5, abs=0.03)
    # Differences 1, 2, 3: mean 2, deviation 1.
    assert effect_size(np.array([1.0, 3.0, 5.0]), np.array([0.0, 1.0, 2.0])) == pytest.approx(2)
    assert effect_size(b, b) == 0
    assert effect_size(np.ones(5), np.zeros(5)) == math.inf
    assert effect_size(np.array([1.0, 3.0, 5.0, np.nan]), np.array([0.0, 1.0, 2.0, 7.0])) == pytest.approx(2)
    assert math.isnan(effect_size(np.ones(1), np.zeros(1)))


def test_intervals_repeat_with_the_seed_and_close_in_with_people() -> None:
    values = np.random.default_rng(0).random(6040)
    began = perf_counter()
    interval = bootstrap_interval(values, seed=3)
    assert perf_counter() - began < 2, "0.03 s where this was written"
    assert interval == bootstrap_interval(values, seed=3)
    assert interval.low < interval.mean < interval.high
    assert interval.half == pytest.approx(1.96 * values.std() / math.sqrt(6040), rel=0.1)
    assert bootstrap_interval(values[:100]).half > 5 * interval.half
