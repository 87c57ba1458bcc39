"""What a user's past says beside what the models read of it: impressions without a reaction, and rejected items."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from foretaste.data.kinds import DISLIKE, SHOWN
from foretaste.events.model import SEARCHED, Past
from foretaste.types import NO_ITEM, History, Ragged

if TYPE_CHECKING:
    from foretaste.types import IntArray

SEARCHES_READ = 5
"""The latest searches of a person that a question carries, as in training (`Searches.latest`)."""


class Feedback(NamedTuple):
    """shown    : item and time (µs) of each impression since the user last did anything with the item, oldest first
    disliked : items the user wants less of, the latest last
    """

    shown: list[tuple[str, int | None]]
    disliked: list[str]

    def impressions(self, codes: IntArray) -> History | None:
        """One row of the impressions of known items; None where there are none. Without times where one has none.

        codes : of `shown`, NO_ITEM for those nobody knows
        """
        known = [(code, time) for code, (_, time) in zip(codes.tolist(), self.shown, strict=True) if code != NO_ITEM]
        if not known:
            return None
        # As offline: where some have a time, those without one belong to no moment.
        timed = [event for event in known if event[1] is not None]
        known = timed or known
        n = len(known)
        times = [time for _, time in timed if time is not None]
        return History(
            np.array([code for code, _ in known], np.int32),
            np.array([0, n], np.int64),
            np.array(times, np.int64) if timed else None,
            np.zeros(n, np.uint8),
            np.ones(n, np.float32),
        )

    def rejected(self, codes: IntArray) -> Ragged | None:
        """One row of the disliked items that are known; None where there are none.

        codes : of `disliked`, NO_ITEM for those nobody knows
        """
        return Ragged.from_rows([codes[codes != NO_ITEM]]) if (codes != NO_ITEM).any() else None


NOTHING = Feedback([], [])


def feedback(past: Past) -> Feedback:
    """Read from a history, oldest first; whatever a user does with an item makes it fresh again."""
    if SHOWN not in past.kind and DISLIKE not in past.kind:
        return NOTHING
    shown: list[tuple[str, int | None]] = []
    answered: set[int] = set()
    pending: dict[str, list[int]] = {}
    disliked: dict[str, None] = {}
    for item, kind, time in zip(past.item, past.kind, past.time, strict=True):
        if kind == SHOWN:
            pending.setdefault(item, []).append(len(shown))
            shown.append((item, time))
        else:
            answered.update(pending.pop(item, ()))
            if kind == DISLIKE:
                disliked.pop(item, None)
                disliked[item] = None
    return Feedback([event for i, event in enumerate(shown) if i not in answered], list(disliked))


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
