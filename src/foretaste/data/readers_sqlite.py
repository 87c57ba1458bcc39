"""A table of a SQLite file to rows: `shop.db` where it has one table, `shop.db#orders` where it has several."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.readers_common import FILE, ROW, Table
from foretaste.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".db", ".sqlite", ".sqlite3")


def sqlite_rows(path: Path, name: str | None) -> Table:
    """Every value as text, read only; ROW counts the rows in the order of the file."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            base.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
            listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
            tables = sorted(row[0] for row in base.execute(listed))
            if name is None and len(tables) != 1:
                has = ", ".join(tables) or "none"
                raise DataError(f"{path} has these tables: {has}; say which one holds the rows as {path.name}#TABLE.")
            table = tables[0] if name is None else name
            if table not in tables:
                raise DataError(f"{path} has no table '{table}'.{did_you_mean(table, tables)}")
            rows = base.execute('SELECT * FROM "' + table.replace('"', '""') + '"')
            columns = [column[0] for column in rows.description]
            frames = [_frame(columns, [])]
            while chunk := rows.fetchmany(50_000):
                frames.append(_frame(columns, chunk))
    except sqlite3.Error as error:
        raise DataError(f"{path} cannot be read as a SQLite file: {error}.") from None
    frame = pl.concat(frames).drop(ROW, FILE, strict=False)
    return Table(frame.with_row_index(ROW, offset=1), [], f"SQLite, table {table}")


def _frame(columns: list[str], rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: pl.Series([_text(row[n]) for row in rows], dtype=pl.String) for n, name in enumerate(columns)}
    )


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)
