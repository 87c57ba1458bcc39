"""How sure are we? Bootstrap intervals over users, for one model and for the difference of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
_BLOCK = 1 << 22  # drawn users held at once


class Interval(NamedTuple):
    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        return (self.high - self.low) / 2


def over_users(values: NDArray[np.float64], *, seed: int = 0) -> Interval:
    """Mean of (B,) values, one per user, and its 95 % percentile bootstrap interval (Efron 1979); nan is left out."""
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    at_once = max(1, _BLOCK // len(values))
    for start in range(0, RESAMPLES, at_once):
        stop = min(RESAMPLES, start + at_once)
        means[start:stop] = values[rng.integers(0, len(values), (stop - start, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def of_difference(a: NDArray[np.float64], b: NDArray[np.float64], *, seed: int = 0) -> Interval:
    """a − b user by user: far narrower than the two intervals, because both models met the same people."""
    return over_users(a - b, seed=seed)


def effect_size(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Mean of a − b in its own standard deviations (Cohen's d of pairs): 0.2 is small, 0.5 middling, 0.8 large.

    An interval says whether a difference is there, this whether anybody would feel it. 0 where nobody differs, nan
    with fewer than two people.
    """
    apart = a - b
    apart = apart[~np.isnan(apart)]
    if len(apart) < 2:
        return float("nan")
    spread = float(apart.std(ddof=1))
    mean = float(apart.mean())
    return mean / spread if spread > 0 else float(np.copysign(np.inf, mean)) if mean else 0.0
