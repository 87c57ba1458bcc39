"""What an event store promises, one protocol per job; `EventStore` is all of them together.

A function asks for the smallest protocol that it needs. Whatever the job, all methods may be called from any thread,
and any method raises StoreUnavailableError while the store cannot be reached, StoreFullError when its disk is full
(and then nothing of that call is kept), StoreError when it is damaged or closed; the next call tries afresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from foretaste.events.model import Event, ItemRecord, Mark, News, Outcome, Past
    from foretaste.privacy.receipt import Receipt


class EventLog(Protocol):
    """An append-only log that keeps every event once.

    The history of a user is ordered by (time, seq); events without a time come first, in the order they arrived.
    """

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        """Append new events in one durable transaction: when it returns, they are on disk.

        returns : one outcome per event, in order
        """
        ...

    def import_frame(self, frame: pl.DataFrame) -> int:
        """Append a table of events; rows that an earlier import has added are left out.

        So are rows that were removed on purpose: events of erased users, forgotten entries, events older than the
        retention time.

        frame   : columns user, item; optionally kind, time (Datetime, naive as UTC, or whole µs), value, and id (32
                  hex digits as `export_log` writes them, null for none)
        returns : how many rows were new
        """
        ...

    def history(self, user: str, last: int | None = None, until: int | None = None) -> Past:
        """The events of a user, or the `last` of them, oldest first; empty for users without events.

        until : a position in the log; events appended after it are left out, whatever their time
        """
        ...

    def count(self, user: str) -> int:
        """Number of events of a user."""
        ...

    def frame(self, after: int = 0, limit: int | None = None, whole: bool = False) -> pl.DataFrame:
        """The log after position `after`, at most `limit` rows of it: seq, user, item, kind, time (µs), value.

        whole : with the further columns id (the store's own, 32 hex digits), stamped and context
        """
        ...

    @property
    def position(self) -> int:
        """seq of the last event, 0 while there is none; seq rises, with gaps, and is never used twice."""
        ...

    def users(self, n: int) -> list[tuple[str, int]]:
        """(user, number of events) of the n most recently active users, by (time, seq) of their latest event."""
        ...

    def last_stamp(self) -> int:
        """The latest time, in µs, that the service stamped on one of the last 1,000 events; 0 for none."""
        ...

    def mark(self) -> Mark:
        """The mark of the latest event and change, to follow the store from here on."""
        ...

    def follow(self, after: Mark, limit: int = 10_000) -> News:
        """The events and changes of items after a mark, of all writers; cheap when there are none."""
        ...


class LiveCatalogue(Protocol):
    """The items as they are now: put, hidden, shown again, deleted. Every change has a rising number."""

    def put_items(self, items: Mapping[str, Mapping[str, Any]]) -> list[ItemRecord]:
        """Write the attributes of items (name → columns, JSON values), all or none; this restores deleted items."""
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


class PeopleTable(Protocol):
    """The attributes of users, as columns of JSON values."""

    def put_user(self, user: str, columns: Mapping[str, Any]) -> None:
        """Write the attributes of a user, as JSON values, in place of those before."""
        ...

    def user(self, user: str) -> dict[str, Any] | None:
        """The attributes of a user; {} if only events are known, None if nothing is."""
        ...

    def user_columns(self) -> dict[str, dict[str, Any]]:
        """User name → attributes, of all users that `put_user` wrote some of. For training."""
        ...


class Erasable(Protocol):
    """The rights of the people in a store: export of all that is held on them, and its removal."""

    def export_person(self, user: str) -> dict[str, Any] | None:
        """Everything held on one user as JSON values: user, columns, events; None where nothing is held."""
        ...

    def erase(self, user: str) -> Receipt:
        """Remove every trace of a user; afterwards no byte of the store leads back to them.

        Only a keyed mark stays, by which imports and late retries of their earlier events are rejected. Events of a
        later time are accepted again, because the user has come back.
        """
        ...

    def forget(self, user: str, item: str, kind: str | None = None, time: int | None = None) -> int:
        """Remove the matching events of a history and reject them from now on; returns how many there were."""
        ...

    def reset(self, user: str) -> int:
        """Remove a whole history; the attributes of the user stay. Returns how many events there were."""
        ...

    def forget_before(self, time: int) -> int:
        """Remove all events older than a time (µs) and reject such events from now on; returns how many there were.

        Events without a time stay. Users of whom nothing is left are removed too.
        """
        ...


class EventStore(EventLog, LiveCatalogue, PeopleTable, Erasable, Protocol):
    """A whole store, for whoever opens it: one database keeps all four, so that an erasure reaches everything."""

    def close(self) -> None:
        """Let go of files and connections; what was acknowledged is on disk already."""
        ...
