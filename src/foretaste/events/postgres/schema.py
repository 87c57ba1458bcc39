"""The tables of an event log in PostgreSQL, made or checked when a store is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foretaste.errors import StoreError
from foretaste.privacy.keys import KEY_FILE, Keys, make_keys, read_keys

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

SCHEMA_VERSION = 2
"""The same number as in SQLite, for the same tables; PostgreSQL never had version 1."""
LOCK = 0x666F7265
"""Advisory lock of the writer: events become visible in the order of their seq, so that followers miss none."""

# Names are bytes: text in PostgreSQL cannot hold the character NUL, which is a valid one in JSON.
SCHEMA = """
CREATE TABLE {schema}.meta (name text PRIMARY KEY, number bigint, bytes bytea);
CREATE TABLE {schema}.person (
    "user"    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    pseudonym bytea NOT NULL UNIQUE,
    sealed    bytea NOT NULL,
    columns   bytea
);
CREATE TABLE {schema}.item (
    item    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name    bytea NOT NULL UNIQUE,
    columns text,
    hidden  boolean NOT NULL DEFAULT false,
    deleted boolean NOT NULL DEFAULT false,
    changed bigint UNIQUE
);
CREATE TABLE {schema}.kind (kind bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name bytea NOT NULL UNIQUE);
CREATE TABLE {schema}.event (
    seq     bigint PRIMARY KEY,
    id      bytea NOT NULL UNIQUE,
    "user"  bigint NOT NULL,
    item    bigint NOT NULL,
    kind    bigint NOT NULL,
    time    bigint,
    value   double precision NOT NULL,
    stamped boolean NOT NULL,
    context bytea
);
CREATE INDEX event_of_user ON {schema}.event ("user", time NULLS FIRST, seq);
CREATE INDEX event_by_time ON {schema}.event (time DESC NULLS LAST, seq DESC);
CREATE TABLE {schema}.gone (id bytea PRIMARY KEY);
CREATE TABLE {schema}.erased (mark bytea PRIMARY KEY, at bigint NOT NULL);
INSERT INTO {schema}.meta (name, number) VALUES ('version', {version}), ('epoch', 0), ('seq', 0), ('change', 0);
"""


def prepare(connection: psycopg.Connection[Any], schema: str, folder: Path) -> Keys:
    """Make or check the tables in one transaction; returns the keys of the store, from the folder."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        row = connection.execute("SELECT to_regclass(%s)", (f"{schema}.meta",)).fetchone()
        new = row is None or row[0] is None
        if new:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            for statement in SCHEMA.format(schema=schema, version=SCHEMA_VERSION).split(";\n"):
                if statement.strip():
                    connection.execute(statement)
        meta = {name: (number, data) for name, number, data in connection.execute(f"SELECT * FROM {schema}.meta")}
        if meta["version"][0] != SCHEMA_VERSION:
            raise StoreError(
                f"The event store in PostgreSQL is of version {meta['version'][0]}, and this foretaste reads version "
                f"{SCHEMA_VERSION}; install the foretaste that wrote it, or a newer one."
            )
        return _keys(connection, schema, folder / KEY_FILE, None if new else bytes(meta["key"][1]))


def _keys(connection: psycopg.Connection[Any], schema: str, file: Path, used: bytes | None) -> Keys:
    if file.exists():
        keys = read_keys(file)
    elif used is None:
        keys = make_keys(file)
    else:
        raise StoreError(f"{file} is missing, and without it nobody in the store has a name; put it there.")
    if used is None:
        connection.execute(f"INSERT INTO {schema}.meta (name, bytes) VALUES ('key', %s)", (keys.fingerprint(),))
    elif used != keys.fingerprint():
        raise StoreError(f"{file} is not the key that the store in PostgreSQL was written with; put that one there.")
    return keys
