"""Events as data frames: the schema of the log, and the normalisation and ids of a table before its import."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from foretaste.errors import DataError
from foretaste.events.model import DEFAULT_KIND, EARLIEST, LARGEST_VALUE, LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_ROWS = 100_000
IMPORTED = b"\xff"
"""First byte of the id of an imported row. No UTF-8 text begins with it, so it is never a client's id."""
EXPORTED = b"\xfe"
"""First byte of an id that a store has exported; the bytes after it are the key in the store."""

LOG_SCHEMA = {
    "seq": pl.Int64,
    "user": pl.String,
    "item": pl.String,
    "kind": pl.String,
    "time": pl.Int64,
    "value": pl.Float64,
}
WHOLE_SCHEMA = {**LOG_SCHEMA, "id": pl.String, "stamped": pl.Boolean, "context": pl.String}
"""The log with all its columns; `id` is the store's own, 32 hex digits."""


def plain_events(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns user, item, kind (String), time (Int64 µs), value (Float64), stamped, context, and id if given.

    Only times, contexts and ids may be null. DataError where a column or a value cannot be used.
    """
    if missing := {"user", "item"} - set(frame.columns):
        raise DataError(f"The events have no column '{min(missing)}'. They have: {', '.join(frame.columns)}.")
    kind = pl.col("kind").cast(pl.String).fill_null(DEFAULT_KIND) if "kind" in frame.columns else pl.lit(DEFAULT_KIND)
    value = pl.col("value").cast(pl.Float64).fill_null(1.0).fill_nan(1.0) if "value" in frame.columns else pl.lit(1.0)
    events = frame.select(
        pl.col("user", "item").cast(pl.String),
        kind=kind,
        time=_microseconds(frame.schema["time"]) if "time" in frame.columns else pl.lit(None, pl.Int64),
        value=pl.when(value == 0).then(0.0).otherwise(value),  # −0.0 and 0.0 are one value, and must give one id
        stamped=pl.col("stamped").cast(pl.Boolean).fill_null(False) if "stamped" in frame.columns else pl.lit(False),
        context=pl.col("context").cast(pl.String) if "context" in frame.columns else pl.lit(None, pl.String),
        **({"id": pl.col("id").cast(pl.String)} if "id" in frame.columns else {}),
    )
    for column in ("user", "item", "kind"):
        _refuse(events, pl.col(column).is_null() | (pl.col(column) == ""), f"has no {column}")
    _refuse(events, ~pl.col("time").is_between(EARLIEST, LATEST), "has a time outside the years 1 to 9999")
    _refuse(events, pl.col("value").abs() > LARGEST_VALUE, f"has a value beyond {LARGEST_VALUE:g}")
    if "id" in events.columns:
        _refuse(events, ~pl.col("id").str.contains("^[0-9a-f]{32}$"), "has an id that is not 32 hex digits")
    return events


def with_ids(events: pl.DataFrame) -> Iterator[tuple[list[bytes], pl.DataFrame]]:
    """Chunks of (ids, events). An id is the hash of the row and of the number of equal rows before it.

    So the same file imported again has the same ids, and two equal rows of one file are two events. A row with an id
    of its own, as in an export, keeps it.
    """
    names = ("user", "item", "kind")
    lengths = [pl.col(name).str.len_bytes() for name in names]  # lest ("ab", "c") and ("a", "bc") read alike
    # The bits of the value, since how a float is printed may change from one polars to the next.
    rest = [pl.col("time").fill_null("none"), pl.col("value").reinterpret(signed=True), pl.col("earlier")]
    text = pl.concat_str([*lengths, *rest, *names], separator=" ").alias("text")
    events = events.with_columns(earlier=pl.int_range(pl.len()).over(*names, "time", "value"))
    for start in range(0, len(events), CHUNK_ROWS):
        chunk = events.slice(start, CHUNK_ROWS)
        texts = chunk.with_columns(pl.col("time").cast(pl.String)).select(text).to_series().to_list()
        ids = [IMPORTED + blake2b(t.encode(), digest_size=15).digest() for t in texts]
        if "id" in chunk.columns:
            pairs = zip(chunk["id"].to_list(), ids, strict=True)
            ids = [made if given is None else EXPORTED + bytes.fromhex(given) for given, made in pairs]
        yield ids, chunk.select("user", "item", "kind", "time", "value", "stamped", "context")


def _microseconds(dtype: pl.DataType) -> pl.Expr:
    time = pl.col("time")
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            time = time.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return time.dt.cast_time_unit("us").cast(pl.Int64)
    if dtype == pl.Date:
        return time.cast(pl.Datetime("us")).cast(pl.Int64)
    if dtype.is_integer() or dtype == pl.Null:
        return time.cast(pl.Int64)
    raise DataError(f"The column 'time' is {dtype}; it must be a date-time, or whole µs since 1970 UTC.")


def _refuse(events: pl.DataFrame, wrong: pl.Expr, what: str) -> None:
    rows = events.select(wrong.fill_null(False).arg_true()).to_series()
    if len(rows):
        raise DataError(
            f"Row {rows[0] + 1} of the events {what} ({len(rows)} such rows); `foretaste check` lists them."
        )
