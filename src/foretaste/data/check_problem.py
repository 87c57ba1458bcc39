"""A problem of a table: what is wrong, in how many rows, where the first ones stand, what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from foretaste.config import Config
from foretaste.data.readers_common import FILE, ROW

if TYPE_CHECKING:
    import polars as pl

Action = Literal["kept", "repaired", "quarantined", "left out"]


class Problem(Config):
    code: str
    sentence: str
    rows: int
    first: tuple[tuple[str, int, str], ...]
    """Up to five: file, row, value."""
    action: Action


def examples(where: pl.DataFrame, rows: pl.Series, shown: pl.Series) -> tuple[tuple[str, int, str], ...]:
    """The first five rows: file, row number, value.

    where : FILE and ROW of each row
    rows  : true for the rows with the problem
    shown : the value to show of each row
    """
    frame = where.select(FILE, ROW).with_columns(shown.alias("shown")).filter(rows).head(5)
    return tuple((file, row, "" if value is None else str(value)) for file, row, value in frame.iter_rows())
