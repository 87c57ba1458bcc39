"""Queries on a log in PostgreSQL, on any connection to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.events.event_frames import LOG_SCHEMA, WHOLE_SCHEMA
from foretaste.events.model import ItemRecord, Logged, Mark, News, Past

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from foretaste.privacy.keys import Keys

    Connection = psycopg.Connection[Any]

ROWS_AT_ONCE = 100_000
NO_END = (1 << 63) - 1

HISTORY = """
    SELECT item.name, kind.name, time, value, seq FROM (
        SELECT item, kind, time, seq, value FROM event
        WHERE "user" = (SELECT "user" FROM person WHERE pseudonym = %s) AND seq <= %s
        ORDER BY time DESC NULLS LAST, seq DESC LIMIT %s
    ) AS last JOIN item USING (item) JOIN kind USING (kind) ORDER BY time NULLS FIRST, seq
"""
OF_PERSON = """
    SELECT item.name, kind.name, time, value, context FROM event JOIN item USING (item) JOIN kind USING (kind)
    WHERE "user" = (SELECT "user" FROM person WHERE pseudonym = %s) ORDER BY time NULLS FIRST, seq
"""
TOLD = "SELECT pseudonym, sealed, columns FROM person WHERE columns IS NOT NULL"
COUNT = 'SELECT count(*) FROM event WHERE "user" = (SELECT "user" FROM person WHERE pseudonym = %s)'
LATELY = 'SELECT "user" FROM event ORDER BY time DESC NULLS LAST, seq DESC'
PEOPLE = """
    SELECT "user", pseudonym, sealed, (SELECT count(*) FROM event WHERE event."user" = person."user")
    FROM person WHERE "user" = ANY(%s)
"""
LOG = """
    SELECT seq, "user", item, kind, time, value, id, stamped, context FROM event
    WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s
"""
NEWS = """
    SELECT seq, pseudonym, sealed, item.name, kind.name, time, value
    FROM event JOIN person USING ("user") JOIN item USING (item) JOIN kind USING (kind)
    WHERE seq > %s ORDER BY seq LIMIT %s
"""
MARK = """
    SELECT (SELECT number FROM meta WHERE name = 'seq'), (SELECT number FROM meta WHERE name = 'change'),
           (SELECT number FROM meta WHERE name = 'epoch')
"""
STAMP = """
    SELECT coalesce(max(time), 0) FROM (SELECT time, stamped FROM event ORDER BY seq DESC LIMIT 1000) AS late
    WHERE stamped
