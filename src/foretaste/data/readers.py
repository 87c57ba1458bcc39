"""Files to tables: CSV and its cousins, JSON, Parquet, SQLite; plain, gzip or zstd; one file or a folder of them."""

from __future__ import annotations

import csv
import gzip
import zlib
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.readers_common import FILE as FILE
from foretaste.data.readers_common import ROW as ROW
from foretaste.data.readers_common import Table as Table
from foretaste.data.readers_common import typed_table
from foretaste.data.readers_json import json_rows
from foretaste.data.readers_sqlite import ENDINGS as SQLITE_ENDINGS
from foretaste.data.readers_sqlite import sqlite_rows
from foretaste.data.readers_text import decoded, delimited
from foretaste.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet")
QUARANTINE = "quarantine.csv"
"""Written by a check beside the events; not events itself until somebody repairs it and gives it another name."""
ZSTD = b"\x28\xb5\x2f\xfd"


def read_table(path: Path) -> Table:
    """One file, or every file of a folder; a table of a SQLite file is called `shop.db#orders`."""
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if _ending(p) in ENDINGS and p.name != QUARANTINE)
        if not files:
            raise DataError(f"The folder {path} has no file of a kind we read: {', '.join(ENDINGS)}, also with .gz.")
        tables = [_read_file(file) for file in files]
        _same_columns(tables)
        return Table(
            pl.concat([table.frame for table in tables], how="diagonal_relaxed"),
            [line for table in tables for line in table.broken],
            tables[0].format,
        )
    return _read_file(path)


def _same_columns(tables: list[Table]) -> None:
    """A file of other columns is another table, and rows of two tables in one are good rows of neither."""
    first = set(tables[0].frame.columns) - {ROW, FILE}
    for table in tables[1:]:
        names = [name for name in table.frame.columns if name not in {ROW, FILE}]
        if 2 * len(first.intersection(names)) < len(first):
            raise DataError(
                f"{table.frame[FILE][0]} has other columns ({', '.join(names)}) than {tables[0].frame[FILE][0]} in the "
                "same folder; keep each kind of table in a folder of its own."
            )


def _read_file(path: Path) -> Table:
    name, _, part = path.name.partition("#")
    if part and not path.exists():
        path = path.with_name(name)
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    ending = _ending(path)
    try:
        if ending == ".parquet":
            table = typed_table(pl.read_parquet(path), "Parquet")
        elif ending in SQLITE_ENDINGS:
            table = sqlite_rows(path, part or None)
        else:
            text, encoding = decoded(path, _unpacked(path.read_bytes()))
            json_like = ending in {".jsonl", ".ndjson", ".json"}
            table = json_rows(path, text) if json_like else delimited(path, text, encoding)
    except (pl.exceptions.PolarsError, gzip.BadGzipFile, zlib.error, csv.Error, EOFError, OSError) as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    if not len(table.frame) and not table.broken:
        raise DataError(f"{path} has no rows.")
    return Table(table.frame.with_columns(pl.lit(path.name).alias(FILE)), table.broken, table.format)


def _unpacked(raw: bytes) -> bytes:
    """By what the file begins with, whatever it is called."""
    if raw.startswith(b"\x1f\x8b"):
        return gzip.decompress(raw)
    if raw.startswith(ZSTD):
        # polars knows zstd and Python before 3.14 does not: each line as one field, and put together again.
        lines = pl.read_csv(
            raw, has_header=False, separator="\x1f", quote_char=None, infer_schema=False, new_columns=["line"]
        )
        return "\n".join(lines["line"].fill_null("").to_list()).encode()
    return raw


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    return "." + name.rpartition(".")[2] if "." in name else ""
