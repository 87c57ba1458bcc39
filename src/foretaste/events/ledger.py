"""How events get into a log: names to codes, ids to keys, and nothing twice. The same for every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import polars as pl

from foretaste.events.model import Event, Outcome, conflict, problem
from foretaste.events.retention import rejection_reason
from foretaste.events.tables import EXPORTED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from foretaste.privacy.keys import Keys

CACHED_NAMES = 200_000
"""Codes of names kept at hand, of each kind."""
ACCEPTED, DUPLICATE = Outcome("accepted"), Outcome("duplicate")

Named = Literal["user", "item", "kind"]
NAMED: tuple[Named, ...] = ("user", "item", "kind")
"""What is kept as a code in the log, and by name in a table of its own."""
Row = tuple[bytes, int, int, int, int | None, float, bool, str | None]
"""id, user, item, kind, time, value, stamped, context."""


class Rules(NamedTuple):
    """What decides which events may come in; it changes only together with the epoch."""

    epoch: int
    floor: int | None
    any_gone: bool
    any_erased: bool


class Tables(Protocol):
    """What the ledger asks of a database, always within a transaction of the one writer there is.

    People are shown by pseudonym (bytes), items and kinds by name.
    """

    def rules(self) -> Rules: ...

    def among(self, table: Literal["event", "gone"], ids: Sequence[bytes]) -> set[bytes]:
        """Those of the ids that the table has."""
        ...

    def said(self, event_id: bytes) -> tuple[bytes, str, str, int | None, float, bool, str | None]:
        """Pseudonym, item, kind, time, value, stamped and context of an event that is there."""
        ...

    def erased_at(self, mark: bytes) -> int | None: ...

    def known(self, of: Named, shown: Sequence[Any]) -> dict[Any, int]:
        """The codes of those that have one."""
        ...

    def add(self, of: Named, rows: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
        """New codes for (pseudonym, sealed id) of people, or (name,) of the others."""
        ...

    def insert(self, rows: Iterable[Row]) -> None:
        """Under the next seqs, in this order."""
        ...


class Ledger:
    """What a writer does with events, and what it remembers of the store between its transactions.

    Whatever removes something raises the epoch of the store, in the same transaction, so that what is remembered
    here can be trusted as long as the epoch is the same, however many processes write.
    """

    def __init__(self, tables: Tables, keys: Keys) -> None:
        self.tables = tables
        self.keys = keys
        self._rules = Rules(-1, None, False, False)
        self._codes: dict[Named, dict[str, int]] = {"user": {}, "item": {}, "kind": {}}

    def forget(self) -> None:
        """Nothing remembered is true any more: a transaction was undone."""
        self._rules = Rules(-1, None, False, False)
        for codes in self._codes.values():
            codes.clear()

    def _refresh(self) -> None:
        rules = self.tables.rules()
        if rules.epoch != self._rules.epoch:
            self.forget()
        self._rules = rules

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        self._refresh()
        wrong = [problem(event) for event in events]
        keys = [b"" if why else self.keys.event(e.id.encode()) for e, why in zip(events, wrong, strict=True)]
        known = self.tables.among("event", keys)
        gone = self.tables.among("gone", keys) if self._rules.any_gone else ()
        said: dict[bytes, Event] = {}
        new, outcomes = [], []
        for event, key, why in zip(events, keys, wrong, strict=True):
            if why is None and (key in known or key in said):
                there = said.get(key) or self._said(key, event)
                outcomes.append(DUPLICATE if there.same_as(event) else conflict(event.id))
            elif key in gone:
                outcomes.append(DUPLICATE)
            elif (why := why or rejection_reason(event, self._rules.floor, self._erased_at(event.user))) is not None:
                outcomes.append(Outcome("rejected", why))
            else:
                said[key] = event
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
        """Rows as `with_ids` gives them; how many were new."""
        self._refresh()
        keys = [i[1:] if i.startswith(EXPORTED) else self.keys.event(i) for i in ids]
        chunk = chunk.with_columns(pl.Series("id", keys, pl.Binary)).unique("id", keep="first", maintain_order=True)
        chunk = self._without_what_was_removed(_without(chunk, self.tables.among("event", keys)))
        coded = [self._column(of, chunk[of]) for of in NAMED]
        rest = [chunk[name] for name in ("time", "value", "stamped", "context")]
        self.tables.insert(zip(*(column.to_list() for column in (chunk["id"], *coded, *rest)), strict=True))
        return len(chunk)

    def person(self, user: str) -> int:
        """The code of a person, handed out now to one that has none: an erased person's old one is never used again."""
        self._refresh()
        return self.codes("user", [user])[0]

    def codes(self, of: Named, names: Sequence[str]) -> list[int]:
        """The codes of names, handed out now to those that have none."""
        cached = self._codes[of]
        if new := {name for name in names if name not in cached}:
            if len(cached) + len(new) > CACHED_NAMES:
                cached.clear()
                new = set(names)
            self._learn(of, sorted(new))
        return [cached[name] for name in names]

    def _learn(self, of: Named, names: list[str]) -> None:
        """Look names up in few statements, and give codes to the rest in one."""
        shown: list[Any] = [self.keys.pseudonym(name) for name in names] if of == "user" else names
        found = self.tables.known(of, shown)
        unknown = [(name, s) for name, s in zip(names, shown, strict=True) if s not in found]
        if unknown:
            people = of == "user"
            rows = [(s, self.keys.seal(name, s)) if people else (s,) for name, s in unknown]
            found |= self.tables.add(of, rows)
        self._codes[of].update((name, found[s]) for name, s in zip(names, shown, strict=True))

    def _said(self, key: bytes, event: Event) -> Event:
        """The event of that key; its person is compared by pseudonym, nobody's seal is broken for it."""
        pseudonym, item, kind, time, value, stamped, context = self.tables.said(key)
        user = event.user if pseudonym == self.keys.pseudonym(event.user) else ""
        return Event(event.id, user, item, kind, time, value, stamped, context)

    def _erased_at(self, user: str) -> int | None:
        return self.tables.erased_at(self.keys.erased(user)) if self._rules.any_erased else None

    def _without_what_was_removed(self, chunk: pl.DataFrame) -> pl.DataFrame:
        if self._rules.floor is not None:
            chunk = chunk.filter(pl.col("time").is_null() | (pl.col("time") >= self._rules.floor))
        if self._rules.any_gone:
            chunk = _without(chunk, self.tables.among("gone", chunk["id"].to_list()))
        if self._rules.any_erased:
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
