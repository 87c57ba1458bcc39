"""Types of the text columns of an item or user file: lists, numbers, booleans, or text."""

from __future__ import annotations

import ast
import json
from typing import Any, TypeVar

import polars as pl

from foretaste.data.parsing.numbers import number

Column = TypeVar("Column", pl.Series, pl.Expr)
LIST_SHARE = 0.05
"""Smallest share of values with more than one part from which a column holds lists."""


def typed_columns(frame: pl.DataFrame, keep: tuple[str, ...] = ()) -> pl.DataFrame:
    """Text columns as typed ones: '' is null, 'Action|War' a list, '1995' a number, 'true' a boolean.

    keep : columns whose text stays unchanged: ids, titles
    """
    return frame.with_columns(
        _meaning(column)
        if column.name not in keep
        else column.set(column.str.strip_chars() == "", None)  # an item without a title is shown by its id
        for column in frame.iter_columns()
        if column.dtype == pl.String
    )


def _meaning(column: pl.Series) -> pl.Series:
    column = column.set((column.str.strip_chars() == "").fill_null(False), None)
    values = column.drop_nulls()
    if not len(values):
        return column
    if _share(values, r"^\s*[\[(]") > 0.95 and (lists := _written_lists(column)) is not None:
        return lists
    for mark in ("|", ";"):
        # A bar between two letters or digits, as in 'Action|War'; prose with bars, 'A | B', stays prose.
        if _share(values, rf"\S\{mark}\S") > LIST_SHARE and not _share(values, rf"\s\{mark}\s"):
            return column.str.split(mark)
    if _shares_words(values):
        return by_commas(column)
    if values.str.contains(r"(?i)^\s*(true|false)\s*$").all():
        return booleans(column)
    return _number(column, values)


def booleans(column: pl.Series) -> pl.Series:
    """'true' and 'false', in any case, as booleans; null for every other text."""
    words = column.str.strip_chars().str.to_lowercase()
    return words.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)


def _share(values: pl.Series, pattern: str) -> float:
    return number(values.str.contains(pattern).mean())


def by_commas(values: Column) -> Column:
    """'Comedy, Drama' as a list of the two."""
    return values.str.split(",").list.eval(pl.element().str.strip_chars())


def _shares_words(values: pl.Series) -> bool:
    """Whether text with commas is lists: 'Action, War' is where few short words recur often; a sentence is not."""
    if _share(values, ",") < 0.3:
        return False
    parts = by_commas(values)
    words = parts.explode().drop_nulls()
    if number(parts.list.len().max()) < 3 or len(words) < 20 or number(words.str.len_chars().max()) > 30:
        return False
    return words.n_unique() <= 0.25 * len(words) and not _share(words, r"^[\d.\s]*$")


def _written_lists(column: pl.Series) -> pl.Series | None:
    """Lists of texts, written as JSON or Python literals; None if a value is no list."""
    found: list[list[str] | None] = []
    for value in column.to_list():
        try:
            parts: Any = None if value is None else _parsed(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
        if parts is not None and not isinstance(parts, list | tuple):
            return None
        found.append(None if parts is None else [_word(part) for part in parts])
    return pl.Series(column.name, found, dtype=pl.List(pl.String))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return ast.literal_eval(text)  # ['Action', 'War'], as pandas writes a list; reads values and runs nothing


def _word(part: Any) -> str:
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def _number(column: pl.Series, values: pl.Series) -> pl.Series:
    """Numbers if every value is one; codes with leading zeros, '0042', stay text.

    A comma is a decimal one where some number has other than three digits behind it: '9,90', not '1,000'.
    """
    original, point = column, values
    if _share(values, r"^\s*-?\d+,(\d{1,2}|\d{4,})\s*$") and not _share(values, r"[.]"):
        point = values.str.replace(",", ".", literal=True)
        column = column.str.replace(",", ".", literal=True)
    if not point.str.contains(r"^\s*-?(0|[1-9]\d{0,17})([.]\d+)?\s*$").all():
        return original
    whole = not point.str.contains(".", literal=True).any()
    return column.str.strip_chars().cast(pl.Int64 if whole else pl.Float64)
