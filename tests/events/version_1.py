"""Writes a store as foretaste 0.1 wrote it (schema version 1, commit e306593): people's ids in plain sight."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from foretaste.events.event_frames import plain_events, with_ids

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

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


def write(path: Path, imported: pl.DataFrame, sent: list[tuple]) -> None:
    """sent : (id, user, item, kind, time, value, stamped)"""
    file = sqlite3.connect(path, isolation_level=None)
    file.execute("PRAGMA journal_mode = WAL")
    file.executescript(SCHEMA)
    file.execute(f"PRAGMA application_id = {0x666F7265}")
    file.execute("PRAGMA user_version = 1")
    file.execute("BEGIN")
    for ids, chunk in with_ids(plain_events(imported)):
        for key, row in zip(ids, chunk.iter_rows(), strict=True):
            _keep(file, key, *row[:5], 0)
    for name, *event in sent:
        _keep(file, name.encode(), *event)
    file.execute("COMMIT")
    file.close()


def _keep(
    file: sqlite3.Connection,
    key: bytes,
    user: str,
    item: str,
    kind: str,
    time: int | None,
    value: float,
    stamped: int,
) -> None:
    codes = []
    for of, table, name in (("user", "person", user), ("item", "item", item), ("kind", "kind", kind)):
        file.execute(f"INSERT OR IGNORE INTO {table} (name) VALUES (?)", (name,))
        codes.append(file.execute(f"SELECT {of} FROM {table} WHERE name = ?", (name,)).fetchone()[0])
    columns = "(id, user, item, kind, time, value, stamped)"
    row = (key, *codes, time, value, stamped)
    seq = file.execute(f"INSERT INTO event {columns} VALUES (?, ?, ?, ?, ?, ?, ?)", row).lastrowid
    file.execute(
        "UPDATE person SET events = events + 1, last_seq = ?, "
        "last_time = max(coalesce(last_time, ?), coalesce(?, last_time)) WHERE user = ?",
        (seq, time, time, codes[0]),
    )
