"""What was said of people one by one, laid over the table of people that came as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.columns import truths

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_told(
    table: pl.DataFrame | None, users: pl.Series, told: Mapping[str, Mapping[str, Any]]
) -> pl.DataFrame | None:
    """One row per user: what was told of them, and what nobody told as the file has it; None where nothing is known.

    table : a column user and whatever the file knows; its columns keep their types, and what does not fit is unknown
    users : the names, in the order of the rows
    told  : by name, column to JSON value
    """
    named = pl.DataFrame({"user": users})
    known = named if table is None else named.join(table, on="user", how="left", maintain_order="left")
    rows = [told.get(user, {}) for user in users.to_list()]
    for name in sorted({name for row in rows for name in row} - {"user"}):
        said = _series(name, [row.get(name) for row in rows])
        if name in known.columns:
            said = _as(said, known[name].dtype).fill_null(known[name])
        known = known.with_columns(said)
    return known if known.width > 1 else None


def _series(name: str, values: list[Any]) -> pl.Series:
    """Of the sort most of JSON's are: numbers where all are, labels where one is a list, words where they differ."""
    values = [None if isinstance(value, dict) else value for value in values]
    given = [value for value in values if value is not None]
    if any(isinstance(value, list) for value in given):
        lists = [value if isinstance(value, list) or value is None else [value] for value in values]
        return pl.Series(name, [value and [str(part) for part in value] for value in lists], pl.List(pl.String))
    if all(isinstance(value, bool) for value in given):
        return pl.Series(name, values, pl.Boolean)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        whole = all(isinstance(value, int) and abs(value) < 2**63 for value in given)
        return pl.Series(name, values, pl.Int64) if whole else pl.Series(name, [_float(v) for v in values], pl.Float64)
    return pl.Series(name, [None if value is None else _word(value) for value in values], pl.String)


def _float(value: float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _as(said: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Of the type of the file's column."""
    try:
        if said.dtype == pl.String and dtype in (pl.Date, pl.Datetime):
            return said.str.to_datetime(time_unit="us", strict=False).cast(dtype)
        if said.dtype == pl.String and dtype == pl.Boolean:
            return truths(said)
        return said.cast(dtype, strict=False)
    except pl.exceptions.PolarsError:
        return pl.Series(said.name, [None] * len(said), dtype)
