"""Rating errors against scikit-learn and by hand; what cannot be judged is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error

from foretaste.errors import DataError
from foretaste.metrics.rating import MEASURES, mae, mse, rmse


def test_errors_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(1, 40))
        true, predicted = rng.integers(1, 6, n).astype(float), rng.normal(3, 1, n)
        assert mse(predicted, true) == pytest.approx(mean_squared_error(true, predicted), abs=1e-9)
        assert rmse(predicted, true) == pytest.approx(np.sqrt(mean_squared_error(true, predicted)), abs=1e-9)
        assert mae(predicted, true) == pytest.approx(mean_absolute_error(true, predicted), abs=1e-9)


def test_a_case_worked_by_hand() -> None:
    predicted, true = np.array([1.0, 4.0, 5.0], np.float32), np.array([2.0, 4.0, 2.0], np.float32)
    assert mse(predicted, true) == pytest.approx(10 / 3)
    assert mae(predicted, true) == pytest.approx(4 / 3)
    assert all(measure(true, true) == 0 for measure in MEASURES.values())


def test_many_single_precision_ratings_add_up_rightly() -> None:
    true = np.zeros(2_000_000, np.float32)
    assert mae(true + np.float32(0.1), true) == pytest.approx(float(np.float32(0.1)), rel=1e-9)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_what_cannot_be_measured_is_refused(measure) -> None:
    with pytest.raises(DataError, match="1 of 2 ratings have no prediction"):
        measure(np.array([np.nan, 1.0]), np.array([1.0, 1.0]))
    with pytest.raises(DataError, match="one number each"):
        measure(np.ones(2), np.ones(3))
    with pytest.raises(DataError, match="no ratings to measure"):
        measure(np.empty(0), np.empty(0))
