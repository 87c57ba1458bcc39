"""The event store in one SQLite file: durable, shared by the workers of one host, no server needed."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.errors import StoreError
from foretaste.events.model import Event, Outcome, Past, conflict, problem
from foretaste.events.sqlite_file import connect, in_plain_words, open_file, writing
from foretaste.events.tables import LOG_SCHEMA, plain_events, with_ids

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

ROWS_AT_ONCE = 100_000
NAMED = ("user", "item", "kind")
"""What is kept as a code in the log, and by name in a table of its own."""

INSERT = "INSERT OR IGNORE INTO event (id, user, item, kind, time, value, stamped) VALUES (?, ?, ?, ?, ?, ?, ?)"
KNOWN = """
    SELECT person.name, item.name, kind.name, event.time, event.value, event.stamped
    FROM event JOIN person USING (user) JOIN item USING (item) JOIN kind USING (kind) WHERE event.id = ?
"""
COUNT_NEW = """
    UPDATE person SET
        events = events + new.n,
        last_time = max(coalesce(last_time, new.time), coalesce(new.time, last_time)),
        last_seq = new.seq
    FROM (SELECT user, count(*) AS n, max(time) AS time, max(seq) AS seq
          FROM event NOT INDEXED WHERE seq > ? GROUP BY user) AS new -- or SQLite reads the whole index of people
    WHERE person.user = new.user
"""
HISTORY = """
    SELECT item.name, kind.name, time, value FROM event JOIN item USING (item) JOIN kind USING (kind)
    WHERE user = (SELECT user FROM person WHERE name = ?) ORDER BY time DESC, seq DESC LIMIT ?
"""
LOG = f"SELECT {', '.join(LOG_SCHEMA)} FROM event WHERE seq > ? ORDER BY seq"


class SqliteStore:
    """One connection writes, behind a lock; readers take one of their own, so that no read waits for the disk."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = Lock()
        self._writer = open_file(self.path)
        self._readers: deque[sqlite3.Connection] = deque()
        self._closed = False

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        with self._lock, writing(self._open(), self.path):
            before = self._last_seq(self._writer)
            outcomes = [self._keep(event) for event in events]
            self._writer.execute(COUNT_NEW, (before,))
        return outcomes

    def _keep(self, event: Event) -> Outcome:
        if (why := problem(event)) is not None:
            return Outcome("rejected", why)
        key = event.id.encode()
        if (row := self._writer.execute(KNOWN, (key,)).fetchone()) is not None:
            user, item, kind, time, value, stamped = row
            there = Event(event.id, user, item, kind, time, value, bool(stamped))
            return Outcome("duplicate") if there.same_as(event) else conflict(event.id)
        codes = [
            self._code(of, name) for of, name in (("user", event.user), ("item", event.item), ("kind", event.kind))
        ]
        self._writer.execute(INSERT, (key, *codes, event.time, event.value, event.stamped))
        return Outcome("accepted")

    def _code(self, of: str, name: str) -> int:
        """The code of a name, handed out now if it has none. Within a transaction of ours."""
        table = "person" if of == "user" else of
        row = self._writer.execute(f"SELECT {of} FROM {table} WHERE name = ?", (name,)).fetchone()
        if row is None:
            row = self._writer.execute(f"INSERT INTO {table} (name) VALUES (?) RETURNING {of}", (name,)).fetchone()
        code: int = row[0]
        return code

    def import_frame(self, frame: pl.DataFrame) -> int:
        """As the protocol says; in one transaction per chunk, so that other writers get their turn.

        Cut short, it has kept a first part of the table, and the same import again adds the rest.
        """
        new = 0
        for ids, chunk in with_ids(plain_events(frame)):
            with self._lock, writing(self._open(), self.path):
                before = self._last_seq(self._writer)
                coded = [self._codes(of, chunk[of]) for of in NAMED]
                columns = [column.to_list() for column in (*coded, chunk["time"], chunk["value"])]
                rows = zip(ids, *columns, [0] * len(ids), strict=True)
                new += self._writer.executemany(INSERT, rows).rowcount
                self._writer.execute(COUNT_NEW, (before,))
        return new

    def _codes(self, of: str, names: pl.Series) -> pl.Series:
        distinct = names.unique(maintain_order=True)
        codes = pl.Series("code", [self._code(of, name) for name in distinct], pl.Int64)
        table = pl.DataFrame([distinct, codes])
        return names.to_frame().join(table, on=of, how="left", maintain_order="left")["code"]

    def history(self, user: str, last: int | None = None) -> Past:
        with self._reading() as reader:
            rows = reader.execute(HISTORY, (user, -1 if last is None else last)).fetchall()
        columns = zip(*reversed(rows), strict=True) if rows else ((), (), (), ())
        return Past(*(list(column) for column in columns))

    def count(self, user: str) -> int:
        with self._reading() as reader:
            row = reader.execute("SELECT events FROM person WHERE name = ?", (user,)).fetchone()
        return 0 if row is None else row[0]

    def frame(self, after: int = 0) -> pl.DataFrame:
        with self._reading() as reader:
            # Rows are written one after another and never change, but names may be added while we read:
            # one transaction sees one moment.
            reader.execute("BEGIN")
            try:
                names = {of: _names(reader, of) for of in NAMED}
                found = reader.execute(
                    f"SELECT {', '.join(LOG_SCHEMA)} FROM event WHERE seq > ? ORDER BY seq", (after,)
                )
                parts = [pl.DataFrame(schema=LOG_SCHEMA)]
                while rows := found.fetchmany(ROWS_AT_ONCE):
                    parts.append(_named(rows, names))
            finally:
                reader.execute("COMMIT")
        return pl.concat(parts)

    @property
    def position(self) -> int:
        with self._reading() as reader:
            return self._last_seq(reader)

    def users(self, n: int) -> list[tuple[str, int]]:
        with self._reading() as reader:
            lately = "SELECT name, events FROM person WHERE events > 0 ORDER BY last_time DESC, last_seq DESC LIMIT ?"
            return reader.execute(lately, (n,)).fetchall()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            while self._readers:
                self._readers.pop().close()
            self._writer.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own, kept for the next reader; as many as ever read at once."""
        with in_plain_words(self.path):
            self._open()
            try:
                reader = self._readers.pop()
            except IndexError:
                reader = connect(self.path)
            yield reader
            self._readers.append(reader)

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"The event store {self.path} is closed; open it again.")
        return self._writer

    @staticmethod
    def _last_seq(connection: sqlite3.Connection) -> int:
        return connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]


def _names(reader: sqlite3.Connection, of: str) -> pl.DataFrame:
    table = "person" if of == "user" else of
    rows = reader.execute(f"SELECT {of}, name FROM {table}").fetchall()
    return pl.DataFrame(rows, {"code": pl.Int64, of: pl.String}, orient="row")


def _named(rows: list[tuple[Any, ...]], names: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows of codes as a part of the log."""
    columns = dict(zip(LOG_SCHEMA, zip(*rows, strict=True), strict=True))
    part = {of: pl.Series(of, values, pl.Int64 if of != "value" else pl.Float64) for of, values in columns.items()}
    for of, table in names.items():
        codes = part[of].to_frame("code")
        part[of] = codes.join(table, on="code", how="left", maintain_order="left")[of]
    return pl.DataFrame(part)
