"""Times of any spelling to µs since 1970 UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
ISO = "iso"
EXCEL = "excel"
"""Days since 1899-12-30, as spreadsheets count."""
FORMATS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d",
)
_ISO_SHAPE = re.compile(r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d([.,]\d+)?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?$")


def guess_format(sample: Sequence[str]) -> tuple[str, float]:
    """The spelling that reads most of a sample, and the share of the sample it reads."""
    values = [value.strip() for value in sample if value and value.strip()]
    if not values:
        return ISO, 0.0
    numbers = [number for value in values if (number := _number(value)) is not None]
    if len(numbers) > 0.8 * len(values) and not all(_looks_like_a_day(value) for value in values):
        return _unit(sorted(numbers)[len(numbers) // 2]), len(numbers) / len(values)
    shares = {ISO: sum(bool(_ISO_SHAPE.match(value)) for value in values) / len(values)}
    column = pl.Series(values)
    for spelling in FORMATS:
        shares[spelling] = 1 - to_microseconds(column, spelling).null_count() / len(values)
    best = max(shares, key=lambda spelling: shares[spelling])
    return best, shares[best]


def to_microseconds(column: pl.Series, spelling: str, zone: str = "UTC") -> pl.Series:
    """Int64 µs since 1970 UTC, null where a value does not fit the spelling.

    zone : of times that do not name one themselves
    """
    if isinstance(column.dtype, pl.Datetime):
        aware = column if column.dtype.time_zone else column.dt.replace_time_zone(zone, ambiguous="earliest")
        return aware.dt.convert_time_zone("UTC").dt.epoch("us")
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")).dt.epoch("us")
    if column.dtype.is_numeric():
        column = column.cast(pl.String)
    text = column.str.strip_chars()
    if spelling in PER_SECOND:
        scale = 1_000_000 / PER_SECOND[spelling]
        whole = text.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
        exact = whole * int(scale) if scale >= 1 else whole // round(1 / scale)
        with_fraction = (text.cast(pl.Float64, strict=False) * scale).cast(pl.Int64, strict=False)
        return exact.zip_with(exact.is_not_null(), with_fraction)
    if spelling == EXCEL:
        days = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        return ((days - 25_569) * 86_400_000_000).round().cast(pl.Int64, strict=False)
    if spelling == ISO:
        return _iso(text, zone)
    parsed = text.str.to_datetime(spelling, strict=False, time_unit="us")
    return parsed.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.epoch("us")


def _iso(text: pl.Series, zone: str) -> pl.Series:
    """2026-01-05, 2026-01-05 21:22, 2026-01-05T21:22:00.5Z, 2026-01-05T21:22:00+02:00, mixed as they come."""
    frame = (
        text.alias("t")
        .to_frame()
        .with_columns(
            day=pl.col("t").str.extract(r"^(\d{4}-\d\d-\d\d)", 1),
            clock=pl.col("t").str.extract(r"^\d{4}-\d\d-\d\d[ T](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)", 1),
            offset=pl.col("t").str.extract(r"(Z|UTC|[+-]\d\d:?\d\d)$", 1),
            shape=pl.col("t").str.contains(_ISO_SHAPE.pattern),
        )
    )
    clock = pl.col("clock").fill_null("00:00").str.replace(",", ".", literal=True)
    clock = pl.when(clock.str.len_chars() == 5).then(clock + ":00").otherwise(clock)
    naive = (pl.col("day") + " " + clock).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    # '2026-01-05' has no clock, so its '-05' is not an offset.
    stated = pl.when(pl.col("clock").is_not_null()).then(pl.col("offset"))
    hours = stated.str.extract(r"^([+-]\d\d)", 1).cast(pl.Int64, strict=False).fill_null(0)
    minutes = stated.str.extract(r"(\d\d)$", 1).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(stated.str.starts_with("-")).then(-1).otherwise(1)
    shift = (hours * 3600 + sign * minutes * 60) * 1_000_000
    local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.epoch("us")
    found = pl.when(stated.is_null()).then(local).otherwise(naive.dt.epoch("us") - shift)
    return frame.select(pl.when(pl.col("shape")).then(found)).to_series()


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _looks_like_a_day(value: str) -> bool:
    return len(value) == 8 and value.isdigit() and value[:2] in {"19", "20"} and 1 <= int(value[4:6]) <= 12


def _unit(number: float) -> str:
    """By size: seconds have ten digits until the year 2286; a spreadsheet's days have five."""
    if number < 100_000:
        return EXCEL
    return "s" if number < 1e11 else "ms" if number < 1e14 else "us" if number < 1e17 else "ns"
