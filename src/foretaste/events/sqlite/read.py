"""Queries on a SQLite log, on any connection to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.events.event_frames import LOG_SCHEMA, WHOLE_SCHEMA
from foretaste.events.model import ItemRecord, Logged, Mark, News, Past
from foretaste.events.sqlite.write import POSITION

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from foretaste.privacy.keys import Keys

ROWS_AT_ONCE = 100_000
NAMES_AT_ONCE = 500
NO_END = (1 << 63) - 1

HISTORY = """
    SELECT item.name, kind.name, time, value, seq FROM event JOIN item USING (item) JOIN kind USING (kind)
    WHERE user = (SELECT user FROM person WHERE pseudonym = ?) AND seq <= ? ORDER BY time DESC, seq DESC LIMIT ?
"""
TOLD = "SELECT pseudonym, sealed, columns FROM person WHERE columns IS NOT NULL"
COUNT = "SELECT count(*) FROM event WHERE user = (SELECT user FROM person WHERE pseudonym = ?)"
OF_PERSON = """
    SELECT item.name, kind.name, time, value, context FROM event JOIN item USING (item) JOIN kind USING (kind)
    WHERE user = ? ORDER BY time, seq
"""
LATELY = "SELECT user FROM event ORDER BY time DESC, seq DESC"
PERSON = (
    "SELECT pseudonym, sealed, (SELECT count(*) FROM event WHERE event.user = person.user) FROM person WHERE user = ?"
)
LOG = "SELECT {} FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
NEWS = """
    SELECT seq, person.pseudonym, person.sealed, item.name, kind.name, time, value
    FROM event JOIN person USING (user) JOIN item USING (item) JOIN kind USING (kind)
    WHERE seq > ? ORDER BY seq LIMIT ?
"""
MARK = f"""
    SELECT ({POSITION}), (SELECT coalesce(max(changed), 0) FROM item), (SELECT value FROM meta WHERE name = 'epoch')