"""
ITEM_COLUMNS = "name, columns, hidden, deleted, changed"


class PostgresReader:
    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def history(self, reader: Connection, user: str, last: int | None, until: int | None) -> Past:
        asked = (self.keys.pseudonym(user), NO_END if until is None else until, last)
        rows = reader.execute(HISTORY, asked, binary=True).fetchall()
        items, kinds, times, values, seqs = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        names = [i.decode() for i in items], [k.decode() for k in kinds]
        return Past(*names, list(times), list(values), max(seqs, default=0))

    def count(self, reader: Connection, user: str) -> int:
        return _one(reader, COUNT, self.keys.pseudonym(user))[0]

    def users(self, reader: Connection, n: int) -> list[tuple[str, int]]:
        """The log is read backwards, through a cursor on the server, until n users have been found."""
        met: dict[int, None] = {}
        with reader.cursor("lately") as found:
            found.itersize = max(4 * n, 100)
            found.execute(LATELY)
            while len(met) < n and (row := found.fetchone()) is not None:
                met[row[0]] = None
        rows = reader.execute(PEOPLE, (list(met),), binary=True)
        people = {code: (self.keys.unseal(sealed, pseudonym), events) for code, pseudonym, sealed, events in rows}
        return [people[code] for code in met]

    def frame(self, reader: Connection, after: int, limit: int | None, whole: bool) -> pl.DataFrame:
        schema = WHOLE_SCHEMA if whole else LOG_SCHEMA
        position = self.mark(reader).seq
        names: dict[str, dict[int, str]] = {"user": {}, "item": {}, "kind": {}}
        parts = [pl.DataFrame(schema=schema)]
        while limit is None or limit > 0:
            at_once = ROWS_AT_ONCE if limit is None else min(limit, ROWS_AT_ONCE)
            rows = reader.execute(LOG, (after, position, at_once), binary=True).fetchall()
            if not rows:
                break
            columns = dict(zip(WHOLE_SCHEMA, zip(*rows, strict=True), strict=True))
            part = []
            for name, dtype in schema.items():
                values: Sequence[Any] = columns[name]
                if name in names:
                    self._learn(reader, name, set(values) - names[name].keys(), names[name])
                    values = [names[name][code] for code in values]
                elif name == "id":
                    values = [key.hex() for key in values]
                elif name == "context":
                    values = [None if text is None else text.decode() for text in values]
                part.append(pl.Series(name, values, dtype))
            parts.append(pl.DataFrame(part))
            after = rows[-1][0]
            limit = None if limit is None else limit - len(rows)
        return pl.concat(parts)

    def _learn(self, reader: Connection, of: str, codes: set[int], names: dict[int, str]) -> None:
        if not codes:
            return
        if of == "user":
            find = 'SELECT "user", pseudonym, sealed FROM person WHERE "user" = ANY(%s)'
            rows = reader.execute(find, (list(codes),), binary=True)
            names.update((code, self.keys.unseal(sealed, pseudonym)) for code, pseudonym, sealed in rows)
        else:
            found = reader.execute(f"SELECT {of}, name FROM {of} WHERE {of} = ANY(%s)", (list(codes),), binary=True)
            names.update((code, name.decode()) for code, name in found)

    def mark(self, reader: Connection) -> Mark:
        return Mark(*_one(reader, MARK))

    def last_stamp(self, reader: Connection) -> int:
        return _one(reader, STAMP)[0]

    def follow(self, reader: Connection, after: Mark, limit: int) -> News:
        mark = self.mark(reader)
        if mark == after:
            return News([], [], mark, False)
        events = [
            Logged(seq, self.keys.unseal(sealed, pseudonym), item.decode(), kind.decode(), time, value)
            for seq, pseudonym, sealed, item, kind, time, value in reader.execute(NEWS, (after.seq, limit), binary=True)
        ]
        if len(events) == limit:
            mark = mark._replace(seq=events[-1].seq)
        return News(events, self.items(reader, after.change), mark, mark.epoch != after.epoch)

    def items(self, reader: Connection, after: int) -> list[ItemRecord]:
        rows = reader.execute(f"SELECT {ITEM_COLUMNS} FROM item WHERE changed > %s ORDER BY changed", (after,))
        return [item_record(row) for row in rows]

    def user(self, reader: Connection, user: str) -> dict[str, Any] | None:
        pseudonym = self.keys.pseudonym(user)
        row = reader.execute("SELECT columns FROM person WHERE pseudonym = %s", (pseudonym,)).fetchone()
        if row is None:
            return None
        return {} if row[0] is None else json.loads(self.keys.unseal(row[0], pseudonym))

    def user_columns(self, reader: Connection) -> dict[str, dict[str, Any]]:
        found = {}
        for pseudonym, name, columns in reader.execute(TOLD, binary=True):
            if told := json.loads(self.keys.unseal(columns, pseudonym)):
                found[self.keys.unseal(name, pseudonym)] = told
        return found

    def events_of(self, reader: Connection, user: str) -> list[tuple[Any, ...]]:
        return [
            (item.decode(), kind.decode(), time, value, None if context is None else context.decode())
            for item, kind, time, value, context in reader.execute(OF_PERSON, (self.keys.pseudonym(user),), binary=True)
        ]


def item_record(row: Sequence[Any]) -> ItemRecord:
    name, columns, hidden, deleted, changed = row
    return ItemRecord(bytes(name).decode(), json.loads(columns) if columns else {}, hidden, deleted, changed)


def _one(reader: Connection, query: str, *values: Any) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = reader.execute(query, values, binary=True).fetchone()
    assert row is not None
    return row
