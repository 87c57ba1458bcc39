"""A clock for stamping events, which never runs backwards and rejects times in the future."""

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

    floor : µs; the latest stamp of an earlier process, `EventLog.last_stamp()`. All stamps are later than it, even
            where the machine starts with its clock at 1970
    wall  : ns since 1970 UTC; the machine's clock

    Histories are ordered by time. If the machine's clock were set back, a user's last event would sort before the
    first; so this clock advances by 1 µs per call until the machine's clock has caught up.
    """

    def __init__(self, floor: int = 0, *, wall: Callable[[], int] = time.time_ns) -> None:
        self._wall = wall
        self._latest = floor
        self._lock = Lock()

    def now(self) -> int:
        """µs since 1970 UTC, later than all times returned before."""
        with self._lock:
            self._latest = max(self._wall() // 1000, self._latest + 1)
            return self._latest

    def ahead(self, moment: int | None) -> str | None:
        """Why a time, in µs, is rejected as too far in the future, in one sentence; None if it is not."""
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
