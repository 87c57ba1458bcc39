"""User attributes from the live store laid over the table of users that came as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.parsing.columns import booleans

if TYPE_CHECKING:
    from collections.abc import Mapping


def overlay_user_attributes(
    table: pl.DataFrame | None, users: pl.Series, attributes: Mapping[str, Mapping[str, Any]]
) -> pl.DataFrame | None:
    """One row per user: the live attributes, and those of the file where there is no live one; None without any.

    table      : a column user and the columns of the file; they keep their types, and a live value that does not fit
                 is null
    users      : names, in the order of the rows
    attributes : user name → column → JSON value
    """
    named = pl.DataFrame({"user": users})
    known = named if table is None else named.join(table, on="user", how="left", maintain_order="left")
    rows = [attributes.get(user, {}) for user in users.to_list()]
    for name in sorted({name for row in rows for name in row} - {"user"}):
        live = _series(name, [row.get(name) for row in rows])
        if name in known.columns:
            live = _as(live, known[name].dtype).fill_null(known[name])
        known = known.with_columns(live)
    return known if known.width > 1 else None


def _series(name: str, values: list[Any]) -> pl.Series:
    """A column of JSON values: numbers where all are numbers, lists where one is a list, text where types differ."""
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
    return pl.Series(name, [None if value is None else _text(value) for value in values], pl.String)


def _float(value: float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _as(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """The values as the type of the file's column; null where they cannot be."""
    try:
        if values.dtype == pl.String and dtype in (pl.Date, pl.Datetime):
            return values.str.to_datetime(time_unit="us", strict=False).cast(dtype)
        if values.dtype == pl.String and dtype == pl.Boolean:
            return booleans(values)
        return values.cast(dtype, strict=False)
    except pl.exceptions.PolarsError:
        return pl.Series(values.name, [None] * len(values), dtype)
