"""A table of a SQLite file, or a query of it, to rows: `shop.db` where it has one table, else `shop.db#orders`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from foretaste.data.readers.common import Table, text_table
from foretaste.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDINGS = (".db", ".sqlite", ".sqlite3")
ROWS = 50_000


def sqlite_tables(
    path: Path, name: str | None = None, query: str | None = None, *, rows: int = ROWS
) -> Iterator[Table]:
    """Every value as text, read only, a table per batch; ROW counts the rows in the order of the file."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            base.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
            if query:
                said, found = "SQLite, a query", base.execute(query)
            else:
                table = _table_name(base, path, name)
                said, found = f"SQLite, table {table}", base.execute('SELECT * FROM "' + table.replace('"', '""') + '"')
            columns = [column[0] for column in found.description or ()]
            if not columns:
                raise DataError(f"The query on {path} gives no rows; it must be a SELECT.")
            before = 0
            while batch := found.fetchmany(rows):
                yield text_table(columns, batch, before, said)
                before += len(batch)
    except sqlite3.Error as error:
        what = "asked that query" if query else "read as a SQLite file"
        raise DataError(f"{path} cannot be {what}: {error}.") from None


def _table_name(base: sqlite3.Connection, path: Path, name: str | None) -> str:
    listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    tables = sorted(row[0] for row in base.execute(listed))
    if name is None and len(tables) != 1:
        has = ", ".join(tables) or "none"
        raise DataError(f"{path} has these tables: {has}; say which one holds the rows as {path.name}#TABLE.")
    table = tables[0] if name is None else name
    if table not in tables:
        raise DataError(f"{path} has no table '{table}'.{did_you_mean(table, tables)}")
    return table
