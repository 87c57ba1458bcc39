"""Which items a request may be answered with, by their columns: {"genres": ["Drama"], "year": {"min": 1990}}."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from foretaste.types import BoolArray

MAX_VALUES = 100
NUMBERS, TEXTS, TRUTHS = "numbers", "texts", "true or false"


def check_filter(wanted: Mapping[str, Any], columns: Collection[str]) -> None:
    """DataError naming the column, if there is no such column or it cannot be compared like that."""
    for name, rule in wanted.items():
        if name not in columns:
            known = ", ".join(sorted(columns)[:20]) or "none"
            raise DataError(f"filter: the catalogue has no column '{name}'. It has: {known}.")
        if isinstance(rule, dict):
            if (
                not rule
                or set(rule) - {"min", "max"}
                or not all(_is_number(v) or isinstance(v, str) for v in rule.values())
            ):
                raise DataError(
                    f'filter: \'{name}\' wants a range like {{"min": 1, "max": 2}}, of numbers or of texts.'
                )
        else:
            values = rule if isinstance(rule, list) else [rule]
            if len(values) > MAX_VALUES or not all(isinstance(v, str | int | float | bool) for v in values):
                raise DataError(f"filter: '{name}' wants a value, or a list of up to {MAX_VALUES} values.")


def check_values(wanted: Mapping[str, Any], frame: pl.DataFrame) -> None:
    """DataError naming the first column whose values are of a sort that can never be what is wanted of it."""
    for name, rule in wanted.items():
        if name not in frame.columns or (sort := sort_of(frame[name])) is None:
            continue
        values = list(rule.values()) if isinstance(rule, dict) else rule if isinstance(rule, list) else [rule]
        if isinstance(rule, dict) and (isinstance(frame[name].dtype, pl.List) or sort == TRUTHS):
            raise DataError(
                f"filter: '{name}' holds {_such_as(frame[name])}, which no range compares; give a value or a list."
            )
        odd = [value for value in values if _sort_of_value(value) != sort]
        if odd and (isinstance(rule, dict) or len(odd) == len(values)):
            raise DataError(
                f"filter: '{name}' holds {_such_as(frame[name])}, and {_short(odd[0])} is none of these; "
                "write it as the catalogue does."
            )


def misfits(columns: Mapping[str, Any], frame: pl.DataFrame) -> list[str]:
    """A sentence for each value of an item that is of another sort than its column has, so that filters miss it."""
    found = []
    for name, value in columns.items():
        sort = sort_of(frame[name]) if name in frame.columns else None
        given = {_sort_of_value(part) for part in (value if isinstance(value, list) else [value])} - {None}
        if sort is not None and given and sort not in given:
            said = f"'{name}' holds {_such_as(frame[name])}, and {_short(value)} is none of these"
            found.append(f"Kept; but {said}, so that filters over it do not find this item.")
    return found


def sort_of(column: pl.Series) -> str | None:
    """What a column holds, as JSON has it: numbers, texts, or true or false; None where it says nothing."""
    dtype = column.dtype.inner if isinstance(column.dtype, pl.List) else column.dtype
    if column.null_count() == len(column):
        return None
    return NUMBERS if dtype.is_numeric() else TRUTHS if dtype == pl.Boolean else TEXTS  # dates are texts outside


def _sort_of_value(value: Any) -> str | None:
    if isinstance(value, bool):
        return TRUTHS
    return NUMBERS if isinstance(value, int | float) else TEXTS if isinstance(value, str) else None


def _such_as(column: pl.Series) -> str:
    """What a column holds, with one of its values."""
    sort, values = sort_of(column), column.drop_nulls()
    if isinstance(column.dtype, pl.List):
        values = values.explode(empty_as_null=True).drop_nulls()
    return str(sort) if sort == TRUTHS or not len(values) else f"{sort} like {_short(values[0])}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:60]}…"


def matches(columns: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether one item has what is wanted; an item that says nothing of a column does not."""
    return all(_has(columns.get(name), rule) for name, rule in wanted.items())


def _has(value: Any, rule: Any) -> bool:
    if value is None:
        return False
    if isinstance(rule, dict):
        return not isinstance(value, list | dict) and all(_within(value, key, bound) for key, bound in rule.items())
    wanted = rule if isinstance(rule, list) else [rule]
    there = value if isinstance(value, list) else [value]
    return any(_same(have, want) for have in there for want in wanted)


def _within(value: Any, key: str, bound: Any) -> bool:
    if _is_number(value) != _is_number(bound) or isinstance(value, bool):
        return False
    return bool(value >= bound if key == "min" else value <= bound)


def _same(have: Any, want: Any) -> bool:
    """1 and 1.0 are the same, 1 and true are not, nor are 1 and '1'."""
    return bool(have == want) and isinstance(have, bool) == isinstance(want, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def mask(frame: pl.DataFrame, wanted: Mapping[str, Any]) -> BoolArray:
    """(n,) `matches` of every row at once."""
    found = np.ones(len(frame), np.bool_)
    for name, rule in wanted.items():
        found &= _column_mask(frame[name], rule) if name in frame.columns else False
    return found


def _column_mask(column: pl.Series, rule: Any) -> BoolArray:
    dtype = column.dtype.inner if isinstance(column.dtype, pl.List) else column.dtype
    numeric, text, truth = dtype.is_numeric(), dtype == pl.String, dtype == pl.Boolean
    if not (numeric or text or truth):  # dates and the like are texts outside
        column, text = column.cast(pl.String if not isinstance(column.dtype, pl.List) else pl.List(pl.String)), True
    if isinstance(rule, dict):
        if isinstance(column.dtype, pl.List) or truth:
            return np.zeros(len(column), np.bool_)
        if not all(_is_number(bound) == numeric for bound in rule.values()):
            return np.zeros(len(column), np.bool_)
        kept = pl.Series([True]).new_from_index(0, len(column))
        for key, bound in rule.items():
            kept = kept & ((column >= bound) if key == "min" else (column <= bound))
        if column.dtype.is_float():
            kept = kept & ~column.is_nan()
        return kept.fill_null(False).to_numpy()
    values = [value for value in (rule if isinstance(rule, list) else [rule]) if _fits(value, numeric, text)]
    if not values:
        return np.zeros(len(column), np.bool_)
    if isinstance(column.dtype, pl.List):
        flat = column.explode(empty_as_null=True)
        rows = np.repeat(np.arange(len(column)), np.maximum(column.list.len().fill_null(1).to_numpy(), 1))
        hit = _is_in(flat, values, numeric)
        found = np.zeros(len(column), np.bool_)
        found[rows[hit]] = True
        return found
    return _is_in(column, values, numeric)


def _fits(value: Any, numeric: bool, text: bool) -> bool:
    if numeric:
        return _is_number(value)
    return isinstance(value, str) if text else isinstance(value, bool)


def _is_in(column: pl.Series, values: list[Any], numeric: bool) -> BoolArray:
    if numeric:
        column, values = column.cast(pl.Float64), [float(value) for value in values]
    return column.is_in(values).fill_null(False).to_numpy()
