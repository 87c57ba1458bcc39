"""What people searched for, and how much of it may be known at the moment of a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.types import NO_USER

if TYPE_CHECKING:
    from foretaste.data.ids import IdMap
    from foretaste.types import BoolArray, IntArray, LongArray

SEARCHES_PER_QUERY = 5
"""Searches of a person that a question carries."""
NEVER, ALWAYS = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Searches:
    """Sorted by (user, time); searches without a time come first, and belong to no moment.

    user : (S,) int32 codes
    time : (S,) int64 µs since 1970 UTC; the smallest int64 where nothing is known
    text : S words
    """

    user: IntArray
    time: LongArray
    text: pl.Series

    @classmethod
    def of(cls, frame: pl.DataFrame, users: IdMap) -> Searches:
        """frame : user (names), text and, where it is known, time (µs); searches of unknown people are left out."""
        user = users.codes(frame["user"])
        if "time" in frame.columns:
            time = frame["time"].cast(pl.Int64).fill_null(NEVER).to_numpy()
        else:
            time = np.full(len(frame), NEVER)
        order = np.lexsort((time, user))
        order = order[user[order] != NO_USER]
        return cls(user[order], time[order], frame["text"].cast(pl.String)[order])

    def latest(
        self, users: IntArray, before: LongArray | None = None, n: int = SEARCHES_PER_QUERY
    ) -> tuple[tuple[str, ...], ...]:
        """The last n searches of each of these people, newest last.

        before : (B,) µs; only searches earlier than that, and of a known time. None: all of them
        """
        begin = np.searchsorted(self.user, users)
        end = np.searchsorted(self.user, users, side="right")
        found = []
        for b, (first, last) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
            if before is not None:
                times = self.time[first:last]
                first, last = first + int((times == NEVER).sum()), first + int(np.searchsorted(times, before[b]))
            found.append(tuple(self.text[max(first, last - n) : last].to_list()) if last > first else ())
        return tuple(found)


def known_until(
    user: IntArray, time: LongArray | None, held_out: BoolArray, n_users: int, cut: int | None
) -> LongArray:
    """(n_users,) µs: what is searched or shown at that moment or later must not be learned from.

    The moment of each person's first held-out event, or the common cut behind which everything is held out, whichever
    is earlier. Without times nothing can be told apart, and nothing is seen.

    held_out : (L,) true for events that are asked about
    """
    if time is None:
        return np.full(n_users, NEVER)
    until = np.full(n_users, ALWAYS if cut is None else cut + 1)
    np.minimum.at(until, user[held_out], time[held_out])
    return until
