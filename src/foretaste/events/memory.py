"""The event store in memory, for tests and trials; nothing of it outlives the process."""

from __future__ import annotations

import json
from bisect import bisect_right, insort
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from foretaste.events.clock import now
from foretaste.events.event_frames import EXPORTED, LOG_SCHEMA, WHOLE_SCHEMA, plain_events, with_ids
from foretaste.events.model import (
    Event,
    ItemRecord,
    Logged,
    Mark,
    News,
    Outcome,
    Past,
    columns_as_json,
    conflict,
    problem,
)
from foretaste.events.person_export import person_document
from foretaste.events.retention import rejection_reason
from foretaste.privacy.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class _Place(NamedTuple):
    """Sort key of an event in its user's history; events without a time come first."""

    timed: bool
    time: int
    seq: int


class MemoryStore:
    def __init__(self) -> None:
        self._lock = Lock()
        self._log: dict[int, Event] = {}  # by seq, rising
        self._seq = 0
        self._by_id: dict[bytes, Event] = {}
        self._places: dict[str, list[_Place]] = {}
        self._items: dict[str, ItemRecord] = {}
        self._change = 0
        self._users: dict[str, str] = {}
        self._epoch = 0
        self._gone: set[bytes] = set()
        self._erased: dict[str, int] = {}
        self._floor: int | None = None

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        with self._lock:
            return [self._keep(event.id.encode(errors="surrogatepass"), event) for event in events]

    def import_frame(self, frame: pl.DataFrame) -> int:
        new = 0
        for ids, chunk in with_ids(plain_events(frame)):
            with self._lock:
                for given, row in zip(ids, chunk.iter_rows(), strict=True):
                    new += self._keep(given, Event("imported", *row)).status == "accepted"
        return new

    def _keep(self, given: bytes, event: Event) -> Outcome:
        if (why := problem(event)) is not None:
            return Outcome("rejected", why)
        key = given[1:] if given.startswith(EXPORTED) else blake2b(given, digest_size=16).digest()
        if (there := self._by_id.get(key)) is not None:
            return Outcome("duplicate") if there.same_as(event) else conflict(event.id)
        if key in self._gone:
            return Outcome("duplicate")
        if (why := rejection_reason(event, self._floor, self._erased.get(event.user))) is not None:
            return Outcome("rejected", why)
        self._seq += 1
        self._log[self._seq] = event
        self._by_id[key] = event
        place = _Place(event.time is not None, event.time or 0, self._seq)
        insort(self._places.setdefault(event.user, []), place)
        return Outcome("accepted")

    def history(self, user: str, last: int | None = None, until: int | None = None) -> Past:
        with self._lock:
            places = [place for place in self._places.get(user, []) if until is None or place.seq <= until]
            first = 0 if last is None else max(0, len(places) - last)
            events = [self._log[place.seq] for place in places[first:]]
        return Past(
            [event.item for event in events],
            [event.kind for event in events],
            [event.time for event in events],
            [event.value for event in events],
            max((place.seq for place in places[first:]), default=0),
        )

    def count(self, user: str) -> int:
        return len(self._places.get(user, ()))

    def frame(self, after: int = 0, limit: int | None = None, whole: bool = False) -> pl.DataFrame:
        rows = self._behind(after, limit)
        if not whole:
            return pl.DataFrame(rows, LOG_SCHEMA, orient="row")
        with self._lock:
            keys = {id(event): key.hex() for key, event in self._by_id.items()}
            events = [self._log[row.seq] for row in rows]
        more = [(keys[id(event)], event.stamped, event.context) for event in events]
        return pl.DataFrame([(*row, *rest) for row, rest in zip(rows, more, strict=True)], WHOLE_SCHEMA, orient="row")

    def _behind(self, after: int, limit: int | None) -> list[Logged]:
        with self._lock:
            seqs = list(self._log)
            start = bisect_right(seqs, after)
            chosen = seqs[start:] if limit is None else seqs[start : start + limit]
            events = [(seq, self._log[seq]) for seq in chosen]
        return [Logged(seq, e.user, e.item, e.kind, e.time, e.value) for seq, e in events]

    @property
    def position(self) -> int:
        return self._seq

    def users(self, n: int) -> list[tuple[str, int]]:
        with self._lock:
            latest = sorted(self._places, key=lambda user: self._places[user][-1], reverse=True)
            return [(user, len(self._places[user])) for user in latest[:n]]

    def last_stamp(self) -> int:
        with self._lock:
            return max((e.time or 0 for e in list(self._log.values())[-1000:] if e.stamped), default=0)

    def mark(self) -> Mark:
        with self._lock:
            return Mark(self._seq, self._change, self._epoch)

    def follow(self, after: Mark, limit: int = 10_000) -> News:
        with self._lock:
            change, epoch, position = self._change, self._epoch, self._seq
        events = [event for event in self._behind(after.seq, limit) if event.seq <= position]
        items = [item for item in self.items(after.change) if item.change <= change]
        seq = events[-1].seq if len(events) == limit else max(position, after.seq)
        return News(events, items, Mark(seq, change, epoch), epoch != after.epoch)

    def put_items(self, items: Mapping[str, Mapping[str, Any]]) -> list[ItemRecord]:
        texts = {name: columns_as_json(name, columns) for name, columns in items.items()}
        with self._lock:
            for name, text in texts.items():
                hidden = name in self._items and self._items[name].hidden
                self._changed(ItemRecord(name, json.loads(text), hidden, False, 0))
            return [self._items[name] for name in texts]

    def hide_item(self, name: str, hidden: bool = True) -> ItemRecord | None:
        return self._alter(name, lambda there: there._replace(hidden=hidden))

    def delete_item(self, name: str) -> ItemRecord | None:
        return self._alter(name, lambda there: there._replace(deleted=True, columns={}))

    def _alter(self, name: str, change: Callable[[ItemRecord], ItemRecord]) -> ItemRecord | None:
        with self._lock:
            there = self._items.get(name)
            return None if there is None else self._changed(change(there))

    def _changed(self, item: ItemRecord) -> ItemRecord:
        self._change += 1
        self._items[item.name] = item._replace(change=self._change)
        return self._items[item.name]

    def item(self, name: str) -> ItemRecord | None:
        return self._items.get(name)

    def items(self, after: int = 0) -> list[ItemRecord]:
        with self._lock:
            return sorted((item for item in self._items.values() if item.change > after), key=lambda item: item.change)

    def put_user(self, user: str, columns: Mapping[str, Any]) -> None:
        text = columns_as_json(user, columns)
        with self._lock:
            self._users[user] = text

    def user(self, user: str) -> dict[str, Any] | None:
        with self._lock:
            if user in self._users:
                return json.loads(self._users[user])
            return {} if user in self._places else None

    def user_columns(self) -> dict[str, dict[str, Any]]:
        with self._lock:
            found = {user: json.loads(text) for user, text in self._users.items()}
        return {user: columns for user, columns in found.items() if columns}

    def export_person(self, user: str) -> dict[str, Any] | None:
        with self._lock:
            events = [self._log[place.seq] for place in self._places.get(user, ())]
        return person_document(user, self.user(user), [(e.item, e.kind, e.time, e.value, e.context) for e in events])

    def erase(self, user: str) -> Receipt:
        with self._lock:
            person = int(user in self._places or user in self._users)
            events = self._remove(lambda _, event: event.user == user)
            self._erased[user] = now()
            columns = int(self._users.pop(user, None) is not None)
        return Receipt.of_log({"events": events, "person": person, "columns": columns})

    def forget(self, user: str, item: str, kind: str | None = None, time: int | None = None) -> int:
        def entry(_: int, event: Event) -> bool:
            return (
                (event.user, event.item) == (user, item)
                and (kind is None or event.kind == kind)
                and (time is None or event.time == time)
            )

        with self._lock:
            return self._remove(entry, for_good=True)

    def reset(self, user: str) -> int:
        with self._lock:
            return self._remove(lambda _, event: event.user == user, for_good=True)

    def forget_before(self, time: int) -> int:
        with self._lock:
            self._floor = time if self._floor is None else max(self._floor, time)
            return self._remove(lambda _, event: event.time is not None and event.time < time)

    def _remove(self, which: Callable[[int, Event], bool], for_good: bool = False) -> int:
        gone = {seq for seq, event in self._log.items() if which(seq, event)}
        events = {id(self._log[seq]) for seq in gone}
        ids = [key for key, event in self._by_id.items() if id(event) in events]
        for seq in gone:
            del self._log[seq]
        for key in ids:
            del self._by_id[key]
        if for_good:
            self._gone.update(ids)
        left = {user: [place for place in places if place.seq not in gone] for user, places in self._places.items()}
        self._places = {user: places for user, places in left.items() if places}
        self._epoch += 1
        return len(gone)

    def close(self) -> None:
        """Nothing to close."""
