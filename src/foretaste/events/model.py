"""What happened, as values, and what every event store promises."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from foretaste.privacy.receipt import Receipt

Status = Literal["accepted", "duplicate", "conflict", "rejected"]

DEFAULT_KIND = "interaction"
"""The kind of imported events that name none; `usual_kinds([])` means the same by it."""
SEARCHED = "searched for"
"""The kind of a search; its item is what was searched for. It has a space, so that no kind of a shop's own is it."""
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
    context : whatever else belongs to it, as JSON text: the recommendation it answers, place in the list, session
    """

    id: str
    user: str
    item: str
    kind: str
    time: int | None = None
    value: float = 1.0
    stamped: bool = False
    context: str | None = None

    def same_as(self, other: Event) -> bool:
        """Whether the client said the same thing twice."""
        return self._said() == other._said()

    def _said(self) -> tuple[object, ...]:
        time = None if self.stamped else self.time
        return self.user, self.item, self.kind, self.value, self.stamped, time, self.context


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
    """What one person did, oldest first: four lists of one length.

    upto : the latest place in the log among them, 0 where there is none: `history(until=upto)` gives them again
    """

    item: list[str]
    kind: list[str]
    time: list[int | None]
    value: list[float]
    upto: int = field(default=0, compare=False)

    def __len__(self) -> int:
        return len(self.item)


class Logged(NamedTuple):
    """One event as the log has it."""

    seq: int
    user: str
    item: str
    kind: str
    time: int | None
    value: float


class ItemRecord(NamedTuple):
    """One item of the live catalogue.

    columns : all that is known of it, as JSON values
    change  : place of its latest change among all changes of the catalogue; rises, with gaps
    """

    name: str
    columns: dict[str, Any]
    hidden: bool
    deleted: bool
    change: int


class Mark(NamedTuple):
    """How far somebody has followed a store; the default is its very beginning.

    seq    : of the last event seen
    change : of the last item seen
    epoch  : how often histories had been rewritten by then
    """

    seq: int = 0
    change: int = 0
    epoch: int = 0


class News(NamedTuple):
    """What happened behind a mark.

    events    : in order of seq; as many as the limit if there are more to ask for
    items     : new, changed, hidden and deleted ones, in order of change
    mark      : where to go on from
    forgotten : histories were rewritten (an erasure, a removed entry); whatever was derived from one is out of date
    """

    events: list[Logged]
    items: list[ItemRecord]
    mark: Mark
    forgotten: bool


class EventStore(Protocol):
    """Keeps every event once, for good. All methods may be called from any thread.

    A person's history is ordered by (time, seq): events without a time come first, in the order they arrived.
    Any method raises StoreUnavailableError while the store cannot be reached, StoreFullError when its disk is full
    (and then nothing of that call is kept), StoreError when it is damaged or closed; the next call tries afresh.
    """

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        """Keep new events, all of them in one durable transaction: what is acknowledged is on disk.

        returns : one outcome per event, in order
        """
        ...

    def import_frame(self, frame: pl.DataFrame) -> int:
        """Keep a table of events; rows that are there already, from an earlier import, are not added again.

        Left out as well is what was removed on purpose: events of erased people, forgotten entries, retention.

        frame   : columns user, item; optionally kind, time (Datetime, naive as UTC, or whole µs), value, and id (32
                  hex digits as `export` writes them, null for none)
        returns : how many were new
        """
        ...

    def history(self, user: str, last: int | None = None, until: int | None = None) -> Past:
        """What a person did, or the `last` events of it, oldest first; empty for people without events.

        until : a place in the log; what was written behind it, whenever it happened, is not looked at
        """
        ...

    def count(self, user: str) -> int:
        """How many events a person has."""
        ...

    def frame(self, after: int = 0, limit: int | None = None, whole: bool = False) -> pl.DataFrame:
        """The log behind position `after`, at most `limit` rows of it: seq, user, item, kind, time (µs), value.

        whole : with the columns id (the store's own, 32 hex digits), stamped and context besides
        """
        ...

    @property
    def position(self) -> int:
        """seq of the last event that was kept, 0 while there is none; seq rises, with gaps, and is never used twice."""
        ...

    def users(self, n: int) -> list[tuple[str, int]]:
        """(user, number of events) of the n people who were active last, by (time, seq) of their latest event."""
        ...

    def last_stamp(self) -> int:
        """The latest time, in µs, at which the store's own side stamped one of the last 1,000 events; 0 for never."""
        ...

    def mark(self) -> Mark:
        """The present moment, to follow the store from here on."""
        ...

    def follow(self, after: Mark, limit: int = 10_000) -> News:
        """What came behind a mark, whoever wrote it; cheap when nothing did."""
        ...

    def put_items(self, items: Mapping[str, Mapping[str, Any]]) -> list[ItemRecord]:
        """Keep what is known of items (name → columns, JSON values), all or none; a deleted one is there again."""
        ...

    def hide_item(self, name: str, hidden: bool = True) -> ItemRecord | None:
        """Hide an item from every list, or show it again; None if the catalogue has no such item."""
        ...

    def delete_item(self, name: str) -> ItemRecord | None:
        """Take an item out of the catalogue; the events it is in stay. None if the catalogue has no such item."""
        ...

    def item(self, name: str) -> ItemRecord | None:
        """One item of the catalogue, also when it is hidden or deleted."""
        ...

    def items(self, after: int = 0) -> list[ItemRecord]:
        """Every item whose latest change lies behind `after`, in order of change."""
        ...

    def put_user(self, user: str, columns: Mapping[str, Any]) -> None:
        """Keep what is known of a person, as JSON values."""
        ...

    def user(self, user: str) -> dict[str, Any] | None:
        """What is known of a person; None if the store has never heard of them."""
        ...

    def user_columns(self) -> dict[str, dict[str, Any]]:
        """What is known of everybody, by name: people of whom `put_user` said something. For training."""
        ...

    def export_person(self, user: str) -> dict[str, Any] | None:
        """All that is held on one person, JSON-ready: user, columns, events; None where nothing is held."""
        ...

    def erase(self, user: str) -> Receipt:
        """Remove every trace of a person; afterwards no byte of the store leads back to them.

        What stays is one keyed mark, which keeps imports and late retries of what they did before from bringing
        them back. Events of a later time are kept again: they came back themselves.
        """
        ...

    def forget(self, user: str, item: str, kind: str | None = None, time: int | None = None) -> int:
        """Remove the entries of a history that match; they do not come back. Returns how many there were."""
        ...

    def reset(self, user: str) -> int:
        """Remove all of a history; what `put_user` said of the person stays. Returns how many events there were."""
        ...

    def forget_before(self, time: int) -> int:
        """Remove every event older than a time (µs), and refuse such events from now on; returns how many there were.

        Events without a time stay. People of whom nothing is left are removed too.
        """
        ...

    def close(self) -> None: ...


def problem(event: Event) -> str | None:
    """What is wrong with an event, in one sentence; None if nothing is."""
    for name in ("id", "user", "item", "kind"):
        text = getattr(event, name)
        if not text:
            return f"'{name}' is empty; give a name."
        if not text.isascii() and not _encodable(text):
            return f"'{name}' is not valid Unicode; send UTF-8."
    if event.context is not None and not _encodable(event.context):
        return "'context' is not valid Unicode; send UTF-8."
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
