"""A table of a PostgreSQL server, or a query of it, to rows: `postgresql://shop.example/sales#public.orders`.

Passwords come from PGPASSWORD, from ~/.pgpass or from the address, as libpq has it; no message repeats one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from foretaste.data.readers.common import Table, text_table
from foretaste.errors import DataError, MissingExtraError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

ROWS = 50_000
PATIENCE = 10
"""Seconds to wait for a server that does not answer, where the address states no connect_timeout."""
SCHEMES = ("postgresql://", "postgres://")
_PASSWORDS = (r"^\w+://[^:/@?#]*:([^@]*)@", r"[?&]password=([^&#]*)")
_LISTED = """
    SELECT n.nspname, c.relname, pg_table_is_visible(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


def is_postgres(source: str) -> bool:
    return source.startswith(SCHEMES)


def without_password(address: str) -> str:
    """The address without its password, for messages and files."""
    shown = re.sub(r"^(\w+://[^:/@?#]*):[^@]*@", r"\1@", address)
    shown = re.sub(r"([?&])password=[^&#]*", r"\1", shown).replace("&&", "&").replace("?&", "?")
    return re.sub(r"[?&]+(?=#|$)", "", shown)


def postgres_tables(
    address: str, name: str | None = None, query: str | None = None, *, rows: int = ROWS
) -> Iterator[Table]:
    """Every value as text, in a read-only transaction, a table per batch of a cursor that stays on the server.

    address : as libpq has it
    name    : table or view, with its schema or without; None where the database has only one
    query   : a SELECT, instead of a table
    """
    try:
        import psycopg
        from psycopg import sql
    except ImportError:
        raise MissingExtraError("psycopg", "postgres", "Reading from PostgreSQL") from None
    shown = without_password(address)
    try:
        with _connected(address) as base:
            if query:
                asked: sql.SQL | sql.Composed = sql.SQL(query.strip(" \n\t;"))
                said = "PostgreSQL, a query"
            else:
                table = _table(base, shown, name)
                asked = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table))
                said = f"PostgreSQL, table {'.'.join(table)}"
            with base.cursor(name="foretaste") as found:
                found.execute(asked)
                columns = [column.name for column in found.description or ()]
                before = 0
                while batch := found.fetchmany(rows):
                    yield text_table(columns, batch, before, said)
                    before += len(batch)
    except psycopg.Error as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise DataError(f"{shown} cannot be read: {_hidden(first, address)}.") from None


def _connected(address: str) -> psycopg.Connection[tuple[object, ...]]:
    import psycopg
    from psycopg.postgres import types
    from psycopg.types.string import TextLoader

    patience = {} if "connect_timeout" in address else {"connect_timeout": PATIENCE}
    try:
        base = psycopg.connect(address, **patience)  # type: ignore[arg-type]  # only one keyword is meant
    except psycopg.ProgrammingError:  # libpq would quote the address, password and all
        raise DataError(
            f"{without_password(address)} is no address that PostgreSQL's library understands; write "
            "postgresql://USER@HOST:PORT/DATABASE, odd letters as %40, and the password in PGPASSWORD or ~/.pgpass."
        ) from None
    base.read_only = True
    # As the server spells each value, so that no digit is lost; times in UTC and with their zone.
    for type_ in types:
        if type_.name != "bool":
            base.adapters.register_loader(type_.oid, TextLoader)
    base.execute("SET TIME ZONE 'UTC'")
    base.execute("SET DateStyle TO ISO")
    return base


def _table(base: psycopg.Connection[tuple[object, ...]], shown: str, name: str | None) -> tuple[str, str]:
    """(schema, table) of a name."""
    known: dict[str, tuple[str, str]] = {}
    listed: dict[str, tuple[str, str]] = {}
    for schema, table, visible in base.execute(_LISTED).fetchall():
        place = str(schema), str(table)
        listed[str(table) if visible else ".".join(place)] = place
        known[".".join(place)] = place
        if visible:
            known[str(table)] = place
    if name is None and len(listed) == 1:
        return next(iter(listed.values()))
    if name is None:
        has = ", ".join(sorted(listed)) or "none"
        raise DataError(f"{shown} has these tables: {has}; say which one holds the rows: {shown}#TABLE.")
    if name not in known:
        raise DataError(f"{shown} has no table '{name}'.{did_you_mean(name, listed)}")
    return known[name]


def _hidden(message: str, address: str) -> str:
    """A message of the server or its library with the password removed."""
    for secret in (found for pattern in _PASSWORDS for found in re.findall(pattern, address)):
        for spelled in (secret, unquote(secret)):
            message = message.replace(spelled, "…") if spelled else message
    return message
