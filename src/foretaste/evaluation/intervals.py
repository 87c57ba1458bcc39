"""Bootstrap confidence intervals over users, for one model and for paired differences; spread over repeated runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
_BLOCK = 1 << 22  # resampled users held in memory at once


class Interval(NamedTuple):
    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        return (self.high - self.low) / 2


def bootstrap_interval(values: NDArray[np.float64], *, seed: int = 0) -> Interval:
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


def bootstrap_intervals(values: Mapping[str, NDArray[np.float64]], *, seed: int = 0) -> dict[str, Interval]:
    """`bootstrap_interval` for several metrics of the same users, resampled once for all of them, which is far quicker.

    Users for whom a metric is undefined (nan) are resampled as well and then left out of its mean.
    """
    if not values or not len(next(iter(values.values()))):
        return {name: bootstrap_interval(column) for name, column in values.items()}
    table = np.stack(list(values.values()), axis=1)  # (B, M)
    B, M = table.shape
    known = ~np.isnan(table)
    weighed = np.concatenate([np.where(known, table, 0), known], axis=1).astype(np.float64)
    rng = np.random.default_rng(seed)
    sums = np.empty((RESAMPLES, 2 * M))
    at_once = max(1, _BLOCK // B)
    for start in range(0, RESAMPLES, at_once):
        rows = min(at_once, RESAMPLES - start)
        drawn = rng.integers(0, B, (rows, B)) + np.arange(rows)[:, None] * B
        sums[start : start + rows] = np.bincount(drawn.ravel(), minlength=rows * B).reshape(rows, B) @ weighed
    means = np.divide(sums[:, :M], sums[:, M:], out=np.full((RESAMPLES, M), np.nan), where=sums[:, M:] > 0)
    found = {}
    for m, (name, column) in enumerate(values.items()):
        some = means[~np.isnan(means[:, m]), m]
        if not len(some):
            found[name] = bootstrap_interval(column)
            continue
        low, high = np.quantile(some, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        found[name] = Interval(float(column[known[:, m]].mean()), float(low), float(high))
    return found


class Spread(NamedTuple):
    """The same measurement repeated with other seeds or other orders of tied events."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def half(self) -> float:
        """Half width of the 95 % prediction interval for one more run: t · s · √(1 + 1/k); nan with fewer than two.

        With three runs t is 4.3, so the interval is wide.
        """
        k = len(self.values)
        if k < 2:
            return float("nan")
        return float(stdtrit(k - 1, (1 + LEVEL) / 2) * np.std(self.values, ddof=1) * np.sqrt(1 + 1 / k))

    @property
    def interval(self) -> Interval:
        return Interval(self.mean, self.mean - self.half, self.mean + self.half)

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(tuple(float(value) for value in values))


def paired_difference(a: NDArray[np.float64], b: NDArray[np.float64], *, seed: int = 0) -> Interval:
    """a − b user by user, with its interval: far narrower than two separate intervals, because it is paired."""
    return bootstrap_interval(a - b, seed=seed)


def effect_size(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Mean of a − b in its own standard deviations (Cohen's d of pairs): 0.2 is small, 0.5 medium, 0.8 large.

    An interval says whether there is a difference, this how large it is for a user. 0 where no user differs, nan with
    fewer than two users.
    """
    apart = a - b
    apart = apart[~np.isnan(apart)]
    if len(apart) < 2:
        return float("nan")
    spread = float(apart.std(ddof=1))
    mean = float(apart.mean())
    return mean / spread if spread > 0 else float(np.copysign(np.inf, mean)) if mean else 0.0