"""
STAMP = (
    "SELECT coalesce(max(time), 0) FROM (SELECT time, stamped FROM event ORDER BY seq DESC LIMIT 1000) WHERE stamped"
)
ITEM_COLUMNS = "name, columns, hidden, deleted, changed"


class Reader:
    """Reads on the connections it is given; the keys decrypt the names."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def history(self, reader: sqlite3.Connection, user: str, last: int | None, until: int | None) -> Past:
        asked = (self.keys.pseudonym(user), NO_END if until is None else until, -1 if last is None else last)
        rows = reader.execute(HISTORY, asked).fetchall()
        items, kinds, times, values, seqs = zip(*reversed(rows), strict=True) if rows else ((), (), (), (), ())
        return Past(list(items), list(kinds), list(times), list(values), max(seqs, default=0))

    def users(self, reader: sqlite3.Connection, n: int) -> list[tuple[str, int]]:
        """The log is read backwards until n users have been found."""
        met: dict[int, None] = {}
        if n > 0:
            for (code,) in reader.execute(LATELY):
                met[code] = None
                if len(met) >= n:
                    break
        people = [reader.execute(PERSON, (code,)).fetchone() for code in met]
        return [(self.keys.unseal(sealed, pseudonym), events) for pseudonym, sealed, events in people]

    def count(self, reader: sqlite3.Connection, user: str) -> int:
        return reader.execute(COUNT, (self.keys.pseudonym(user),)).fetchone()[0]

    def frame(self, reader: sqlite3.Connection, after: int, limit: int | None, whole: bool) -> pl.DataFrame:
        """Within one transaction, so that all of it is read as of one moment."""
        schema = WHOLE_SCHEMA if whole else LOG_SCHEMA
        found = reader.execute(LOG.format(", ".join(schema)), (after, -1 if limit is None else limit))
        parts = [pl.DataFrame(schema=schema)]
        names: dict[str, dict[int, str]] = {"user": {}, "item": {}, "kind": {}}
        while rows := found.fetchmany(ROWS_AT_ONCE):
            columns = dict(zip(schema, zip(*rows, strict=True), strict=True))
            part = {}
            for name, values in columns.items():
                if name in names:
                    distinct = set(values)
                    self._learn(reader, name, distinct - names[name].keys(), names[name])
                    part[name] = _translated(name, values, {code: names[name][code] for code in distinct})
                elif name == "id":
                    part[name] = pl.Series(name, [key.hex() for key in values], pl.String)
                elif name == "stamped":
                    part[name] = pl.Series(name, values, pl.Int64).cast(pl.Boolean)
                else:
                    part[name] = pl.Series(name, values, schema[name])
            parts.append(pl.DataFrame(part))
        return pl.concat(parts)

    def _learn(self, reader: sqlite3.Connection, of: str, codes: Iterable[int], names: dict[int, str]) -> None:
        new = sorted(codes)
        for start in range(0, len(new), NAMES_AT_ONCE):
            some = new[start : start + NAMES_AT_ONCE]
            marks = ",".join("?" * len(some))
            if of == "user":
                rows = reader.execute(f"SELECT user, pseudonym, sealed FROM person WHERE user IN ({marks})", some)
                names.update((code, self.keys.unseal(sealed, pseudonym)) for code, pseudonym, sealed in rows)
            else:
                names.update(reader.execute(f"SELECT {of}, name FROM {of} WHERE {of} IN ({marks})", some).fetchall())

    def follow(self, reader: sqlite3.Connection, after: Mark, limit: int) -> News:
        mark = Mark(*reader.execute(MARK).fetchone())
        if mark == after:
            return News([], [], mark, False)
        events = [
            Logged(seq, self.keys.unseal(sealed, pseudonym), *rest)
            for seq, pseudonym, sealed, *rest in reader.execute(NEWS, (after.seq, limit))
        ]
        if len(events) == limit:
            mark = mark._replace(seq=events[-1].seq)
        return News(events, self.items(reader, after.change), mark, mark.epoch != after.epoch)

    def items(self, reader: sqlite3.Connection, after: int) -> list[ItemRecord]:
        rows = reader.execute(f"SELECT {ITEM_COLUMNS} FROM item WHERE changed > ? ORDER BY changed", (after,))
        return [item_record(row) for row in rows]

    def user(self, reader: sqlite3.Connection, user: str) -> dict[str, Any] | None:
        pseudonym = self.keys.pseudonym(user)
        row = reader.execute("SELECT columns FROM person WHERE pseudonym = ?", (pseudonym,)).fetchone()
        if row is None:
            return None
        return {} if row[0] is None else json.loads(self.keys.unseal(row[0], pseudonym))

    def user_columns(self, reader: sqlite3.Connection) -> dict[str, dict[str, Any]]:
        found = {}
        for pseudonym, name, columns in reader.execute(TOLD):
            if told := json.loads(self.keys.unseal(columns, pseudonym)):
                found[self.keys.unseal(name, pseudonym)] = told
        return found

    def events_of(self, reader: sqlite3.Connection, user: str) -> list[tuple[Any, ...]]:
        row = reader.execute("SELECT user FROM person WHERE pseudonym = ?", (self.keys.pseudonym(user),)).fetchone()
        return [] if row is None else reader.execute(OF_PERSON, row).fetchall()


def item_record(row: Sequence[Any]) -> ItemRecord:
    name, columns, hidden, deleted, changed = row
    return ItemRecord(name, json.loads(columns) if columns else {}, bool(hidden), bool(deleted), changed)


def _translated(of: str, codes: Sequence[int], names: dict[int, str]) -> pl.Series:
    table = pl.DataFrame({"code": list(names), of: list(names.values())}, {"code": pl.Int64, of: pl.String})
    coded = pl.DataFrame({"code": codes}, {"code": pl.Int64})
    return coded.join(table, on="code", how="left", maintain_order="left")[of]
