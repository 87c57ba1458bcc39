"""The SQLite file of an event log: its tables, how it is opened, and whether it is ours at all."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foretaste.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPLICATION_ID = 0x666F7265  # "fore", in the header of every file of ours
SCHEMA_VERSION = 1
WAIT_SECONDS = 30.0
"""How long a writer waits for the others before it gives up."""

SCHEMA = """
CREATE TABLE person (
    user      INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    events    INTEGER NOT NULL DEFAULT 0,
    last_time INTEGER,
    last_seq  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX person_by_activity ON person (last_time, last_seq);
CREATE TABLE item (item INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE kind (kind INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE event (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even after an erasure
    id      BLOB NOT NULL UNIQUE,               -- UTF-8 of the client's id, or 0xff and the hash of an imported row
    user    INTEGER NOT NULL REFERENCES person,
    item    INTEGER NOT NULL REFERENCES item,
    kind    INTEGER NOT NULL REFERENCES kind,
    time    INTEGER,                            -- µs since 1970 UTC
    value   REAL NOT NULL,
    stamped INTEGER NOT NULL                    -- 1: the time is when we heard of it
) STRICT;
CREATE INDEX event_of_user ON event (user, time);
"""


def open_file(path: Path) -> sqlite3.Connection:
    """A connection to the log at `path`, made if it is not there; StoreError if the file is not ours to use."""
    with in_plain_words(path):
        if not path.exists():
            # The log says who did what: nobody but its owner reads it. SQLite gives its side files the same rights.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = connect(path)
        try:
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection any thread may use, one at a time; the caller sees to that."""
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")  # what is acknowledged survives a power cut
    connection.execute("PRAGMA cache_size = -65536")  # 64 MiB, so that a large import keeps its indexes at hand
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    with writing(connection, path):  # so that of two processes that find an empty file, one makes the tables
        (ours,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables == 0 and ours in (0, APPLICATION_ID):
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif ours != APPLICATION_ID:
            raise StoreError(f"{path} is a database of another program, not an event store; name another file.")
        elif version != SCHEMA_VERSION:
            raise StoreError(
                f"{path} is an event store of version {version}, and this foretaste reads version {SCHEMA_VERSION}; "
                "install the foretaste that wrote it, or a newer one."
            )
    connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def writing(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """One durable transaction, begun as soon as the other writers let us; undone if anything goes wrong in it."""
    with in_plain_words(path):
        _begin(connection, path)
        try:
            yield
            connection.execute("COMMIT")
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
                raise StoreError(message) from None
            time.sleep(random.uniform(0.001, 0.05))  # jitter, lest two writers keep meeting
        else:
            return


@contextmanager
def in_plain_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise StoreError(f"{path} is not an event store; name another file.") from None
        raise StoreError(f"The event store {path} cannot be used: {error}; see to the file and its disk.") from error
    except OSError as error:
        raise StoreError(f"The event store {path} cannot be opened: {error.strerror}; check the folder.") from error
