"""The event store in PostgreSQL: for many hosts at once. Needs the extra `postgres`."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from foretaste.errors import MissingExtraError, StoreError, StoreFullError, StoreUnavailableError
from foretaste.events.event_frames import plain_events, with_ids
from foretaste.events.group_commit import GroupCommit
from foretaste.events.log_writer import LogWriter
from foretaste.events.model import columns_as_json
from foretaste.events.person_export import person_document
from foretaste.events.postgres import remove
from foretaste.events.postgres.read import ITEM_COLUMNS, PostgresReader, item_record
from foretaste.events.postgres.schema import LOCK, prepare
from foretaste.events.postgres.write import PostgresTables
from foretaste.privacy.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl
    import psycopg

    from foretaste.events.model import Event, ItemRecord, Mark, News, Outcome, Past
    from foretaste.privacy.keys import Keys

    Connection = psycopg.Connection[Any]

CONNECT_SECONDS = 5
SILENT_SECONDS = 10
"""Time after which a server that does not answer any more counts as unreachable."""
NEXT_CHANGE = "UPDATE meta SET number = number + 1 WHERE name = 'change' RETURNING number"


class PostgresStore:
    """Connections are kept and shared by the threads; when the server goes away all of them are let go, each call
    raises StoreUnavailableError, and the first call after its return connects again.

    url    : postgresql://user@host/database; a password belongs into ~/.pgpass or PGPASSWORD
    folder : where the key file lies; every host needs the same one
    schema : the PostgreSQL schema that holds the tables; one store each
    """

    def __init__(self, url: str, folder: Path | str, schema: str = "foretaste") -> None:
        try:
            import psycopg
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "psycopg", "postgres", "An event store in PostgreSQL") from None
        if not schema.isidentifier():
            raise StoreError(f"'{schema}' cannot be the name of a PostgreSQL schema; use letters, digits and _.")
        self._psycopg = psycopg
        self._url = url
        self._schema = schema
        self._folder = Path(folder)
        self._free: deque[Connection] = deque()
        self._closed = False
        self._lock = Lock()
        with self._connection() as connection:
            keys = prepare(connection, schema, self._folder)
        self._keys: Keys = keys
        self._tables = PostgresTables()
        self._log_writer = LogWriter(self._tables, keys)
        self._read = PostgresReader(keys)
        self._group: GroupCommit[Event, Outcome] = GroupCommit(self._append)

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        return self._group.submit(events)

    def _append(self, events: list[Event]) -> list[Outcome]:
        with self._writing():
            return self._log_writer.append(events)

    def import_frame(self, frame: pl.DataFrame) -> int:
        new = 0
        for ids, chunk in with_ids(plain_events(frame)):
            with self._writing():
                new += self._log_writer.import_chunk(ids, chunk)
        return new

    def history(self, user: str, last: int | None = None, until: int | None = None) -> Past:
        with self._connection() as reader:
            return self._read.history(reader, user, last, until)

    def count(self, user: str) -> int:
        with self._connection() as reader:
            return self._read.count(reader, user)

    def frame(self, after: int = 0, limit: int | None = None, whole: bool = False) -> pl.DataFrame:
        with self._at_one_moment() as reader:
            return self._read.frame(reader, after, limit, whole)

    @property
    def position(self) -> int:
        return self.mark().seq

    def users(self, n: int) -> list[tuple[str, int]]:
        with self._at_one_moment() as reader:
            return self._read.users(reader, n)

    def last_stamp(self) -> int:
        with self._connection() as reader:
            return self._read.last_stamp(reader)

    def mark(self) -> Mark:
        with self._connection() as reader:
            return self._read.mark(reader)

    def follow(self, after: Mark, limit: int = 10_000) -> News:
        with self._at_one_moment() as reader:
            return self._read.follow(reader, after, limit)

    def put_items(self, items: Mapping[str, Mapping[str, Any]]) -> list[ItemRecord]:
        texts = {name: columns_as_json(name, columns) for name, columns in items.items()}
        put = f"""
            INSERT INTO item (name, columns, changed) VALUES (%s, %s, %s) ON CONFLICT (name)
            DO UPDATE SET columns = excluded.columns, deleted = false, changed = excluded.changed
            RETURNING {ITEM_COLUMNS}
        """
        with self._writing() as writer:
            rows = [writer.execute(put, (n.encode(), t, _next_change(writer))).fetchone() for n, t in texts.items()]
        return [item_record(row) for row in rows if row is not None]

    def hide_item(self, name: str, hidden: bool = True) -> ItemRecord | None:
        return self._alter(name, "hidden = %s", hidden)

    def delete_item(self, name: str) -> ItemRecord | None:
        return self._alter(name, "deleted = %s, columns = NULL", True)

    def _alter(self, name: str, change: str, value: bool) -> ItemRecord | None:
        alter = (
            f"UPDATE item SET {change}, changed = %s WHERE name = %s AND changed IS NOT NULL RETURNING {ITEM_COLUMNS}"
        )
        there = "SELECT FROM item WHERE name = %s AND changed IS NOT NULL"
        with self._writing() as writer:
            if writer.execute(there, (name.encode(),)).fetchone() is None:
                return None
            row = writer.execute(alter, (value, _next_change(writer), name.encode())).fetchone()
        return None if row is None else item_record(row)

    def item(self, name: str) -> ItemRecord | None:
        one = f"SELECT {ITEM_COLUMNS} FROM item WHERE name = %s AND changed IS NOT NULL"
        with self._connection() as reader:
            row = reader.execute(one, (name.encode(),)).fetchone()
        return None if row is None else item_record(row)

    def items(self, after: int = 0) -> list[ItemRecord]:
        with self._connection() as reader:
            return self._read.items(reader, after)

    def put_user(self, user: str, columns: Mapping[str, Any]) -> None:
        sealed = self._keys.seal(columns_as_json(user, columns), self._keys.pseudonym(user))
        with self._writing() as writer:
            code = self._log_writer.person(user)
            writer.execute('UPDATE person SET columns = %s WHERE "user" = %s', (sealed, code))

    def user(self, user: str) -> dict[str, Any] | None:
        with self._connection() as reader:
            return self._read.user(reader, user)

    def user_columns(self) -> dict[str, dict[str, Any]]:
        with self._connection() as reader:
            return self._read.user_columns(reader)

    def export_person(self, user: str) -> dict[str, Any] | None:
        with self._at_one_moment() as reader:
            return person_document(user, self._read.user(reader, user), self._read.events_of(reader, user))

    def erase(self, user: str) -> Receipt:
        with self._writing() as writer:
            found = remove.erase(writer, self._keys, user)
        self._vacuum()
        return Receipt.of_log(found, (remove.BEYOND_REACH,))

    def forget(self, user: str, item: str, kind: str | None = None, time: int | None = None) -> int:
        with self._writing() as writer:
            n = remove.forget(writer, self._keys, user, item, kind, time)
        self._vacuum()
        return n

    def reset(self, user: str) -> int:
        with self._writing() as writer:
            n = remove.forget(writer, self._keys, user, None, None, None)
        self._vacuum()
        return n

    def forget_before(self, time: int) -> int:
        with self._writing() as writer:
            n = remove.forget_before(writer, time)
        self._vacuum()
        return n

    def close(self) -> None:
        self._closed = True
        self._let_go()

    def _vacuum(self) -> None:
        """Vacuum at once, so that deleted rows leave the tables now."""
        with self._connection() as connection:
            connection.execute("VACUUM person, event, item")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One durable transaction; writers of all hosts take turns."""
        with self._lock, self._connection() as writer:
            try:
                with writer.transaction():
                    writer.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                    self._tables.connection = writer
                    yield writer
            except BaseException:
                self._log_writer.forget()  # the codes it assigned are not in the database
                raise

    @contextmanager
    def _at_one_moment(self) -> Iterator[Connection]:
        """A read transaction: all its statements see the same state."""
        with self._connection() as reader, reader.transaction():
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield reader

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if self._closed:
            raise StoreError("The event store in PostgreSQL is closed; open it again.")
        with self._as_store_errors():
            try:
                connection = self._free.pop()
            except IndexError:
                connection = self._connect()
            try:
                yield connection
            except BaseException:
                if connection.closed or connection.broken:
                    self._let_go()  # the others have lost their server as well
                elif connection.info.transaction_status == self._psycopg.pq.TransactionStatus.IDLE:
                    self._free.append(connection)
                else:
                    connection.close()
                raise
            self._free.append(connection)

    def _connect(self) -> Connection:
        connection = self._psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            keepalives_idle=SILENT_SECONDS,
            tcp_user_timeout=SILENT_SECONDS * 1000,
        )
        connection.execute("SET synchronous_commit = on")  # what is acknowledged is on disk, whatever the server says
        connection.execute(f"SET search_path = {self._schema}")
        return connection

    def _let_go(self) -> None:
        while self._free:
            self._free.pop().close()

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        errors = self._psycopg.errors
        try:
            yield
        except (errors.DiskFull, errors.OutOfMemory) as error:
            raise StoreFullError(
                "The disk of PostgreSQL is full; nothing of this request was kept. Make room and send it again."
            ) from error
        except (self._psycopg.OperationalError, self._psycopg.InterfaceError) as error:
            raise StoreUnavailableError(
                f"PostgreSQL does not answer just now ({str(error).splitlines()[0]}); the next call tries again. "
                "If it stays so, see that the server runs and that the address and rights are correct."
            ) from error
        except self._psycopg.Error as error:
            raise StoreError(f"The event store in PostgreSQL cannot be used: {error}; see to the server.") from error


def _next_change(writer: Connection) -> int:
    row = writer.execute(NEXT_CHANGE).fetchone()
    assert row is not None
    return row[0]
