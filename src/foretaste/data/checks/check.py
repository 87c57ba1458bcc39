"""Checks events row by row: each row is kept, repaired or quarantined."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.data.checks.columns import Findings, columns_exist, events_of
from foretaste.data.checks.duplicates import is_among, shared
from foretaste.data.checks.problem import Problem as Problem
from foretaste.data.checks.problem import examples, merged
from foretaste.data.checks.repair import TEXT, WHY, repaired
from foretaste.data.checks.report import Report as Report
from foretaste.data.checks.report import report_of
from foretaste.data.checks.rows import whole_ids
from foretaste.data.checks.suspects import suspects
from foretaste.data.readers.common import FILE, ROW, Table, as_text
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from foretaste.data.config import ProjectConfig


ROWS_AT_ONCE = 500_000
_NONE = pl.DataFrame(schema={ROW: pl.UInt32, FILE: pl.String, WHY: pl.String})


@dataclass(frozen=True, eq=False)
class Reading:
    """The result of reading and checking a table of events.

    events      : columns user, item and, where the file has them, time (µs), kind, value
    where       : file and row of each event
    quarantined : the rows that could not be used, unchanged, with file, row and reason
    """

    events: pl.DataFrame
    where: pl.DataFrame
    quarantined: pl.DataFrame
    report: Report


def checked(table: Table, config: ProjectConfig) -> Reading:
    """Valid rows as events, invalid ones in quarantine, and a report of both."""
    return checked_parts([table], config)


def checked_parts(tables: Iterable[Table], config: ProjectConfig) -> Reading:
    """The same for a table that comes part by part; of valid rows only the events are held.

    The result does not depend on where the parts are cut, but for one thing: whether times in another unit are
    repaired is decided by the majority of each part.
    """
    events, places, quarantined, problems = [], [], [], []
    rows, format = 0, ""
    for part in chain.from_iterable(_slices(repaired(table)) for table in tables):
        columns_exist(config.data, part.frame)
        found = Findings(part.frame)
        these = events_of(found, config)
        place = part.frame.select(pl.col(FILE).cast(pl.Categorical), pl.col(ROW).cast(pl.UInt32))
        good = found.why.is_null()
        whole = good.all()
        events.append(these if whole else these.filter(good))
        places.append(place if whole else place.filter(good))
        problems += found.problems
        if part.broken:
            problems.append(_ragged(part))
        if not whole or part.broken:
            quarantined.append(_quarantined(part, found.why))
        rows += len(part.frame) + len(part.broken)
        format = format or part.format
    problems = merged(problems)
    kept, where = _joined(events), _joined(places)
    if not len(kept):
        lost = "; ".join(f"{problem.rows} rows: {problem.sentence}" for problem in problems) or "nothing was read"
        raise DataError(f"No row of {config.data.events} can be used ({lost}); see its columns in foretaste.toml.")
    kept, floats = _whole(kept, where, config)
    kept = _filled(kept, config.prepare.missing_values)
    problems += [*floats, *_repeated(kept, where), *suspects(kept, where)]
    report = report_of(kept, rows=rows, problems=problems, format=format)
    return Reading(kept, where, _joined(quarantined) if quarantined else _NONE.clone(), report)


def _slices(table: Table) -> Iterator[Table]:
    """A large part in pieces, which bounds the memory of intermediate columns; its broken rows with the first."""
    for start in range(0, max(1, len(table.frame)), ROWS_AT_ONCE):
        frame = table.frame.slice(start, ROWS_AT_ONCE)
        yield Table(frame, table.broken if start == 0 else [], table.format)


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    alike = all(frame.schema == frames[0].schema for frame in frames)
    return pl.concat(frames, how="vertical" if alike else "diagonal_relaxed")  # the first copies nothing


def _whole(events: pl.DataFrame, where: pl.DataFrame, config: ProjectConfig) -> tuple[pl.DataFrame, list[Problem]]:
    """Ids that became floats in the source as integers again; this is only decided when all ids are read."""
    problems = []
    for role, name in (("user", config.data.user), ("item", config.data.item)):
        if (whole := whole_ids(events[role])) is not None:
            said = f"Every id in '{name}' ends in .0; ids became floats on the way."
            first = examples(where, whole.is_not_null(), events[role])
            problems.append(
                Problem(code=f"{role}-floats", sentence=said, rows=len(whole), first=first, action="repaired")
            )
            events = events.with_columns(whole.alias(role))
    return events, problems


def _filled(events: pl.DataFrame, rule: str) -> pl.DataFrame:
    """Fill missing values by the configured rule."""
    if "value" not in events.columns or not events["value"].null_count():
        return events
    value = pl.col("value")
    if rule in {"user-mean", "item-mean"}:
        value = value.fill_null(value.mean().over(rule.removesuffix("-mean")))
    if rule != "one":
        value = value.fill_null(pl.col("value").median())
    return events.with_columns(value.fill_null(1.0))


def _repeated(events: pl.DataFrame, where: pl.DataFrame) -> list[Problem]:
    if "time" not in events.columns:
        return []
    count, number, seen_again = shared(events)
    if not count:
        return []
    places = np.flatnonzero(is_among(number, seen_again))
    alike = events[places].with_columns(place=pl.Series(places, dtype=pl.UInt32))
    again = alike.filter(~pl.struct(pl.exclude("place")).is_first_distinct())
    if not len(again):
        return []
    said = "Events that stand there twice, to the last field; they are kept, since a person may do a thing twice."
    five = again.head(5)
    first = tuple(
        (file, row, item)
        for (file, row), item in zip(where[five["place"].to_list()].iter_rows(), five["item"], strict=True)
    )
    return [Problem(code="repeated", sentence=said, rows=len(again), first=first, action="kept")]


def _ragged(table: Table) -> Problem:
    first = tuple((file, row, f"{what}: {text[:60]}") for file, row, what, text in table.broken[:5])
    said = "Rows that cannot be cut into the columns of the header."
    return Problem(code="ragged", sentence=said, rows=len(table.broken), first=first, action="quarantined")


def _quarantined(table: Table, why: pl.Series) -> pl.DataFrame:
    """The rows as text, which can be written to a CSV, repaired and read again."""
    raw = table.frame
    rows = as_text(raw.with_columns(why.alias(WHY)).filter(why.is_not_null()))
    if not table.broken:
        return rows
    file, row, what, text = zip(*table.broken, strict=True)
    broken = pl.DataFrame({FILE: file, ROW: pl.Series(row, dtype=raw.schema[ROW]), WHY: what, TEXT: text})
    return pl.concat([rows, broken], how="diagonal")
