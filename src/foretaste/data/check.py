"""What is wrong with the events, row by row, and what happens to each row: kept, repaired or quarantined."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from foretaste.data.check_problem import Problem as Problem
from foretaste.data.check_problem import examples
from foretaste.data.check_rows import id_text, whole_ids
from foretaste.data.check_suspects import suspects
from foretaste.data.readers_common import FILE, ROW, Table, is_plain
from foretaste.data.report import Report as Report
from foretaste.data.report import report_of
from foretaste.data.report import report_view as report_view
from foretaste.data.times import EARLY, PER_SECOND, other_unit, sensible, to_microseconds
from foretaste.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from foretaste.data.project_config import DataConfig, ProjectConfig

WHY = "__why__"
TEXT = "__text__"
FLOAT32_MAX = 3.4e38


@dataclass(frozen=True, eq=False)
class Reading:
    """events      : user, item and, where the file has them, time (µs), kind, value
    quarantined : the rows that could not be used, as they stood, with file, row and reason
    """

    events: pl.DataFrame
    quarantined: pl.DataFrame
    report: Report


class Findings:
    """What was found so far: the problems, and for each row why it cannot be used (null: it can)."""

    def __init__(self, raw: pl.DataFrame) -> None:
        self.raw = raw
        self.why = pl.Series("why", [None], dtype=pl.String).new_from_index(0, len(raw))
        self.problems: list[Problem] = []

    def note(
        self, code: str, sentence: str, rows: pl.Series, column: str, action: Literal["kept", "repaired"] = "kept"
    ) -> None:
        rows = rows.fill_null(False) & self.why.is_null()
        if count := int(rows.sum()):
            first = examples(self.raw, rows, self.raw[column])
            self.problems.append(Problem(code=code, sentence=sentence, rows=count, first=first, action=action))

    def quarantine(self, code: str, sentence: str, rows: pl.Series, column: str) -> None:
        rows = rows.fill_null(False) & self.why.is_null()
        if count := int(rows.sum()):
            first = examples(self.raw, rows, self.raw[column])
            self.problems.append(Problem(code=code, sentence=sentence, rows=count, first=first, action="quarantined"))
            self.why = self.why.set(rows, code)


def checked(table: Table, config: ProjectConfig) -> Reading:
    """Every good row as an event, every bad one in quarantine, and a report of both."""
    data, raw = config.data, table.frame
    _columns_exist(data, raw)
    found = Findings(raw)
    columns = {"user": _ids(found, "user", data.user), "item": _ids(found, "item", data.item)}
    if data.time is not None:
        columns["time"] = _times(found, data, data.time)
    if data.value is not None:
        columns["value"] = _values(found, data.value)
    columns["kind"] = _kinds(found, config)
    good = found.why.is_null()
    events = pl.DataFrame({name: column.alias(name) for name, column in columns.items()}).filter(good)
    problems = found.problems
    if table.broken:
        shown = tuple((file, row, f"{what}: {text[:60]}") for file, row, what, text in table.broken[:5])
        said = "Rows that cannot be cut into the columns of the header."
        problems.append(
            Problem(code="ragged", sentence=said, rows=len(table.broken), first=shown, action="quarantined")
        )
    if not len(events):
        lost = "; ".join(f"{problem.rows} rows: {problem.sentence}" for problem in problems) or "nothing was read"
        raise DataError(f"No row of {data.events} can be used ({lost}); see its columns in foretaste.toml.")
    where = raw.select(FILE, ROW).filter(good)
    problems += _repeated(events, where)
    problems += suspects(events, where)
    report = report_of(events, rows=len(raw) + len(table.broken), problems=problems, format=table.format)
    return Reading(events, _quarantined(raw, found.why, table), report)


def _columns_exist(data: DataConfig, raw: pl.DataFrame) -> None:
    for role in ("user", "item", "time", "kind", "value"):
        name = getattr(data, role)
        if name is not None and name not in raw.columns:
            known = [column for column in raw.columns if column not in {ROW, FILE}]
            raise ConfigError(f"[data] {role} = '{name}': {data.events} has no such column.{did_you_mean(name, known)}")
        if name is not None and not is_plain(raw.schema[name]):
            raise ConfigError(
                f"[data] {role} = '{name}': its values are {raw.schema[name]} in {data.events}, not plain ones; "
                "name another column."
            )


def _ids(found: Findings, role: str, name: str) -> pl.Series:
    text = id_text(found.raw[name])
    ids = text.str.strip_chars()
    found.quarantine(f"{role}-empty", f"No {role} in '{name}'.", ids.fill_null("") == "", name)
    found.note(f"{role}-spaces", f"Ids in '{name}' with spaces around them.", text != ids, name, "repaired")
    if (whole := whole_ids(ids)) is not None:
        said = f"Every id in '{name}' ends in .0; ids became floats on the way."
        found.note(f"{role}-floats", said, whole.is_not_null(), name, "repaired")
        return whole
    return ids


def _times(found: Findings, data: DataConfig, name: str) -> pl.Series:
    column = found.raw[name]
    times = to_microseconds(column, data.time_format, data.time_zone)
    said = f"Times in '{name}' that do not read as {data.time_format}."
    found.quarantine("time-unreadable", said, times.is_null(), name)
    usual = sensible(times)
    if data.time_format in PER_SECOND and not column.dtype.is_temporal() and 2 * int(usual.sum()) > len(times):
        meant = other_unit(column, data.time_format)
        repaired = ~usual & meant.is_not_null()
        said = f"Times in '{name}' in another unit than {data.time_format}; read in the one that gives a sensible year."
        found.note("time-unit", said, repaired, name, "repaired")
        times = times.zip_with(~repaired, meant)
    ahead = ~sensible(times) & (times > 0)
    early = times < EARLY
    said = f"Times in '{name}' that lie in the future; another unit (time_format) or a wrong clock?"
    found.quarantine("time-future", said, ahead & ~early, name)
    said = f"Times in '{name}' before 1990: zero and the like often stand for 'unknown'."
    found.note("time-early", said, early, name)
    return times


def _values(found: Findings, name: str) -> pl.Series:
    numbers = found.raw[name]
    if not numbers.dtype.is_numeric():
        numbers = numbers.cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True)
    values = numbers.cast(pl.Float64, strict=False)
    values = values.set((values.is_nan() | (values.abs() > FLOAT32_MAX)).fill_null(False), None)
    found.note("value-unreadable", f"Values in '{name}' that are not numbers count as 1.", values.is_null(), name)
    return values.fill_null(1.0)


def _kinds(found: Findings, config: ProjectConfig) -> pl.Series:
    name, default = config.data.kind, config.data.default_kind
    if name is None:
        return pl.Series([default], dtype=pl.String).new_from_index(0, len(found.raw))
    words = found.raw[name].cast(pl.String).str.strip_chars().fill_null("")
    found.note("kind-empty", f"No kind in '{name}'; they count as '{default}'.", words == "", name)
    return words.replace({**config.kind_names, "": default})


def _repeated(events: pl.DataFrame, where: pl.DataFrame) -> list[Problem]:
    if "time" not in events.columns:
        return []
    again = events.select(~pl.struct(pl.all()).is_first_distinct()).to_series()
    if not again.any():
        return []
    said = "Events that stand there twice, to the last field; they are kept, since a person may do a thing twice."
    first = examples(where, again, events["item"])
    return [Problem(code="repeated", sentence=said, rows=int(again.sum()), first=first, action="kept")]


def _quarantined(raw: pl.DataFrame, why: pl.Series, table: Table) -> pl.DataFrame:
    """As text, so that it can be written to a CSV, put right and read again."""
    rows = raw.with_columns(why.alias(WHY)).filter(why.is_not_null())
    odd = [column for column in rows.iter_columns() if not is_plain(column.dtype)]
    as_json = [
        pl.Series(column.name, [json.dumps(value, default=str) for value in column.to_list()], dtype=pl.String)
        for column in odd
    ]
    rows = rows.with_columns(as_json).with_columns(pl.exclude(ROW, FILE, WHY).cast(pl.String, strict=False))
    if not table.broken:
        return rows
    file, row, what, text = zip(*table.broken, strict=True)
    broken = pl.DataFrame({FILE: file, ROW: pl.Series(row, dtype=raw.schema[ROW]), WHY: what, TEXT: text})
    return pl.concat([rows, broken], how="diagonal")
