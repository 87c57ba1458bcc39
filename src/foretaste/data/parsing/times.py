"""Times in any format to µs since 1970 UTC, and guesses of the format."""

from __future__ import annotations

import re
import time
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
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y%m%dT%H%M%SZ",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%y %H:%M",
    "%d.%m.%y",
    "%d/%m/%y %H:%M",
    "%d/%m/%y",
    "%m/%d/%y %H:%M",
    "%m/%d/%y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %z %Y",
)
EARLY = 631_152_000_000_000
"""1990 in µs. Logs of user behaviour begin later; a time before it usually means 'unknown'."""
YEAR_1900 = -2_208_988_800_000_000
_ISO_SHAPE = re.compile(r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d([.,]\d+)?)?)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)?$")


def guess_format(sample: Sequence[str]) -> tuple[str, float]:
    """The format that reads most of a sample, and the share of the sample it reads."""
    values = [value.strip() for value in sample if value and value.strip()]
    if not values:
        return ISO, 0.0
    numbers = [number for value in values if (number := _number(value)) is not None]
    if len(numbers) > 0.8 * len(values) and not all(_looks_like_a_day(value) for value in values):
        return _unit(sorted(numbers)[len(numbers) // 2]), len(numbers) / len(values)
    shares = {ISO: sum(bool(_ISO_SHAPE.match(value)) for value in values) / len(values)}
    if shares[ISO] == 1:
        return ISO, 1.0
    column = pl.Series(values)
    for spelling in FORMATS:
        # '1/12/10' also reads as a day of the year 10; no log is that old.
        shares[spelling] = int((to_microseconds(column, spelling) > YEAR_1900).sum()) / len(values)
    best = max(shares, key=lambda spelling: shares[spelling])
    return best, shares[best]


def day_or_month_first(sample: Sequence[str], spelling: str) -> str | None:
    """The format with day and month exchanged, if it reads the whole sample too; else None."""
    for one, other in (("%d/%m/", "%m/%d/"), ("%m/%d/", "%d/%m/")):
        if spelling.startswith(one):
            swapped = spelling.replace(one, other)
            if to_microseconds(pl.Series(sample, dtype=pl.String), swapped).null_count() == 0:
                return swapped
    return None


def other_unit(column: pl.Series, unit: str) -> pl.Series:
    """Int64 µs of numbers that are plausible in exactly one other unit than `unit`, null elsewhere.

    Two logs were joined, one in seconds and one in milliseconds: each unit is a thousand times the next, so a number
    of the wrong one lies tens of thousands of years away, and only one unit puts it between 1990 and tomorrow.
    """
    found = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(column))
    for candidate in PER_SECOND:
        if candidate != unit:
            times = to_microseconds(column, candidate)
            found = found.zip_with(found.is_not_null(), times.zip_with(sensible(times), found))
    return found


def sensible(times: pl.Series) -> pl.Series:
    """(n,) whether times are between 1990 and tomorrow; clocks of other time zones may be a day ahead."""
    return ((times >= EARLY) & (times <= (time.time() + 86_400) * 1e6)).fill_null(False)


def to_microseconds(column: pl.Series, spelling: str, zone: str = "UTC") -> pl.Series:
    """Int64 µs since 1970 UTC, null where a value does not fit the format.

    zone : time zone of values that do not state one
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
    if "%z" in spelling:
        return text.str.to_datetime(spelling, strict=False, time_unit="us", time_zone="UTC").dt.epoch("us")
    if "%H" not in spelling and "%I" not in spelling:  # polars wants a clock in every date-time
        text, spelling = text + " 00:00", spelling + " %H:%M"
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
            offset=pl.col("t").str.extract(r"(Z|UTC|[+-]\d\d(?::?\d\d)?)$", 1),
            shape=pl.col("t").str.contains(_ISO_SHAPE.pattern),
        )
    )
    clock = pl.col("clock").fill_null("00:00").str.replace(",", ".", literal=True)
    clock = pl.when(clock.str.len_chars() == 5).then(clock + ":00").otherwise(clock)
    naive = (pl.col("day") + " " + clock).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    # '2026-01-05' has no clock, so its '-05' is not an offset.
    stated = pl.when(pl.col("clock").is_not_null()).then(pl.col("offset"))
    hours = stated.str.extract(r"^([+-]\d\d)", 1).cast(pl.Int64, strict=False).fill_null(0)
    minutes = stated.str.extract(r"^[+-]\d\d:?(\d\d)$", 1).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(stated.str.starts_with("-")).then(-1).otherwise(1)
    shift = (hours * 3600 + sign * minutes * 60) * 1_000_000
    local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.epoch("us")
    found = pl.when(stated.is_null()).then(local).otherwise(naive.dt.epoch("us") - shift)
    return frame.select(pl.when(pl.col("shape")).then(found)).to_series()


def _number(value: str) -> float | None:
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return None


def _looks_like_a_day(value: str) -> bool:
    return len(value) == 8 and value.isdigit() and value[:2] in {"19", "20"} and 1 <= int(value[4:6]) <= 12


def _unit(number: float) -> str:
    """The unit of a number by its size: seconds have ten digits until the year 2286, days of a spreadsheet five."""
    if number < 100_000:
        return EXCEL
    return "s" if number < 1e11 else "ms" if number < 1e14 else "us" if number < 1e17 else "ns"
