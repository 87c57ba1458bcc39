"""Frames to tables: polars (lazy too), anything that speaks Arrow (pandas, pyarrow, duckdb), plain dicts and lists."""

from __future__ import annotations

from typing import Any

import polars as pl

from foretaste.data.readers.common import FILE, Table, typed_table
from foretaste.errors import DataError


def frame_table(source: Any, name: str = "frame") -> Table:
    """A table of a frame; rows are counted from 1.

    source : a polars DataFrame or LazyFrame, an object with __arrow_c_stream__ or with named columns of arrays, a dict
             of columns, or a list of dicts
    name   : what to call it in messages
    """
    frame = _frame(source, name)
    if not len(frame):
        raise DataError(f"The {name} has no rows.")
    table = typed_table(frame, f"a {name}")
    return Table(table.frame.with_columns(pl.lit(name).alias(FILE)), [], table.format)


def _frame(source: Any, name: str) -> pl.DataFrame:
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    try:
        if isinstance(source, dict | list) or hasattr(source, "__arrow_c_stream__"):
            try:
                return pl.DataFrame(source)
            except ImportError:  # pandas speaks Arrow only where pyarrow is installed, which it does not bring itself
                return pl.DataFrame([_without_arrow(str(column), source[column]) for column in source.columns])
        if hasattr(source, "columns"):
            return pl.DataFrame({str(column): source[column].to_numpy() for column in source.columns})
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise DataError(f"The {name} cannot be read as a table: {str(error).splitlines()[0]}.") from None
    kind = type(source).__name__
    raise DataError(f"The {name} is a {kind}; give a data frame, a dict of columns, a list of dicts, or a path.")


def _without_arrow(name: str, column: Any) -> pl.Series:
    """A column of pandas without Arrow: numbers and times as arrays, all else value by value."""
    array = column.to_numpy()
    if array.dtype.kind in "biufM":
        return pl.Series(name, array, nan_to_null=True)
    missing = column.isna().tolist()
    return pl.Series(name, [None if gone else value for gone, value in zip(missing, column.tolist(), strict=True)])
