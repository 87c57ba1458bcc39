"""The table that every reader returns, whose rows have the file and the row number they came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW = "__row__"
"""Number of the record in its file; the header is row 1, so the first record of a CSV is row 2."""
FILE = "__file__"


@dataclass(frozen=True, eq=False)
class Table:
    """A table, or a part of one.

    frame  : the records; text from text files, the file's own types from Parquet; plus columns FILE and ROW
    broken : records that cannot be read as rows: (file, row, what is wrong, text)
    format : how it was read: separator, encoding
    """

    frame: pl.DataFrame
    broken: list[tuple[str, int, str, str]] = field(default_factory=list)
    format: str = ""


def typed_table(frame: pl.DataFrame, format: str) -> Table:
    """A table from a typed frame; types that are not supported become text, lists stay lists."""
    frame = frame.drop(ROW, FILE, strict=False)
    changed = []
    for column in frame.iter_columns():
        if isinstance(column.dtype, pl.Struct):
            changed.append(column.struct.json_encode())
        elif isinstance(column.dtype, pl.Duration):
            changed.append(column.dt.total_microseconds() / 1e6)  # in seconds
        elif column.dtype == pl.Time:
            changed.append(column.dt.to_string("%H:%M:%S%.f"))
        elif column.dtype == pl.Binary:
            changed.append(_as_text(column))
    return Table(frame.with_columns(changed).with_row_index(ROW, offset=1), [], format)


def text_table(columns: Sequence[str], rows: Sequence[Sequence[object]], before: int, format: str) -> Table:
    """A table of rows from a database, every value as text; `before` rows were read before these."""
    by_name = {name: n for n, name in enumerate(columns) if name not in {ROW, FILE}}
    frame = pl.DataFrame(
        {name: pl.Series([_spelled(row[n]) for row in rows], dtype=pl.String) for name, n in by_name.items()}
    )
    at = pl.int_range(before + 1, before + len(rows) + 1, dtype=pl.UInt32, eager=True)
    return Table(frame.with_columns(at.alias(ROW)), [], format)


def _spelled(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value) if isinstance(value, bool | list) else str(value)


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as text, which can be written to a CSV, repaired and read again."""
    odd = [
        pl.Series(column.name, [json.dumps(value, default=str) for value in column.to_list()], dtype=pl.String)
        for column in frame.iter_columns()
        if not is_plain(column.dtype)
    ]
    return frame.with_columns(odd).with_columns(pl.exclude(ROW, FILE).cast(pl.String, strict=False))


def _as_text(column: pl.Series) -> pl.Series:
    """Binary columns of text, as old writers of Parquet have them, as text; pictures stay binary."""
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError:
        return column


def is_plain(dtype: pl.DataType) -> bool:
    """Whether a column of this type could hold ids, times, kinds or numbers."""
    return not dtype.is_nested() and dtype not in (pl.Binary, pl.Object, pl.Null)
