"""An event store in memory: for tests and trials, gone when the process ends."""

from __future__ import annotations

from bisect import insort
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from foretaste.events.model import Event, Outcome, Past, conflict, problem
from foretaste.events.tables import LOG_SCHEMA, plain_events, with_ids

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Place(NamedTuple):
    """Where an event stands in its person's history; what has no time comes first."""

    timed: bool
    time: int
    seq: int


class MemoryStore:
    def __init__(self) -> None:
        self._lock = Lock()
        self._log: list[Event] = []  # seq is the index, from 1
        self._by_id: dict[str | bytes, Event] = {}
        self._places: dict[str, list[_Place]] = {}

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        with self._lock:
            return [self._keep(event.id, event) for event in events]

    def import_frame(self, frame: pl.DataFrame) -> int:
        new = 0
        for ids, chunk in with_ids(plain_events(frame)):
            with self._lock:
                for key, (user, item, kind, time, value) in zip(ids, chunk.iter_rows(), strict=True):
                    new += self._keep(key, Event("imported", user, item, kind, time, value)).status == "accepted"
        return new

    def _keep(self, key: str | bytes, event: Event) -> Outcome:
        if (why := problem(event)) is not None:
            return Outcome("rejected", why)
        if (there := self._by_id.get(key)) is not None:
            return Outcome("duplicate") if there.same_as(event) else conflict(event.id)
        self._log.append(event)
        self._by_id[key] = event
        place = _Place(event.time is not None, event.time or 0, len(self._log))
        insort(self._places.setdefault(event.user, []), place)
        return Outcome("accepted")

    def history(self, user: str, last: int | None = None) -> Past:
        with self._lock:
            places = self._places.get(user, [])
            first = 0 if last is None else max(0, len(places) - last)
            events = [self._log[place.seq - 1] for place in places[first:]]
        return Past(
            [event.item for event in events],
            [event.kind for event in events],
            [event.time for event in events],
            [event.value for event in events],
        )

    def count(self, user: str) -> int:
        return len(self._places.get(user, ()))

    def frame(self, after: int = 0) -> pl.DataFrame:
        with self._lock:
            events = self._log[after:]
        rows = [(after + i, e.user, e.item, e.kind, e.time, e.value) for i, e in enumerate(events, 1)]
        return pl.DataFrame(rows, LOG_SCHEMA, orient="row")

    @property
    def position(self) -> int:
        return len(self._log)

    def users(self, n: int) -> list[tuple[str, int]]:
        with self._lock:
            latest = {
                user: (places[-1][:2], max(place.seq for place in places)) for user, places in self._places.items()
            }
            return [
                (user, len(self._places[user])) for user in sorted(latest, key=lambda u: latest[u], reverse=True)[:n]
            ]

    def close(self) -> None:
        """Nothing to let go of."""
