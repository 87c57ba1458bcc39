"""The file of impressions, read and checked: what was shown, in which place of which list, with what probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.checks.problem import Action, Problem, examples
from foretaste.data.checks.rows import clean_ids
from foretaste.data.config import ImpressionConfig
from foretaste.data.guessing.event_columns import spread
from foretaste.data.impressions import Impressions
from foretaste.data.parsing.times import guess_format, sensible, to_microseconds
from foretaste.data.readers.common import FILE, ROW
from foretaste.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.data.config import DataConfig
    from foretaste.data.dataset import Dataset
    from foretaste.data.readers.common import Table

COLUMNS = ("user", "item", "time", "position", "scene", "recommendation_id", "propensity")


def read_impressions(settings: ImpressionConfig, table: Table, data: Dataset) -> tuple[Dataset, list[Problem]]:
    """The data set with the impressions of a table beside those it has, and what is wrong with the table.

    A row without a user or item that the data knows is left out; a value that cannot be is unknown, its row is kept.
    """
    for name in (getattr(settings, role) for role in COLUMNS):
        if name is not None and name not in table.frame.columns:
            hint = did_you_mean(name, [column for column in table.frame.columns if column not in {ROW, FILE}])
            raise ConfigError(f"foretaste.toml: [impressions] '{name}': {settings.file} has no such column.{hint}")
    problems = list(_broken(settings, table))
    frame = pl.DataFrame(
        {"user": clean_ids(table.frame[settings.user]), "item": clean_ids(table.frame[settings.item])}
    ).with_columns(_values(settings, table, problems))
    empty = frame.select(pl.col("user").is_null() | pl.col("item").is_null()).to_series()
    sentence = f"Rows of {settings.file} without a user or without an item; they are left out."
    problems += _problem("impression-without-id", sentence, table, empty, settings.user)
    known_user = frame["user"].is_in(data.users.names.implode())
    known_item = frame["item"].is_in(data.items.ids.names.implode())
    for what, column, known in (("user", settings.user, known_user), ("item", settings.item, known_item)):
        sentence = (
            f"Impressions of {settings.file} of {what}s that neither an event nor a file knows; they are left out."
        )
        problems += _problem(f"impression-{what}-unknown", sentence, table, ~known & ~empty, column)
    read = Impressions.from_frame(frame.filter(known_user & known_item), data.users, data.items.ids)
    return data.with_impressions(read), problems


def guess_impressions(table: Table, events: DataConfig) -> ImpressionConfig:
    """The settings of a table whose columns are named as in the events, or user, item, time, position, ...

    DataError without a column of users and one of items.
    """
    columns = [name for name in table.frame.columns if name not in {ROW, FILE}]
    found: dict[str, str] = {}
    for role in COLUMNS:
        name = next((name for name in (getattr(events, role, None), role) if name in columns), None)
        found |= {role: name} if name else {}
    if missing := {"user", "item"} - set(found):
        raise DataError(
            f"The impressions have no column '{getattr(events, min(missing))}' or '{min(missing)}'; they have: "
            f"{', '.join(columns)}."
        )
    if "time" in found:
        values = spread(table.frame)[found["time"]].drop_nulls()
        if not values.dtype.is_temporal():
            found["time_format"] = guess_format(values.cast(pl.String).to_list())[0]
    return ImpressionConfig(file="impressions", time_zone=events.time_zone, **found)


def _values(settings: ImpressionConfig, table: Table, problems: list[Problem]) -> list[pl.Series]:
    """The columns other than user and item; invalid values are null, and are added to `problems`."""
    found = []
    if settings.time is not None:
        time = to_microseconds(table.frame[settings.time], settings.time_format, settings.time_zone)
        wrong = ~sensible(time)
        sentence = f"Impressions whose time does not read as {settings.time_format}, is before 1990 or in the future"
        problems += _unreadable("impression-time", sentence, table, wrong, settings.time)
        found.append(time.set(wrong, None).alias("time"))
    if settings.position is not None:
        number = _number(table.frame[settings.position])
        wrong = ~((number >= 1) & (number < 2**31) & (number % 1 == 0)).fill_null(False)
        sentence = "Impressions whose position is not a whole number, 1 or more"
        problems += _unreadable("impression-position", sentence, table, wrong, settings.position)
        found.append(number.set(wrong, None).cast(pl.Int32).alias("position"))
    if settings.propensity is not None:
        number = _number(table.frame[settings.propensity]).cast(pl.Float32)
        wrong = ~((number > 0) & (number <= 1)).fill_null(False)
        sentence = "Impressions whose propensity is not a probability above 0 and at most 1"
        problems += _unreadable("impression-propensity", sentence, table, wrong, settings.propensity)
        found.append(number.set(wrong, None).alias("propensity"))
    for role in ("scene", "recommendation_id"):
        if (name := getattr(settings, role)) is not None:
            text = table.frame[name].cast(pl.String).str.strip_chars()
            found.append(text.set((text == "").fill_null(False), None).alias(role))
    return found


def _number(column: pl.Series) -> pl.Series:
    text = column.cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False)


def _unreadable(code: str, what: str, table: Table, wrong: pl.Series, column: str) -> Iterator[Problem]:
    """The problem of invalid values; an empty cell is none."""
    given = (table.frame[column].cast(pl.String).str.strip_chars() != "").fill_null(False)
    yield from _problem(code, f"{what}; kept without.", table, wrong & given, column, "kept")


def _broken(settings: ImpressionConfig, table: Table) -> Iterator[Problem]:
    if table.broken:
        sentence = f"Rows of {settings.file} that cannot be cut into the columns of its header; they are left out."
        first = tuple((file, row, f"{what}: {text[:60]}") for file, row, what, text in table.broken[:5])
        yield Problem(
            code="impression-ragged", sentence=sentence, rows=len(table.broken), first=first, action="left out"
        )


def _problem(
    code: str, sentence: str, table: Table, rows: pl.Series, column: str, action: Action = "left out"
) -> Iterator[Problem]:
    if count := int(rows.sum()):
        first = examples(table.frame, rows, table.frame[column])
        yield Problem(code=code, sentence=sentence, rows=count, first=first, action=action)
