"""The event store in one SQLite file: durable, shared by the workers of one host, no server needed."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from foretaste.errors import StoreError
from foretaste.events.event_frames import plain_events, with_ids
from foretaste.events.group_commit import GroupCommit
from foretaste.events.log_writer import LogWriter
from foretaste.events.model import Mark, columns_as_json
from foretaste.events.person_export import person_document
from foretaste.events.sqlite import catalogue
from foretaste.events.sqlite.file import as_store_errors, connect, open_file, writing
from foretaste.events.sqlite.read import ITEM_COLUMNS, MARK, STAMP, Reader, item_record
from foretaste.events.sqlite.remove import Remover
from foretaste.events.sqlite.write import POSITION, SqliteTables
from foretaste.privacy.receipt import Receipt

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars as pl

    from foretaste.events.model import Event, ItemRecord, News, Outcome, Past

Result = TypeVar("Result")
CLOSE_SECONDS = 10.0
"""How long closing waits for a write that is under way."""


class SqliteStore:
    """One connection writes, behind a lock; readers have connections of their own, so no read waits for the disk.

    Events that several threads append at the same time share a transaction, and so one sync of the disk.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = Lock()
        self._writer, keys = open_file(self.path)
        self._log_writer = LogWriter(SqliteTables(self._writer), keys)
        self._read = Reader(keys)
        self._remove = Remover(self._writer, self.path, keys)
        self._group: GroupCommit[Event, Outcome] = GroupCommit(self._append)
        self._readers: deque[sqlite3.Connection] = deque()
        self._closed = False

    def append(self, events: Sequence[Event]) -> list[Outcome]:
        return self._group.submit(events)

    def _append(self, events: list[Event]) -> list[Outcome]:
        return self._written(lambda: self._log_writer.append(events))

    def import_frame(self, frame: pl.DataFrame) -> int:
        """As the protocol says, in one transaction per chunk, so that other writers are not blocked for long.

        An interrupted import has added a first part of the table; the same import again adds the rest.
        """
        new = 0
        for ids, chunk in with_ids(plain_events(frame)):
            new += self._written(partial(self._log_writer.import_chunk, ids, chunk))
        return new

    def history(self, user: str, last: int | None = None, until: int | None = None) -> Past:
        with self._reading() as reader:
            return self._read.history(reader, user, last, until)

    def count(self, user: str) -> int:
        with self._reading() as reader:
            return self._read.count(reader, user)

    def frame(self, after: int = 0, limit: int | None = None, whole: bool = False) -> pl.DataFrame:
        with self._at_one_moment() as reader:
            return self._read.frame(reader, after, limit, whole)

    @property
    def position(self) -> int:
        with self._reading() as reader:
            return reader.execute(POSITION).fetchone()[0]

    def users(self, n: int) -> list[tuple[str, int]]:
        with self._at_one_moment() as reader:
            return self._read.users(reader, n)

    def last_stamp(self) -> int:
        with self._reading() as reader:
            return reader.execute(STAMP).fetchone()[0]

    def mark(self) -> Mark:
        with self._reading() as reader:
            return Mark(*reader.execute(MARK).fetchone())

    def follow(self, after: Mark, limit: int = 10_000) -> News:
        with self._at_one_moment() as reader:
            return self._read.follow(reader, after, limit)

    def put_items(self, items: Mapping[str, Mapping[str, Any]]) -> list[ItemRecord]:
        texts = {name: columns_as_json(name, columns) for name, columns in items.items()}
        return self._written(lambda: [catalogue.put_item(self._writer, name, text) for name, text in texts.items()])

    def hide_item(self, name: str, hidden: bool = True) -> ItemRecord | None:
        return self._written(lambda: catalogue.hide_item(self._writer, name, hidden))

    def delete_item(self, name: str) -> ItemRecord | None:
        return self._written(lambda: catalogue.delete_item(self._writer, name))

    def item(self, name: str) -> ItemRecord | None:
        with self._reading() as reader:
            one = f"SELECT {ITEM_COLUMNS} FROM item WHERE name = ? AND changed IS NOT NULL"
            row = reader.execute(one, (name,)).fetchone()
        return None if row is None else item_record(row)

    def items(self, after: int = 0) -> list[ItemRecord]:
        with self._reading() as reader:
            return self._read.items(reader, after)

    def put_user(self, user: str, columns: Mapping[str, Any]) -> None:
        text = columns_as_json(user, columns)
        pseudonym = self._read.keys.pseudonym(user)
        sealed = self._read.keys.seal(text, pseudonym)

        def put() -> None:
            row = sealed, self._log_writer.person(user)
            self._writer.execute("UPDATE person SET columns = ? WHERE user = ?", row)

        self._written(put)

    def user(self, user: str) -> dict[str, Any] | None:
        with self._reading() as reader:
            return self._read.user(reader, user)

    def user_columns(self) -> dict[str, dict[str, Any]]:
        with self._reading() as reader:
            return self._read.user_columns(reader)

    def export_person(self, user: str) -> dict[str, Any] | None:
        with self._at_one_moment() as reader:
            return person_document(user, self._read.user(reader, user), self._read.events_of(reader, user))

    def erase(self, user: str) -> Receipt:
        found, remarks = self._removed(lambda: self._remove.erase(user))
        return Receipt.of_log(found, remarks)

    def forget(self, user: str, item: str, kind: str | None = None, time: int | None = None) -> int:
        return self._removed(lambda: self._remove.forget(user, item, kind, time))

    def reset(self, user: str) -> int:
        return self._removed(lambda: self._remove.forget(user, None, None, None))

    def forget_before(self, time: int) -> int:
        return self._removed(lambda: self._remove.forget_before(time))

    def close(self) -> None:
        """Waits for a write under way, but at most CLOSE_SECONDS; after that the file is left to SQLite.

        Acknowledged events are on disk in any case, and SQLite rolls back the rest when the process ends.
        """
        self._closed = True
        if not self._lock.acquire(timeout=CLOSE_SECONDS):
            return
        try:
            while self._readers:
                self._readers.pop().close()
            self._writer.close()
        finally:
            self._lock.release()

    # The lock is held around a function and not by a context manager of ours: Ctrl-C at the first step of that one's
    # __exit__, which is Python, would leave it held for good.

    def _written(self, work: Callable[[], Result]) -> Result:
        """Runs `work` in one transaction of the only writer, and returns its result."""
        with self._lock:
            self._check_open()
            try:
                with writing(self._writer, self.path):
                    return work()
            except BaseException:
                self._undo()
                raise

    def _removed(self, work: Callable[[], Result]) -> Result:
        """The same for work with transactions of its own; idle readers are closed, because they cache pages."""
        with self._lock, as_store_errors(self.path):
            self._check_open()
            while self._readers:
                self._readers.pop().close()
            try:
                return work()
            finally:
                self._undo()

    def _undo(self) -> None:
        self._log_writer.forget()  # the codes it assigned are not in the file
        if self._writer.in_transaction:  # Ctrl-C came just before the end of `writing`
            self._writer.execute("ROLLBACK")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one reader, reused by the next; there are as many as were ever in use at once."""
        with as_store_errors(self.path):
            self._check_open()
            try:
                reader = self._readers.pop()
            except IndexError:
                reader = connect(self.path)
            yield reader
            self._readers.append(reader)

    @contextmanager
    def _at_one_moment(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: all its statements see the same state."""
        with self._reading() as reader:
            reader.execute("BEGIN")
            try:
                yield reader
            finally:
                reader.execute("COMMIT")

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"The event store {self.path} is closed; open it again.")
