"""The SQLite file of an event log: opening it, writing in transactions, clearing old bytes."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from foretaste.errors import StoreError, StoreFullError, StoreUnavailableError
from foretaste.events.sqlite.schema import is_current, prepare
from foretaste.privacy.files import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from foretaste.privacy.keys import Keys

WAIT_SECONDS = 30.0
"""How long a writer waits for the others before it gives up."""
BUSY_SECONDS = 5.0
"""How long SQLite itself waits for a lock each time."""
SCRUB_SECONDS = 5.0
"""How long a scrub waits for readers of the old pages."""


def open_file(path: Path) -> tuple[sqlite3.Connection, Keys]:
    """A connection to the log at `path`, made if it does not exist; StoreError if the file is no event store."""
    with as_store_errors(path):
        _make(path)
        connection = connect(path)
        try:
            if is_current(connection):
                keys = prepare(connection, path)
            else:
                with writing(connection, path):  # of two processes that find an empty or old file, one does the work
                    keys = prepare(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            if connection.execute("SELECT value FROM meta WHERE name = 'scrub'").fetchone()[0]:
                scrub(connection, path, rewrite=True)
        except BaseException:
            connection.close()
            raise
    return connection, keys


def _make(path: Path) -> None:
    """An empty file, if there is none; an existing one is never opened here: see `events/traces.py` for why."""
    if path.exists():
        return
    # The log says who did what: nobody but its owner reads it. SQLite gives its side files the same rights.
    with suppress(FileExistsError):  # of two threads that make it, one would close what the other has in use
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        sync_folder(path.parent)


def connect(path: Path) -> sqlite3.Connection:
    """A connection for any thread, one at a time, which the caller ensures."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")  # what is acknowledged survives a power cut
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten with zeros
    connection.execute("PRAGMA cache_size = -65536")  # 64 MiB, so that a large import keeps its indexes at hand
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages: hot ones are copied into the file less often
    connection.execute("PRAGMA journal_size_limit = 67108864")  # what one large import made of the WAL goes again
    return connection


@contextmanager
def writing(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """One durable transaction, begun once no other writer is active, and rolled back on any error."""
    with as_store_errors(path):
        _begin(connection, path)
        try:
            yield
            connection.execute("COMMIT")
        except GeneratorExit:  # Ctrl-C came just before the end of it, and this is cleared away at any later time,
            raise  # when somebody else may be writing; the owner of the connection has undone it
        except BaseException:
            if connection.in_transaction:  # a full disk has undone it already
                connection.execute("ROLLBACK")
            raise


def _begin(connection: sqlite3.Connection, path: Path) -> None:
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() > give_up:
                message = f"{path} is busy: another process has been writing for {WAIT_SECONDS:.0f} s; try again later."
                raise StoreUnavailableError(message) from None
            time.sleep(random.uniform(0.001, 0.05))  # jitter, lest two writers keep meeting
        else:
            return


def scrub(connection: sqlite3.Connection, path: Path, *, rewrite: bool = False) -> bool:
    """Move the write-ahead log into the file and empty it, so that no old page is left in it.

    rewrite : also write the whole file anew, for bytes that moved pages left behind
    returns : whether it is done; False while another reader uses the old pages or the disk is full. Then the next
              opening of the store, or the next erasure, tries again
    """
    give_up = time.monotonic() + SCRUB_SECONDS
    connection.execute("PRAGMA busy_timeout = 50")
    try:
        while not (_rewritten(connection) if rewrite else _emptied(connection)):
            if time.monotonic() > give_up:
                return False
            time.sleep(random.uniform(0.001, 0.05))
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
    with writing(connection, path):
        connection.execute("UPDATE meta SET value = 0 WHERE name = 'scrub'")
    return True


def _emptied(connection: sqlite3.Connection) -> bool:
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _rewritten(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
            raise
        return False
    return _emptied(connection)


def side_files(path: Path) -> list[Path]:
    """The file, and its write-ahead log if there is one: the files that may hold written bytes."""
    return [file for file in (path, path.with_name(path.name + "-wal")) if file.exists()]


@contextmanager
def as_store_errors(path: Path) -> Iterator[None]:
    """Raises errors of SQLite and of the disk as StoreError, in one sentence."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_NOTADB:
            raise StoreError(f"{path} is not an event store; name another file.") from None
        if code == sqlite3.SQLITE_FULL:
            raise StoreFullError(
                f"There is no room left for {path}; nothing of this request was kept. Make room and send it again."
            ) from error
        raise StoreError(f"The event store {path} cannot be used: {error}; see to the file and its disk.") from error
    except OSError as error:
        raise StoreError(f"The event store {path} cannot be opened: {error.strerror}; check the folder.") from error
