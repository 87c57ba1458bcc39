"""Reads files and databases as tables: delimited text, JSON, Parquet, SQLite, PostgreSQL; compressed or not; folders.

`read_table` holds a whole table, or only the columns that are needed of it; `stream_tables` gives one part after the
other, so that a file larger than memory can be read.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.readers.common import FILE as FILE
from foretaste.data.readers.common import ROW as ROW
from foretaste.data.readers.common import Table as Table
from foretaste.data.readers.common import typed_table
from foretaste.data.readers.encoding import encoding_of
from foretaste.data.readers.json import json_tables
from foretaste.data.readers.packed import BLOCK, PACKED, UNREADABLE
from foretaste.data.readers.postgres import is_postgres, postgres_tables, without_password
from foretaste.data.readers.sqlite import ENDINGS as SQLITE_ENDINGS
from foretaste.data.readers.sqlite import sqlite_tables
from foretaste.data.readers.text import delimited_tables
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet")
QUARANTINE = "quarantine.csv"
"""File of invalid rows, written by a check beside the events; not read as events until repaired and renamed."""


def read_table(source: Path | str, *, columns: tuple[str, ...] | None = None, query: str | None = None) -> Table:
    """All rows of a file, of every file of a folder, of a table of a database (`shop.db#orders`) or of a query.

    columns : keep only these, where the source has them; None keeps every column
    """
    tables = list(stream_tables(source, columns=columns, query=query))
    frame = pl.concat([table.frame for table in tables], how="diagonal_relaxed")
    broken = [line for table in tables for line in table.broken]
    return Table(frame.select(pl.exclude(ROW, FILE), ROW, FILE), broken, tables[0].format)


def stream_tables(
    source: Path | str,
    *,
    columns: tuple[str, ...] | None = None,
    query: str | None = None,
    block: int = BLOCK,
    fast: bool = True,
) -> Iterator[Table]:
    """The same rows part by part, in order; at least one table, all with the same kind of rows.

    block : bytes of text read at once; a Parquet file is one part
    fast  : False reads text record by record, the slow and readable way
    """
    if isinstance(source, str) and is_postgres(source):
        address, _, name = source.partition("#")
        tables = postgres_tables(address, name or None, query)
        yield from _named(tables, name or "query", without_password(address), columns)
        return
    path = Path(source)
    if not path.is_dir():
        yield from _file_tables(path, columns, query, block, fast=fast)
        return
    files = sorted(p for p in path.iterdir() if _ending(p) in ENDINGS and p.name != QUARANTINE)
    if not files:
        raise DataError(f"The folder {path} has no file of a kind we read: {', '.join(ENDINGS)}, also with .gz.")
    known: list[str] | None = None
    for file in files:
        for n, table in enumerate(_file_tables(file, columns, None, block, fast=fast)):
            names = [name for name in table.frame.columns if name not in {ROW, FILE}]
            known = names if known is None else known
            if n == 0 and 2 * len(set(known).intersection(names)) < len(known):
                # A file with other columns is another table; rows of two tables must not be mixed.
                raise DataError(
                    f"{file.name} has other columns ({', '.join(names)}) than {files[0].name} in the same folder; "
                    "keep each kind of table in a folder of its own."
                )
            yield table


def _file_tables(
    path: Path, columns: tuple[str, ...] | None, query: str | None, block: int, *, fast: bool
) -> Iterator[Table]:
    name, _, part = path.name.partition("#")
    if part and not path.exists():
        path = path.with_name(name)
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    try:
        tables = _tables(path, part or None, columns, query, block, fast=fast)
        yield from _named(tables, path.name, str(path), columns)
    except (*UNREADABLE, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {_first_line(error)}.") from None


def _tables(
    path: Path, part: str | None, columns: tuple[str, ...] | None, query: str | None, block: int, *, fast: bool
) -> Iterator[Table]:
    ending = _ending(path)
    if ending in SQLITE_ENDINGS:
        return sqlite_tables(path, part, query)
    if query is not None:
        raise DataError(f"{path} is no database, and a query can only be asked of one; see [data] in foretaste.toml.")
    if ending == ".parquet":
        known = pl.read_parquet_schema(path)
        wanted = list(columns) if columns and set(columns) <= set(known) else None
        return iter([typed_table(pl.read_parquet(path, columns=wanted), "Parquet")])
    encoding = encoding_of(path)
    if ending in {".jsonl", ".ndjson", ".json"}:
        return json_tables(path, encoding, block=block)
    return delimited_tables(path, encoding, block=block, fast=fast)


def _named(tables: Iterator[Table], file: str, source: str, columns: tuple[str, ...] | None) -> Iterator[Table]:
    """Tables with the name of their file and the columns that are wanted, without those that hold nothing."""
    empty = True
    for table in tables:
        if not len(table.frame) and not table.broken:
            continue
        empty = False
        frame = table.frame.with_columns(pl.lit(file).alias(FILE))
        if columns is not None:
            missing = set(columns) - set(frame.columns)
            if missing and not table.format.startswith("JSON"):
                yield Table(frame, table.broken, table.format)
                return  # a column name is wrong; the caller reports it without reading the rest of the file
            frame = frame.select([name for name in columns if name not in missing] + [ROW, FILE])
        yield Table(frame, table.broken, table.format)
    if empty:
        raise DataError(f"{source} has no rows.")


def _ending(path: Path) -> str:
    name = path.name.lower()
    name = next((name.removesuffix(ending) for ending in PACKED if name.endswith(ending)), name)
    return "." + name.rpartition(".")[2] if "." in name else ""


def _first_line(error: BaseException) -> str:
    if isinstance(error, pl.exceptions.PanicException):
        return "it is damaged"
    return next(iter(str(error).splitlines()), type(error).__name__)
