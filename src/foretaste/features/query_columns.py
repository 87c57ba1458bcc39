"""User columns of a batch of queries as vectors, by the encoding that was learned from the user table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.features.columns import LABELS, category_block, days_since_1970, number_block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from foretaste.features.columns import Column, ColumnVectors
    from foretaste.types import FloatArray

NAN = float("nan")


def query_column_vectors(columns: Mapping[str, NDArray[Any]], learned: ColumnVectors, n: int) -> FloatArray:
    """(n, width) float32, equal to `learned.transform` of a table, but without building one: queries need low latency.

    A missing column, a value outside the vocabulary and a value of the wrong type all count as unknown: block 0.

    columns : named (n,) arrays as `Queries.columns` has them; None and nan are unknown
    """
    blocks = [
        _block(columns[column.name], column) if column.name in columns else np.zeros((n, column.width), np.float32)
        for column in learned.columns
    ]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((n, 0), np.float32)


def _block(values: NDArray[Any], learned: Column) -> FloatArray:
    given = values.astype("M8[us]").tolist() if values.dtype.kind == "M" else values.tolist()
    if learned.kind in ("category", "labels"):
        return category_block([_words(value, learned.kind == "labels") for value in given], learned)
    if learned.kind == "date":
        return number_block(np.array([days_since_1970(value) for value in given], np.float64), learned)
    numbers = np.array([_number(value) for value in given], np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    if learned.kind == "price":
        numbers[numbers < 0] = np.nan
        numbers = np.log1p(numbers)
    return number_block(numbers, learned)


def _words(value: Any, labels: bool) -> list[str]:
    """Labels as strings, written as polars writes them in a table."""
    if value is None or isinstance(value, dict) or value != value:  # nan != nan
        return []
    if isinstance(value, list | tuple):
        return [str(part) for part in value if part is not None]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    text = str(value)
    return [part.strip() for part in re.split(LABELS, text)] if labels else [text]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return NAN
