"""Columns of an event table as the arrays of a data set: names as codes, kinds, times; table columns as objects."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.data.ids import IdMap
from foretaste.data.kinds import Kinds, usual_kinds
from foretaste.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.types import IntArray, LongArray


def object_column(column: pl.Series) -> NDArray[Any]:
    if column.dtype.is_temporal() or (column.dtype.is_numeric() and not column.null_count()):
        return column.to_numpy()
    found = np.empty(len(column), object)
    found[:] = column.to_list()
    return found


def table_hash(frame: pl.DataFrame) -> str:
    """Hash of the content of a table, the same in all versions of polars."""
    return sha256(frame.select(sorted(frame.columns)).write_csv().encode()).hexdigest()


def coded(names: pl.Series, known: IdMap | None, further: pl.Series | None = None) -> tuple[IdMap, IntArray]:
    """An id map of these names and of `further` ones, and the (n,) codes of the names."""
    if names.null_count():
        raise DataError(f"Some events have no {names.name}; `foretaste check` lists them.")
    distinct = names.unique().cast(pl.String)
    if further is not None:
        distinct = pl.concat([distinct, further.cast(pl.String)])
    ids = known.extended(distinct) if known else IdMap.of(distinct)
    return ids, ids.codes(names)


def kind_codes(names: pl.Series, known: Kinds | None) -> tuple[Kinds, NDArray[np.uint8]]:
    distinct = names.unique(maintain_order=True).to_list()
    kinds = known.with_names(distinct) if known else usual_kinds(distinct)
    codes = {name: kinds.code(name) for name in distinct}
    return kinds, names.replace_strict(codes, return_dtype=pl.UInt8).to_numpy()


def microseconds(time: pl.Series) -> LongArray | None:
    """Datetimes or whole numbers as int64 µs; None when no event has a time."""
    if time.null_count() == len(time):
        return None
    if time.null_count():
        raise DataError(f"{time.null_count()} of {len(time)} events have no time; give all a time, or none.")
    if isinstance(dtype := time.dtype, pl.Datetime):
        time = time.dt.cast_time_unit("us")
        if dtype.time_zone is not None:
            time = time.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    elif time.dtype == pl.Date:
        time = time.cast(pl.Datetime("us"))
    elif not time.dtype.is_integer():
        raise DataError(f"The column 'time' is {time.dtype}; it must be a date-time, or whole µs since 1970 UTC.")
    return time.cast(pl.Int64).to_numpy()
