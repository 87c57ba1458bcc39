"""What happened, as values, and what every event store promises."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

Status = Literal["accepted", "duplicate", "conflict", "rejected"]

DEFAULT_KIND = "interaction"
"""The kind of imported events that name none; `usual_kinds([])` means the same by it."""
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The µs since 1970 UTC that a date-time can be written for: the years 1 to 9999."""
LARGEST_VALUE = 1e30
"""Values are float32 from the data set on; beyond 3e38 they would be infinite."""


@dataclass(frozen=True, slots=True)
class Event:
    """One person did one thing to one item.

    id      : the client's name for this event; the same id never counts twice
    time    : µs since 1970 UTC; None where only the order is known
    value   : a rating, a share watched; 1 where nothing was said
    stamped : the client gave no time, and `time` is when we heard of it. A retry is stamped later: no conflict
    """

    id: str
    user: str
    item: str
    kind: str
    time: int | None = None
    value: float = 1.0
    stamped: bool = False

    def same_as(self, other: Event) -> bool:
        """Whether the client said the same thing twice."""
        return self._said() == other._said()

    def _said(self) -> tuple[object, ...]:
        return self.user, self.item, self.kind, self.value, self.stamped, None if self.stamped else self.time


class Outcome(NamedTuple):
    """What became of one event.

    accepted  : on disk, for good
    duplicate : it was there already; nothing changed
    conflict  : its id belongs to another event; nothing changed
    rejected  : it is not an event; `why` says what is wrong
    """

    status: Status
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What one person did, oldest first: four lists of one length."""

    item: list[str]
    kind: list[str]
    time: list[int | None]
    value: list[float]

    def __len__(self) -> int:
        return len(self.item)


class EventStore(Protocol):
    """Keeps every event once, for good. All methods may be called from any thread.

    A person's history is ordered by (time, seq): events without a time come first, in the order they arrived.
    """

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        """Keep new events, all of them in one durable transaction: what is acknowledged is on disk.

        returns : one outcome per event, in order
        """
        ...

    def import_frame(self, frame: pl.DataFrame) -> int:
        """Keep a table of events; rows that are there already, from an earlier import, are not added again.

        frame   : columns user, item; optionally kind, time (Datetime, naive as UTC, or whole µs), value
        returns : how many were new
        """
        ...

    def history(self, user: str, last: int | None = None) -> Past:
        """What a person did, or the `last` events of it, oldest first; empty for people without events."""
        ...

    def count(self, user: str) -> int:
        """How many events a person has."""
        ...

    def frame(self, after: int = 0) -> pl.DataFrame:
        """The log behind position `after`: columns seq, user, item, kind, time (µs), value, in order of seq."""
        ...

    @property
    def position(self) -> int:
        """seq of the last event, 0 while there is none; seq rises, with gaps."""
        ...

    def users(self, n: int) -> list[tuple[str, int]]:
        """(user, number of events) of the n people who were active last, by (latest time, latest seq)."""
        ...

    def close(self) -> None: ...


def problem(event: Event) -> str | None:
    """What is wrong with an event, in one sentence; None if nothing is."""
    for field in ("id", "user", "item", "kind"):
        text = getattr(event, field)
        if not text:
            return f"'{field}' is empty; give a name."
        if not text.isascii() and not _encodable(text):
            return f"'{field}' is not valid Unicode; send UTF-8."
    if event.time is not None and not EARLIEST <= event.time <= LATEST:
        return f"'time' {event.time} is outside the years 1 to 9999; give µs since 1970 UTC."
    if not math.isfinite(event.value) or abs(event.value) > LARGEST_VALUE:
        return f"'value' {event.value} is not a finite number up to {LARGEST_VALUE:g}."
    return None


def conflict(event_id: str) -> Outcome:
    return Outcome("conflict", f"The id '{event_id}' belongs to another event; give each event an id of its own.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which no file can hold
        return False
    return True
