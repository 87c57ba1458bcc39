"""Search queries of users, and which of them an evaluation query may know."""

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
"""Number of the latest searches of a user that a recommendation query holds."""
NEVER, ALWAYS = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Searches:
    """S searches, sorted by (user, time); those without a time come first.

    user : (S,) int32 codes
    time : (S,) int64 µs since 1970 UTC; NEVER where unknown
    text : (S,) String
    """

    user: IntArray
    time: LongArray
    text: pl.Series

    @classmethod
    def of(cls, frame: pl.DataFrame, users: IdMap) -> Searches:
        """The searches of a table; those of unknown users are left out.

        frame : columns user (names), text and, where known, time (µs)
        """
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
        """The latest n searches of each of these (B,) users, newest last.

        before : (B,) µs; only searches of a known time before it. None for all searches
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
    """(n_users,) µs: searches and impressions at that time or later must not be trained on.

    It is the time of each user's first held-out event, or of the global cut after which everything is held out,
    whichever is earlier. Without times it is before all times, so that no search or impression is used.

    held_out : (L,) true for held-out events
    cut      : µs, the last moment before the held-out part of a global time split; None for other splits
    """
    if time is None:
        return np.full(n_users, NEVER)
    until = np.full(n_users, ALWAYS if cut is None else cut + 1)
    np.minimum.at(until, user[held_out], time[held_out])
    return until
