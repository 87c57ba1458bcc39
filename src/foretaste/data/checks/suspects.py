"""Suspicious patterns in valid events: robots, tied times, values out of scale, placeholders instead of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.checks.duplicates import is_among, shared
from foretaste.data.checks.problem import Problem, examples
from foretaste.data.parsing.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterator

ROBOT_EVENTS = 1_000
"""Smallest number of events of a user that is reported as a robot."""
ROBOT_TIMES = 100
"""Multiple of the median user's events from which a user is reported as a robot."""
RHYTHM_EVENTS = 100
RHYTHM_SHARE = 0.5
"""Least number of events, and share of equal pauses between them, from which a user is reported as a script."""
RHYTHM_ROWS = 2_000_000
"""Number of events of the most active users examined for equal pauses, which spares sorting a huge log again."""
PLACEHOLDERS = ("nan", "null", "none", "undefined", "n/a", "na", "unknown", "(null)", "-", "nil", "\\n", "anonymous")
TIES = 0.2
"""Share of events at the same time as another event of their user from which their order is reported as uncertain."""


def suspects(events: pl.DataFrame, where: pl.DataFrame) -> Iterator[Problem]:
    """Problems of the data as a whole; all rows are kept, and a person decides.

    events : user, item and, where there are any, time (µs), kind, value
    where  : FILE and ROW of each event
    """
    for role in ("user", "item"):
        text = events[role]
        ids = text.unique()
        odd = ids.filter(ids.str.to_lowercase().is_in(PLACEHOLDERS))
        said = f"Ids of {role}s that usually stand for 'unknown'; if they do, empty them, else they are one {role}."
        yield from _of_ids(f"{role}-placeholder", said, odd, text, where)
        rounded = ids.filter(ids.str.contains(r"^[+-]?\d\.\d+[eE]\+?\d+$"))
        said = f"Ids of {role}s in scientific notation: a spreadsheet rounded them, and different ids became one."
        yield from _of_ids(f"{role}-rounded", said, rounded, text, where)
    if "value" in events.columns:
        yield from _values(events["value"], where)
    yield from _robots(events, where)
    if "time" in events.columns:
        yield from _rhythms(events, where)
        yield from _ties(events, where)


def _of_ids(code: str, said: str, odd: pl.Series, ids: pl.Series, where: pl.DataFrame) -> Iterator[Problem]:
    if len(odd):
        yield from _rows(code, said, ids.is_in(odd.implode()), ids, where)


def _rows(code: str, said: str, rows: pl.Series, shown: pl.Series, where: pl.DataFrame) -> Iterator[Problem]:
    if count := int(rows.sum()):
        first = examples(where, rows, shown)
        yield Problem(code=code, sentence=said, rows=count, first=first, action="kept")


def _values(value: pl.Series, where: pl.DataFrame) -> Iterator[Problem]:
    negative = value < 0
    share = float(negative.sum()) / len(value)
    if 0 < share < 0.05:  # a scale that runs from -10 to 10 has more
        said = "Values below zero, which few events have: returns, corrections? They count like the others."
        yield from _rows("value-negative", said, negative, value, where)
    usual = float(value.abs().quantile(0.9) or 0)
    said = "Values more than a hundred times what nine in ten events have."
    yield from _rows("value-far", said, value.abs() > 100 * max(usual, 1), value, where)


def _robots(events: pl.DataFrame, where: pl.DataFrame) -> Iterator[Problem]:
    per_user = events.group_by("user").len()
    limit = max(ROBOT_EVENTS, ROBOT_TIMES * number(per_user["len"].median()))
    robots = per_user.filter(pl.col("len") > limit)["user"]
    if len(robots):
        said = f"Events of {len(robots):,} users with more than {limit:,.0f} events each: robots, shops, shared logins?"
        yield from _rows("robots", said, events["user"].is_in(robots.implode()), events["user"], where)


def _rhythms(events: pl.DataFrame, where: pl.DataFrame) -> Iterator[Problem]:
    """Users with many equal pauses between events, as scripts have; pauses of 0 are not counted."""
    busy = events.group_by("user").len().filter(pl.col("len") > RHYTHM_EVENTS).sort("len", "user", descending=True)
    busy = busy.filter(pl.col("len").cum_sum() <= max(RHYTHM_ROWS, number(busy["len"].max())))
    if not len(busy):
        return
    pauses = (
        events.select("user", "time")
        .filter(pl.col("user").is_in(busy["user"].implode()))
        .sort("user", "time")
        .select("user", pause=pl.col("time").diff().over("user"))
        .filter(pl.col("pause") > 0)
    )
    regular = (
        pauses.group_by("user", "pause")
        .len()
        .group_by("user")
        .agg(most=pl.max("len"), all=pl.sum("len"))
        .filter((pl.col("all") > RHYTHM_EVENTS) & (pl.col("most") > RHYTHM_SHARE * pl.col("all")))["user"]
    )
    if len(regular):
        said = f"Events of {len(regular):,} users who pause for the same time again and again: scripts?"
        yield from _rows("rhythm", said, events["user"].is_in(regular.implode()), events["user"], where)


def _ties(events: pl.DataFrame, where: pl.DataFrame) -> Iterator[Problem]:
    count, number, seen_again = shared(events.select("user", "time"))
    share = count / len(events)
    if share > TIES:
        tied = pl.Series(is_among(number, seen_again))
        said = (
            f"{share:.0%} of the events share their user's very moment with another; which came last is the order of "
            "the file, and leave-one-out depends on it."
        )
        yield from _rows("ties", said, tied, events["user"], where)
