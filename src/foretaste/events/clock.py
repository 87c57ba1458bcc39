"""A clock to stamp events with: it never runs backwards, and it knows a time that cannot be."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERANCE = timedelta(minutes=10)
"""Clients' clocks run ahead by seconds or minutes. Half an hour and more is a time zone mistaken for another."""


def now() -> int:
    """µs since 1970 UTC by this machine's clock."""
    return time.time_ns() // 1000


class Clock:
    """Thread-safe.

    floor : µs; the latest stamp of an earlier process, `EventLog.last_stamp()`: this one begins behind it, even
            where the machine has been started with a clock that stands at 1970
    wall  : ns since 1970 UTC; the machine's clock

    Histories are ordered by time. Were a stamp earlier than the one before it, because somebody set the clock back,
    what a person did last would sort before what they did first; so time stands nearly still until the clock has
    caught up.
    """

    def __init__(self, floor: int = 0, *, wall: Callable[[], int] = time.time_ns) -> None:
        self._wall = wall
        self._latest = floor
        self._lock = Lock()

    def now(self) -> int:
        """µs since 1970 UTC, later than every time it gave before."""
        with self._lock:
            self._latest = max(self._wall() // 1000, self._latest + 1)
            return self._latest

    def ahead(self, moment: int | None) -> str | None:
        """Why an event of that time, in µs, cannot have happened yet; None if it can."""
        if moment is None:
            return None
        with self._lock:
            now = max(self._wall() // 1000, self._latest)
        by = timedelta(microseconds=moment - now)
        if by <= TOLERANCE:
            return None
        return (
            f"'time' lies {_in_words(by)} ahead of this machine's clock; send times in UTC, with their zone, "
            "and see to the clock of whoever sent it."
        )


def _in_words(by: timedelta) -> str:
    seconds = by.total_seconds()
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"
