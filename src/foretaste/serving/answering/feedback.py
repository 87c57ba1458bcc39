"""What a person's past says beside what the models read of it: what bores them, and what they want less of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from foretaste.data.kinds import DISLIKE, SHOWN
from foretaste.events.model import SEARCHED, Past

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from foretaste.serving.config import ServiceConfig
    from foretaste.types import IntArray

LESS_READ = 20
"""The latest such wishes after which what is similar sinks; the items themselves are hidden after any of them."""
DAY = 86_400e6


SEARCHES_READ = 5
"""The latest searches of a person that a question carries, as in training (`Searches.latest`)."""


class Tastes(NamedTuple):
    """ignored : item to how often it was shown and ignored, an impression of long ago counting less
    less    : items of which the person wants less, the latest last
    """

    ignored: Mapping[str, float]
    less: list[str]


def tastes(past: Past, now: int, half_life_days: float) -> Tastes:
    """Read from a history, oldest first; whatever a person does with an item makes it fresh again."""
    if SHOWN not in past.kind and DISLIKE not in past.kind:
        return NOTHING
    ignored: dict[str, float] = {}
    less: dict[str, None] = {}
    for item, kind, time in zip(past.item, past.kind, past.time, strict=True):
        if kind == SHOWN:
            age = 0.0 if time is None else max(0.0, (now - time) / DAY)
            ignored[item] = ignored.get(item, 0.0) + 0.5 ** (age / half_life_days)
        else:
            ignored.pop(item, None)
            if kind == DISLIKE:
                less.pop(item, None)
                less[item] = None
    return Tastes(ignored, list(less))


NOTHING = Tastes({}, [])


def parted(past: Past) -> tuple[Past, tuple[str, ...]]:
    """What was done to items, and what was lately searched for, newest last."""
    if SEARCHED not in past.kind:
        return past, ()
    done = [i for i, kind in enumerate(past.kind) if kind != SEARCHED]
    searches = [item for item, kind in zip(past.item, past.kind, strict=True) if kind == SEARCHED]
    kept = Past(
        [past.item[i] for i in done],
        [past.kind[i] for i in done],
        [past.time[i] for i in done],
        [past.value[i] for i in done],
        past.upto,
    )
    return kept, tuple(searches[-SEARCHES_READ:])


def fatigue(times: float, after: int) -> float:
    """What remains of a score: 1 until an item was ignored `after` times, a half then, a quarter one later."""
    return float(0.5 ** max(0.0, times - after + 1))


def factors(
    felt: Tastes, code_of: Mapping[str, int], alike: Callable[[int], IntArray], config: ServiceConfig, *, tired: bool
) -> dict[int, float]:
    """What remains of the score of each item of the bundle that is not simply 1."""
    found: dict[int, float] = {}
    if tired:
        for item, times in felt.ignored.items():
            remains = fatigue(times, config.fatigue_after)
            if remains < 1 and (code := code_of.get(item)) is not None:
                found[code] = remains
    for item in felt.less[-LESS_READ:]:
        if (code := code_of.get(item)) is not None:
            for other in alike(code).tolist():
                found[other] = found.get(other, 1.0) * config.less_factor
    return found


def one_of_each(groups: IntArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(K,) true for the first of every group; −1 is a group of its own each time."""
    keep = groups < 0
    _, first = np.unique(groups, return_index=True)
    keep[first] = True
    return keep
