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
    """Every event once, for good; a person's history is ordered by (time, seq).

    Events without a time come first, in the order they arrived.
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


class LiveCatalogue(Protocol):
    """The items as they are now: put, hidden, shown again, deleted. Every change has a rising number."""

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


class PeopleTable(Protocol):
    """What is known of people beside their events, as columns of JSON values."""

    def put_user(self, user: str, columns: Mapping[str, Any]) -> None:
        """Keep what is known of a person, as JSON values."""
        ...

    def user(self, user: str) -> dict[str, Any] | None:
        """What is known of a person; None if the store has never heard of them."""
        ...

    def user_columns(self) -> dict[str, dict[str, Any]]:
        """What is known of everybody, by name: people of whom `put_user` said something. For training."""
        ...


class Erasable(Protocol):
    """What the law and people themselves may ask of a store: a copy of all that is held, and its removal for good."""

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


class EventStore(EventLog, LiveCatalogue, PeopleTable, Erasable, Protocol):
    """A whole store, for whoever opens it: one database keeps all four, so that an erasure reaches everything."""

    def close(self) -> None:
        """Let go of files and connections; what was acknowledged is on disk already."""
        ...
