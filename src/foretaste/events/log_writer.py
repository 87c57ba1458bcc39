"""The write path of an event log, the same for every database: names to codes, ids to keys, each event once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import polars as pl

from foretaste.events.event_frames import EXPORTED
from foretaste.events.model import Event, Outcome, conflict, problem
from foretaste.events.retention import rejection_reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from foretaste.privacy.keys import Keys

CACHED_NAMES = 200_000
"""Size of the cache of codes, for users, items and kinds each."""
ACCEPTED, DUPLICATE = Outcome("accepted"), Outcome("duplicate")

Named = Literal["user", "item", "kind"]
NAMED: tuple[Named, ...] = ("user", "item", "kind")
"""Columns of the log that hold codes, whose names are in a table of their own."""
Row = tuple[bytes, int, int, int, int | None, float, bool, str | None]
"""id, user, item, kind, time, value, stamped, context."""


class Removals(NamedTuple):
    """What has been removed from a store for good, and so may not be written again.

    epoch      : how often anything was removed; the rest changes only together with it
    floor      : µs since 1970 UTC; everything older was removed by age. None where nothing was
    any_gone   : whether single events were removed
    any_erased : whether people were erased
    """

    epoch: int
    floor: int | None
    any_gone: bool
    any_erased: bool


class LogTables(Protocol):
    """What the log writer needs of a database, always within a transaction of its only writer.

    Users are named by pseudonym (bytes), items and kinds by name.
    """

    def removals(self) -> Removals: ...

    def among(self, table: Literal["event", "gone"], ids: Sequence[bytes]) -> set[bytes]:
        """The ids that are in the table."""
        ...

    def event(self, event_id: bytes) -> tuple[bytes, str, str, int | None, float, bool, str | None]:
        """Pseudonym, item, kind, time, value, stamped and context of an event that is in the log."""
        ...

    def erased_at(self, mark: bytes) -> int | None: ...

    def known(self, of: Named, labels: Sequence[Any]) -> dict[Any, int]:
        """Pseudonym or name → code, of those that have a code."""
        ...

    def add(self, of: Named, rows: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
        """New codes, for rows of (pseudonym, sealed id) of users, or of (name,) of items and kinds."""
        ...

    def insert(self, rows: Iterable[Row]) -> None:
        """Append rows to the log under the next seqs, in this order."""
        ...


class LogWriter:
    """Appends events, and caches codes and removals between transactions.

    Every removal raises the epoch of the store in its own transaction, so the cache is valid as long as the epoch is
    the same, however many processes write.
    """

    def __init__(self, tables: LogTables, keys: Keys) -> None:
        self.tables = tables
        self.keys = keys
        self._removals = Removals(-1, None, False, False)
        self._codes: dict[Named, dict[str, int]] = {"user": {}, "item": {}, "kind": {}}

    def forget(self) -> None:
        """Clear the cache, after a transaction was rolled back."""
        self._removals = Removals(-1, None, False, False)
        for codes in self._codes.values():
            codes.clear()

    def _refresh(self) -> None:
        rules = self.tables.removals()
        if rules.epoch != self._removals.epoch:
            self.forget()
        self._removals = rules

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        self._refresh()
        wrong = [problem(event) for event in events]
        keys = [b"" if why else self.keys.event(e.id.encode()) for e, why in zip(events, wrong, strict=True)]
        known = self.tables.among("event", keys)
        gone = self.tables.among("gone", keys) if self._removals.any_gone else ()
        batch: dict[bytes, Event] = {}
        new, outcomes = [], []
        for event, key, why in zip(events, keys, wrong, strict=True):
            if why is None and (key in known or key in batch):
                there = batch.get(key) or self._kept(key, event)
                outcomes.append(DUPLICATE if there.same_as(event) else conflict(event.id))
            elif key in gone:
                outcomes.append(DUPLICATE)
            elif (why := why or rejection_reason(event, self._removals.floor, self._erased_at(event.user))) is not None:
                outcomes.append(Outcome("rejected", why))
            else:
                batch[key] = event
                new.append((key, event))
                outcomes.append(ACCEPTED)
        if new:
            self._insert(new)
        return outcomes

    def _insert(self, new: list[tuple[bytes, Event]]) -> None:
        users, items, kinds = (self.codes(of, [getattr(event, of) for _, event in new]) for of in NAMED)
        self.tables.insert(
            (key, user, item, kind, e.time, e.value, e.stamped, e.context)
            for (key, e), user, item, kind in zip(new, users, items, kinds, strict=True)
        )

    def import_chunk(self, ids: Sequence[bytes], chunk: pl.DataFrame) -> int:
        """Append rows as `with_ids` gives them; returns how many were new."""
        self._refresh()
        keys = [i[1:] if i.startswith(EXPORTED) else self.keys.event(i) for i in ids]
        chunk = chunk.with_columns(pl.Series("id", keys, pl.Binary)).unique("id", keep="first", maintain_order=True)
        chunk = self._without_removed(_without(chunk, self.tables.among("event", keys)))
        coded = [self._column(of, chunk[of]) for of in NAMED]
        rest = [chunk[name] for name in ("time", "value", "stamped", "context")]
        self.tables.insert(zip(*(column.to_list() for column in (chunk["id"], *coded, *rest)), strict=True))
        return len(chunk)

    def person(self, user: str) -> int:
        """The code of a user, a new one if they have none; the code of an erased user is never used again."""
        self._refresh()
        return self.codes("user", [user])[0]

    def codes(self, of: Named, names: Sequence[str]) -> list[int]:
        """The codes of names; those without one get a new one."""
        cached = self._codes[of]
        if new := {name for name in names if name not in cached}:
            if len(cached) + len(new) > CACHED_NAMES:
                cached.clear()
                new = set(names)
            self._cache_codes(of, sorted(new))
        return [cached[name] for name in names]

    def _cache_codes(self, of: Named, names: list[str]) -> None:
        """Cache the codes of names, and give new ones to unknown names, in few statements."""
        labels: list[Any] = [self.keys.pseudonym(name) for name in names] if of == "user" else names
        found = self.tables.known(of, labels)
        unknown = [(name, s) for name, s in zip(names, labels, strict=True) if s not in found]
        if unknown:
            people = of == "user"
            rows = [(s, self.keys.seal(name, s)) if people else (s,) for name, s in unknown]
            found |= self.tables.add(of, rows)
        self._codes[of].update((name, found[s]) for name, s in zip(names, labels, strict=True))

    def _kept(self, key: bytes, event: Event) -> Event:
        """The event of that key; its user is compared by pseudonym, so no sealed name is decrypted."""
        pseudonym, item, kind, time, value, stamped, context = self.tables.event(key)
        user = event.user if pseudonym == self.keys.pseudonym(event.user) else ""
        return Event(event.id, user, item, kind, time, value, stamped, context)

    def _erased_at(self, user: str) -> int | None:
        return self.tables.erased_at(self.keys.erased(user)) if self._removals.any_erased else None

    def _without_removed(self, chunk: pl.DataFrame) -> pl.DataFrame:
        if self._removals.floor is not None:
            chunk = chunk.filter(pl.col("time").is_null() | (pl.col("time") >= self._removals.floor))
        if self._removals.any_gone:
            chunk = _without(chunk, self.tables.among("gone", chunk["id"].to_list()))
        if self._removals.any_erased:
            people = chunk["user"].unique()
            at = pl.Series("erased_at", [self._erased_at(user) for user in people], pl.Int64)
            chunk = chunk.join(pl.DataFrame([people, at]), on="user", how="left", maintain_order="left")
            chunk = chunk.filter(pl.col("erased_at").is_null() | (pl.col("time") > pl.col("erased_at")))
        return chunk

    def _column(self, of: Named, names: pl.Series) -> pl.Series:
        distinct = names.unique(maintain_order=True)
        codes = pl.Series("code", self.codes(of, distinct.to_list()), pl.Int64)
        table = pl.DataFrame([distinct, codes])
        return names.to_frame().join(table, on=of, how="left", maintain_order="left")["code"]


def _without(chunk: pl.DataFrame, ids: Collection[bytes]) -> pl.DataFrame:
    return chunk.filter(~pl.col("id").is_in(pl.Series([*ids], dtype=pl.Binary).implode())) if ids else chunk
