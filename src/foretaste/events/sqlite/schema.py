"""The tables of a SQLite event log, and the migration of files of older versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.errors import StoreError
from foretaste.privacy.keys import KEY_FILE, Keys, make_keys, read_keys

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

APPLICATION_ID = 0x666F7265  # "fore", in the header of every file of ours
SCHEMA_VERSION = 2

EVENT = """
CREATE TABLE {name} (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even after an erasure
    id      BLOB NOT NULL UNIQUE,               -- keyed hash of the client's id, or of the hash of an imported row
    user    INTEGER NOT NULL REFERENCES person,
    item    INTEGER NOT NULL REFERENCES item,
    kind    INTEGER NOT NULL REFERENCES kind,
    time    INTEGER,                            -- µs since 1970 UTC
    value   REAL NOT NULL,
    stamped INTEGER NOT NULL,                   -- 1: the time is when we heard of it
    context TEXT
) STRICT
"""
EVENT_INDEXES = ("CREATE INDEX event_of_user ON event (user, time)", "CREATE INDEX event_by_time ON event (time)")
"""No counters per person: each event would rewrite its person's row and places in indexes, all over the file."""
PERSON = """
CREATE TABLE {name} (
    user      INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: a code that somebody remembers means nobody else
    pseudonym BLOB NOT NULL UNIQUE,              -- HMAC of the id
    sealed    BLOB NOT NULL,                     -- the id itself, encrypted
    columns   BLOB                               -- what is known of them, encrypted JSON
) STRICT
"""
ITEM = """
CREATE TABLE {name} (
    item    INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL UNIQUE,
    columns TEXT,                                -- JSON
    hidden  INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    changed INTEGER UNIQUE                       -- place among all changes; NULL: only events know it
) STRICT
"""
REST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE gone (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE erased (mark BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0), ('scrub', 0)
"""
"""
gone   : ids of events that were removed on purpose and must not come back
erased : keyed marks of erased people; not their pseudonyms
meta   : epoch (how often histories were rewritten), scrub (1 while old bytes may lie about), key, floor, change
"""
KIND = "CREATE TABLE kind (kind INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT"


def prepare(connection: sqlite3.Connection, path: Path) -> Keys:
    """Make, migrate or check the tables, within a transaction; returns the keys. StoreError if it is no event store."""
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    empty = tables == 0 and ours in (0, APPLICATION_ID)
    if not empty and ours != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program, not an event store; name another file.")
    if not empty and version not in (1, SCHEMA_VERSION):
        raise StoreError(
            f"{path} is an event store of version {version}, and this foretaste reads version {SCHEMA_VERSION}; "
            "install the foretaste that wrote it, or a newer one."
        )
    if empty:
        _create(connection)
    keys = _keys(connection, path, new=empty or version == 1)
    if not empty and version == 1:
        _from_version_1(connection, keys)
    if empty or version == 1:
        connection.execute("INSERT INTO meta VALUES ('key', ?)", (keys.fingerprint(),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return keys


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether the tables are up to date; needs no lock."""
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return (ours, version) == (APPLICATION_ID, SCHEMA_VERSION)


def _keys(connection: sqlite3.Connection, path: Path, *, new: bool) -> Keys:
    """The key beside the file; a new one only for a store that has none yet."""
    file = path.parent / KEY_FILE
    try:
        keys = read_keys(file)
    except FileNotFoundError:
        if not new:
            raise StoreError(
                f"{file} is missing, and without it nobody in {path.name} has a name; put it back, from a backup."
            ) from None
        return make_keys(file)
    if not new:
        (used,) = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
        if used != keys.fingerprint():
            raise StoreError(f"{file} is not the key that {path.name} was written with; put that one back.")
    return keys


def _create(connection: sqlite3.Connection) -> None:
    tables = (PERSON.format(name="person"), ITEM.format(name="item"), KIND, EVENT.format(name="event"))
    for statement in (*tables, *EVENT_INDEXES, *REST.split(";\n")):
        connection.execute(statement)


def _from_version_1(connection: sqlite3.Connection, keys: Keys) -> None:
    """Migration from version 1, which held user ids and clients' event ids in clear text."""

    def seal(name: str) -> bytes:
        return keys.seal(name, keys.pseudonym(name))

    connection.create_function("pseudonym", 1, keys.pseudonym, deterministic=True)
    connection.create_function("seal", 1, seal)
    connection.create_function("event_key", 1, keys.event, deterministic=True)
    used = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    connection.execute(PERSON.format(name="person_2"))
    connection.execute(
        "INSERT INTO person_2 (user, pseudonym, sealed) SELECT user, pseudonym(name), seal(name) FROM person"
    )
    connection.execute(ITEM.format(name="item_2"))
    connection.execute("INSERT INTO item_2 (item, name) SELECT item, name FROM item")
    connection.execute(EVENT.format(name="event_2"))
    connection.execute(
        "INSERT INTO event_2 SELECT seq, event_key(id), user, item, kind, time, value, stamped, NULL "
        "FROM event ORDER BY seq"
    )
    for table in ("event", "person", "item"):
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"ALTER TABLE {table}_2 RENAME TO {table}")
    connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'event'", (used.get("event", 0),))
    for statement in (*EVENT_INDEXES, *REST.split(";\n")):
        connection.execute(statement)
    connection.execute("UPDATE meta SET value = 1 WHERE name = 'scrub'")  # the names of old are still in free pages
