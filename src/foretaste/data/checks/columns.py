"""Checks one part of a table of events, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.checks.problem import Action, Problem, examples
from foretaste.data.checks.rows import id_text
from foretaste.data.kinds import DISLIKE, RATING
from foretaste.data.parsing.times import EARLY, PER_SECOND, other_unit, sensible, to_microseconds
from foretaste.data.readers.common import FILE, ROW, is_plain
from foretaste.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from foretaste.data.config import DataConfig, ProjectConfig

FLOAT32_MAX = 3.4e38
ROLES = ("user", "item", "time", "kind", "value")
MISSING = {
    "one": "count as 1",
    "median": "get the median of all values",
    "user-mean": "get the mean of their user's other values",
    "item-mean": "get the mean of their item's other values",
}
"""PrepareConfig.missing_values → its description in a sentence."""


class Findings:
    """The problems so far, and for each row the reason why it cannot be used (null: it can)."""

    def __init__(self, raw: pl.DataFrame) -> None:
        self.raw = raw
        self.why = pl.Series("why", [None], dtype=pl.String).new_from_index(0, len(raw))
        self.problems: list[Problem] = []

    def note(self, code: str, sentence: str, rows: pl.Series, column: str, action: Action = "kept") -> None:
        rows = rows.fill_null(False) & self.why.is_null()
        if count := int(rows.sum()):
            first = examples(self.raw, rows, self.raw[column])
            self.problems.append(Problem(code=code, sentence=sentence, rows=count, first=first, action=action))

    def quarantine(self, code: str, sentence: str, rows: pl.Series, column: str) -> None:
        rows = rows.fill_null(False) & self.why.is_null()
        self.note(code, sentence, rows, column, "quarantined")
        self.why = self.why.set(rows, code)


def columns_exist(data: DataConfig, raw: pl.DataFrame) -> None:
    for role in ROLES:
        name = getattr(data, role)
        if name is not None and name not in raw.columns:
            known = [column for column in raw.columns if column not in {ROW, FILE}]
            raise ConfigError(f"[data] {role} = '{name}': {data.events} has no such column.{did_you_mean(name, known)}")
        if name is not None and not is_plain(raw.schema[name]):
            raise ConfigError(
                f"[data] {role} = '{name}': its values are {raw.schema[name]} in {data.events}, not plain ones; "
                "name another column."
            )


def events_of(found: Findings, config: ProjectConfig) -> pl.DataFrame:
    """One row per row of the part: user, item and, where the file has them, time (µs), value (null: none), and kind."""
    data = config.data
    columns = {"user": _ids(found, "user", data.user), "item": _ids(found, "item", data.item)}
    if data.time is not None:
        columns["time"] = _times(found, data, data.time)
    if data.value is not None:
        columns["value"] = _values(found, data.value, config.prepare.missing_values)
    columns["kind"] = _kinds(found, config)
    if "value" in columns and data.dislike_below is not None:
        columns["kind"] = _disliked(columns["kind"], columns["value"], data)
    return pl.DataFrame({name: column.alias(name) for name, column in columns.items()})


def _ids(found: Findings, role: str, name: str) -> pl.Series:
    text = id_text(found.raw[name])
    ids = text.str.strip_chars()
    found.quarantine(f"{role}-empty", f"No {role} in '{name}'.", ids.fill_null("") == "", name)
    found.note(f"{role}-spaces", f"Ids in '{name}' with spaces around them.", text != ids, name, "repaired")
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


def _values(found: Findings, name: str, missing: str) -> pl.Series:
    """Values, null where missing; the rule for missing values is applied when all parts are read."""
    numbers = found.raw[name]
    if not numbers.dtype.is_numeric():
        numbers = numbers.cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True)
    values = numbers.cast(pl.Float64, strict=False)
    values = values.set((values.is_nan() | (values.abs() > FLOAT32_MAX)).fill_null(False), None)
    if missing == "quarantine":
        found.quarantine("value-unreadable", f"No number in '{name}'.", values.is_null(), name)
    else:
        said = f"Values in '{name}' that are not numbers {MISSING[missing]}."
        found.note("value-unreadable", said, values.is_null(), name)
    return values


def _kinds(found: Findings, config: ProjectConfig) -> pl.Series:
    """Kinds as a categorical column."""
    name, default = config.data.kind, config.data.default_kind
    if name is None:
        return pl.Series([default], dtype=pl.Categorical).new_from_index(0, len(found.raw))
    words = found.raw[name].cast(pl.String).str.strip_chars().fill_null("")
    found.note("kind-empty", f"No kind in '{name}'; they count as '{default}'.", words == "", name)
    return words.replace({**config.kind_names, "": default}).cast(pl.Categorical)


def _disliked(kinds: pl.Series, values: pl.Series, data: DataConfig) -> pl.Series:
    """The kinds, with low ratings changed to dislike; events without a value are unchanged."""
    rated = kinds.cast(pl.String).is_in([RATING, data.default_kind])
    low = (rated & (values < data.dislike_below)).fill_null(False)
    return kinds.cast(pl.String).set(low, DISLIKE).cast(pl.Categorical) if low.any() else kinds
