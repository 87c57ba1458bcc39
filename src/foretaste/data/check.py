"""What is wrong with the events, row by row, and what happens to each row: kept, repaired or quarantined."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from foretaste.config import Config
from foretaste.data.readers import FILE, ROW, Table
from foretaste.data.times import to_microseconds
from foretaste.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from foretaste.data.project import ProjectConfig

FUTURE_SLACK = 86_400 * 1_000_000
"""Clocks of other time zones may be a day ahead."""


class Problem(Config):
    code: str
    sentence: str
    rows: int
    first: tuple[tuple[str, int, str], ...]
    """Up to five: file, row, value."""
    action: Literal["kept", "repaired", "quarantined"]


class Report(Config):
    """counts : rows read, events kept, repaired, quarantined, users, items, and what the data can carry."""

    counts: dict[str, float | int | str]
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


@dataclass(frozen=True, eq=False)
class Reading:
    """events      : user, item and, where the file has them, time (µs), kind, value
    quarantined : the rows that could not be used, as they stood, with file, row and reason
    """

    events: pl.DataFrame
    quarantined: pl.DataFrame
    report: Report


def checked(table: Table, config: ProjectConfig) -> Reading:
    """Every good row as an event, every bad one in quarantine, and a report of both."""
    data = config.data
    raw = table.frame
    for role in ("user", "item", "time", "kind", "value"):
        name = getattr(data, role)
        if name is not None and name not in raw.columns:
            known = [column for column in raw.columns if column not in {ROW, FILE}]
            raise ConfigError(f"[data] {role} = '{name}': {data.events} has no such column.{did_you_mean(name, known)}")
    problems: list[Problem] = []
    bad = pl.Series("why", [None] * len(raw), dtype=pl.String)

    def note(code: str, sentence: str, rows: pl.Series, column: str, action: Literal["kept", "repaired"]) -> None:
        if rows.any():
            problems.append(_problem(code, sentence, raw, rows, column, action))

    def quarantine(code: str, sentence: str, rows: pl.Series, column: str) -> None:
        nonlocal bad
        rows = rows & bad.is_null()
        if rows.any():
            problems.append(_problem(code, sentence, raw, rows, column, "quarantined"))
            bad = bad.zip_with(~rows, pl.Series([code], dtype=pl.String).new_from_index(0, len(raw)))

    columns: dict[str, pl.Series] = {}
    for role, name in (("user", data.user), ("item", data.item)):
        text = id_text(raw[name])
        stripped = text.str.strip_chars()
        note(
            f"{role}-spaces",
            f"Ids in '{name}' with spaces around them.",
            (text != stripped).fill_null(False),
            name,
            "repaired",
        )
        whole = stripped.str.extract(r"^(-?\d+)\.0$", 1)
        if len(stripped.drop_nulls()) and whole.null_count() == stripped.null_count() and raw[name].dtype == pl.String:
            note(
                f"{role}-floats",
                f"Every id in '{name}' ends in .0; ids became floats on the way.",
                whole.is_not_null(),
                name,
                "repaired",
            )
            stripped = whole
        quarantine(f"{role}-empty", f"No {role} in '{name}'.", stripped.fill_null("") == "", name)
        columns[role] = stripped
    if data.time is not None:
        times = to_microseconds(raw[data.time], data.time_format, data.time_zone)
        quarantine(
            "time-unreadable",
            f"Times in '{data.time}' that do not read as {data.time_format}.",
            times.is_null(),
            data.time,
        )
        ahead = (times > (time.time() * 1e6 + FUTURE_SLACK)).fill_null(False)
        quarantine("time-future", f"Times in '{data.time}' that lie in the future.", ahead, data.time)
        columns["time"] = times
    if data.value is not None:
        numbers = raw[data.value]
        if not numbers.dtype.is_numeric():
            numbers = numbers.str.strip_chars().str.replace(",", ".", literal=True)
        values = numbers.cast(pl.Float64, strict=False)
        values = values.set(values.is_nan().fill_null(False) | values.is_infinite().fill_null(False), None)
        said = f"Values in '{data.value}' that are not numbers count as 1."
        note("value-unreadable", said, values.is_null(), data.value, "kept")
        columns["value"] = values.fill_null(1.0)
    if data.kind is not None:
        words = raw[data.kind].cast(pl.String).str.strip_chars().fill_null("")
        note(
            "kind-empty",
            f"No kind in '{data.kind}'; they count as '{data.default_kind}'.",
            words == "",
            data.kind,
            "kept",
        )
        meant = {**config.kind_names, "": data.default_kind}
        columns["kind"] = words.replace(meant)
    else:
        columns["kind"] = pl.Series([data.default_kind], dtype=pl.String).new_from_index(0, len(raw))

    good = bad.is_null()
    events = pl.DataFrame({name: column.alias(name) for name, column in columns.items()}).filter(good)
    repeated = events.select(~pl.struct(pl.all()).is_first_distinct()).to_series()
    if data.time is not None and repeated.any():
        said = "Events that stand there twice, to the last field; they are kept, since a person may do a thing twice."
        problems.append(_problem("repeated", said, raw.filter(good), repeated, data.item, "kept"))
    if table.broken:
        shown = tuple((file, row, f"{what}: {text[:60]}") for file, row, what, text in table.broken[:5])
        sentence = "Rows that cannot be cut into the columns of the header."
        problems.append(
            Problem(code="ragged", sentence=sentence, rows=len(table.broken), first=shown, action="quarantined")
        )
    if not len(events):
        raise DataError(
            f"No row of {data.events} can be used ({_summary(problems)}); see its columns in foretaste.toml."
        )
    return Reading(events, _quarantined(raw, bad, table), _report(events, raw, bad, table, problems))


def id_text(column: pl.Series) -> pl.Series:
    """Ids as text, exactly; whole numbers that Parquet holds as floats lose their '.0'."""
    if column.dtype.is_float() and (column.drop_nulls() % 1 == 0).all():
        return column.cast(pl.Int64, strict=False).cast(pl.String)
    return column.cast(pl.String)


def _problem(code: str, sentence: str, raw: pl.DataFrame, rows: pl.Series, column: str, action: Any) -> Problem:
    first = raw.filter(rows).head(5).select(FILE, ROW, pl.col(column).cast(pl.String).fill_null("")).rows()
    return Problem(code=code, sentence=sentence, rows=int(rows.sum()), first=tuple(first), action=action)


def _quarantined(raw: pl.DataFrame, bad: pl.Series, table: Table) -> pl.DataFrame:
    rows = raw.with_columns(bad.alias("__why__")).filter(pl.col("__why__").is_not_null())
    rows = rows.with_columns(pl.exclude(ROW, FILE, "__why__").cast(pl.String, strict=False))
    if not table.broken:
        return rows
    broken = pl.DataFrame(
        {
            FILE: [line[0] for line in table.broken],
            ROW: pl.Series([line[1] for line in table.broken], dtype=raw.schema[ROW]),
            "__why__": [line[2] for line in table.broken],
            "__text__": [line[3] for line in table.broken],
        }
    )
    return pl.concat([rows, broken], how="diagonal")


def _report(events: pl.DataFrame, raw: pl.DataFrame, bad: pl.Series, table: Table, problems: list[Problem]) -> Report:
    per_user = events.group_by("user").len()["len"]
    per_item = events.group_by("item").len()["len"].sort(descending=True)
    head = per_item.head(max(1, len(per_item) // 10)).sum() / len(events)
    counts: dict[str, float | int | str] = {
        "rows": len(raw) + len(table.broken),
        "events": len(events),
        "quarantined": len(raw) - len(events) + len(table.broken),
        "users": len(per_user),
        "items": len(per_item),
        "kinds": ", ".join(sorted(events["kind"].unique())),
        "format": table.format,
        "density": round(len(events) / (len(per_user) * len(per_item)), 6),
        "events_per_user": float(per_user.median() or 0),  # type: ignore[arg-type]  # a number here
        "users_with_one_event": int((per_user == 1).sum()),
        "share_of_the_top_tenth_of_items": round(float(head), 3),
        "suggested_split": "leave-one-out and time" if "time" in events.columns else "leave-one-out",
    }
    return Report(counts=counts, problems=tuple(problems))


def _summary(problems: list[Problem]) -> str:
    return "; ".join(f"{problem.rows} rows: {problem.sentence}" for problem in problems) or "nothing was read"


def report_view(report: Report) -> Group:
    """For a terminal: what is wrong, then what the data can carry."""
    counts = report.counts
    head = Text(
        f"{counts['rows']:,} rows ({counts['format']}): {counts['events']:,} events of {counts['users']:,} users about "
        f"{counts['items']:,} items; {counts['quarantined']:,} rows quarantined."
    )
    table = RichTable("rows", "what", "first rows", "they are", box=None, header_style="bold")
    for problem in report.problems:
        first = ", ".join(f"{file}:{row} {value!r}" for file, row, value in problem.first[:3])
        style = {"quarantined": "red", "repaired": "yellow", "kept": ""}[problem.action]
        table.add_row(
            f"{problem.rows:,}", Text(problem.sentence), Text(first, style="dim"), Text(problem.action, style=style)
        )
    carries = Text(
        f"A user has {counts['events_per_user']:g} events (median), {counts['users_with_one_event']:,} users have one; "
        f"the top tenth of the items takes {counts['share_of_the_top_tenth_of_items']:.0%} of all events; "
        f"it can be measured by {counts['suggested_split']}.",
        style="dim",
    )
    return Group(head, table if report.problems else Text("No row is wrong.", style="green"), carries)
