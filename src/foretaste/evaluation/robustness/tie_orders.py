"""Events of equal times: shuffle their order, and the share of events that have one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import LongArray


def shuffle_ties(data: Dataset, seed: int) -> Dataset:
    """The same events, those of one user at one time in a random order."""
    time = _times(data)
    # The rows are already sorted by (user, time), so only rows of equal keys can change places.
    order = np.lexsort((np.random.default_rng(seed).random(len(data)), time, data.user))
    return replace(data, item=data.item[order], kind=data.kind[order], value=data.value[order])


def tied_share(data: Dataset) -> float:
    """Share of the events that happened at the same time as another event of the same user; 0 without events."""
    time = _times(data)
    if len(data) < 2:
        return 0.0
    same = (data.user[1:] == data.user[:-1]) & (time[1:] == time[:-1])
    return float((np.r_[same, False] | np.r_[False, same]).mean())


def _times(data: Dataset) -> LongArray:
    if data.time is None:
        raise DataError(f"{data.name} has no times, so no events are tied; leave the tie check out.")
    return data.time
