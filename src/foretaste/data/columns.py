"""What the columns of an item or user file hold: lists written as text become lists, numbers become numbers."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

LIST_SHARE = 0.05
"""A column is of lists when at least this share of its values holds more than one part."""


def tidied(frame: pl.DataFrame, keep: tuple[str, ...] = ()) -> pl.DataFrame:
    """Columns of text with their meaning: nothing is null, 'Action|War' is a list, '1995' is a number.

    keep : columns whose text stays exactly as it is: ids, titles
    """
    return frame.with_columns(
        _meaning(column)
        if column.name not in keep
        else column.set(column.str.strip_chars() == "", None)  # an item without a title is called by its id
        for column in frame.iter_columns()
        if column.dtype == pl.String
    )


def _meaning(column: pl.Series) -> pl.Series:
    column = column.set((column.str.strip_chars() == "").fill_null(False), None)
    values = column.drop_nulls()
    if not len(values):
        return column
    if values.str.starts_with("[").mean() > 0.95 and (lists := _json_lists(column)) is not None:  # type: ignore[operator]  # a share
        return lists
    # A bar between two letters or digits, as in 'Action|War'; prose with bars, 'A | B', stays prose.
    if values.str.contains(r"\S\|\S").mean() > LIST_SHARE and not values.str.contains(r"\s\|\s").any():  # type: ignore[operator]
        return column.str.split("|")
    return _number(column, values)


def _json_lists(column: pl.Series) -> pl.Series | None:
    """Lists of words, None where a value is no list."""
    found: list[list[str] | None] = []
    for value in column.to_list():
        try:
            parts: Any = None if value is None else json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            return None
        if parts is not None and not isinstance(parts, list):
            return None
        found.append(None if parts is None else [_word(part) for part in parts])
    return pl.Series(column.name, found, dtype=pl.List(pl.String))


def _word(part: Any) -> str:
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def _number(column: pl.Series, values: pl.Series) -> pl.Series:
    """Numbers where every value is one; codes with leading zeros, '0042', stay text."""
    if not values.str.contains(r"^\s*-?(0|[1-9]\d{0,17})([.]\d+)?\s*$").all():
        return column
    whole = not values.str.contains(".", literal=True).any()
    return column.str.strip_chars().cast(pl.Int64 if whole else pl.Float64)
