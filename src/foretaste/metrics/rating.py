"""Errors of predicted ratings (RMSE, MAE, MSE), on the scale of the data.

predicted, true : (L,) one pair per rating. DataError where shapes differ or a prediction is nan: none is skipped
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from foretaste.types import FloatArray

    Numbers = FloatArray | NDArray[np.float64]


def mse(predicted: Numbers, true: Numbers) -> float:
    """Mean squared error."""
    return float(np.mean(_errors(predicted, true) ** 2))


def rmse(predicted: Numbers, true: Numbers) -> float:
    """Root of the mean squared error: in the unit of the ratings, large errors count more."""
    return float(np.sqrt(mse(predicted, true)))


def mae(predicted: Numbers, true: Numbers) -> float:
    """Mean absolute error: in the unit of the ratings, all errors count alike."""
    return float(np.mean(np.abs(_errors(predicted, true))))


MEASURES: dict[str, Callable[[Numbers, Numbers], float]] = {"rmse": rmse, "mae": mae, "mse": mse}


def _errors(predicted: Numbers, true: Numbers) -> NDArray[np.float64]:
    """(L,) predicted − true in float64, so that sums over a million float32 ratings stay accurate."""
    if predicted.shape != true.shape or predicted.ndim != 1:
        raise DataError(
            f"Ratings of shape {true.shape} were predicted with shape {predicted.shape}; both need one number each."
        )
    if not len(true):
        raise DataError("There are no ratings to measure on; hold out at least one.")
    errors = predicted.astype(np.float64) - true.astype(np.float64)
    if unknown := int(np.isnan(errors).sum()):
        raise DataError(
            f"{unknown:,} of {len(errors):,} ratings have no prediction (nan); fill them or leave them out."
        )
    return errors
