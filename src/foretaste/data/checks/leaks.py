"""Leaks: columns that are only known after an event, such as its outcome or the later popularity of its item.

A column is suspected, never dropped: a person decides. The thresholds are near certainty, because a true signal, such
as the price of a thing and how often it is bought, rarely says more than half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.data.checks.problem import Problem, examples
from foretaste.data.parsing.numbers import number
from foretaste.data.parsing.times import sensible, to_microseconds
from foretaste.data.readers.common import FILE, ROW, Table, is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from foretaste.data.config import ProjectConfig
    from foretaste.data.dataset import Dataset

SURE = 0.98
FOLLOWS = 0.9
"""Spearman's rank correlation from which a column of the item or user table is reported as a leak of the events."""
FEWEST = 20
SAMPLE = 200_000
"""Number of events examined."""


def table_leaks(data: Dataset) -> Iterator[Problem]:
    """Problems of numeric columns of the item and user tables that correlate with the number or the value of events."""
    of_items = _event_statistics(data, data.item, data.n_items)
    yield from _following("item", data.items.frame, data.items.ids.names, of_items)
    if data.user_table is not None:
        of_users = _event_statistics(data, data.user, data.n_users)
        yield from _following("user", data.user_table.drop("user", strict=False), data.users.names, of_users)


def _event_statistics(data: Dataset, code: NDArray[np.int32], n: int) -> dict[str, NDArray[np.float64]]:
    """Name of the statistic → (n,) its value for each user or item; nan where there is no event."""
    count = np.bincount(code, minlength=n).astype(np.float64)
    count[count == 0] = np.nan
    found = {"the number of events": count}
    if len(data) and (data.value != data.value[0]).any():
        found["the mean of the values"] = np.bincount(code, data.value, minlength=n) / count
    return found


def _following(
    what: str, frame: pl.DataFrame, names: pl.Series, said: dict[str, NDArray[np.float64]]
) -> Iterator[Problem]:
    for column in frame.iter_columns():
        if not column.dtype.is_numeric():
            continue
        value = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        for meaning, figure in said.items():
            both = np.isfinite(value) & np.isfinite(figure)
            if both.sum() < FEWEST or abs(strength := spearman(value[both], figure[both])) < FOLLOWS:
                continue
            top = np.flatnonzero(both)[np.argsort(-figure[both], kind="stable")[:5]]
            first = tuple((f"{what}s", 0, f"{names[int(i)]}: {value[i]:g}, of the events: {figure[i]:g}") for i in top)
            sentence = (
                f"'{column.name}' of the {what} file follows {meaning} of each {what} (rank correlation "
                f"{strength:.2f}): counted from these events, or after them? Reading it is knowing the answer."
            )
            yield Problem(
                code=f"leak-{what}-{column.name}", sentence=sentence, rows=int(both.sum()), first=first, action="kept"
            )
            break


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Spearman's rank correlation with mean ranks for ties; 0 where one of them is constant."""
    ranks = [pl.Series(x).rank("average").to_numpy() for x in (a, b)]
    if any(len(np.unique(rank)) < 3 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def column_leaks(table: Table, config: ProjectConfig) -> Iterator[Problem]:
    """Problems of further columns of the events that determine the kind or the value, or hold a later time."""
    data = config.data
    step = max(1, -(-len(table.frame) // SAMPLE))
    raw = table.frame.gather_every(step)
    used = {data.user, data.item, data.time, data.kind, data.value, ROW, FILE}
    if len(raw) < FEWEST:
        return
    kind = None if data.kind is None else raw[data.kind].cast(pl.String).str.strip_chars().fill_null("")
    value = None if data.value is None else _numbers(raw[data.value])
    time = None if data.time is None else to_microseconds(raw[data.time], data.time_format, data.time_zone)
    for column in raw.iter_columns():
        if column.name in used or not is_plain(column.dtype):
            continue
        said = (
            _filled_for_one_kind(column, kind)
            or _determines_kind(column, kind)
            or _determines_value(column, value)
            or _comes_later(column, time, data.time_format, data.time_zone)
        )
        if said is not None:
            sentence, rows = said
            yield Problem(
                code=f"leak-{column.name}",
                sentence=f"'{column.name}' {sentence}: known only afterwards? It is not read; keep it so.",
                rows=int(rows.sum()) * step,
                first=examples(raw, rows, column),
                action="kept",
            )


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).str.strip_chars().fill_null("")


def _numbers(column: pl.Series) -> pl.Series:
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    return column.cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)


def _filled_for_one_kind(column: pl.Series, kind: pl.Series | None) -> tuple[str, pl.Series] | None:
    """The finding that a column is filled for one kind of event only, as an order number is; and the rows."""
    if kind is None or kind.n_unique() < 2:
        return None
    filled = ~_text(column).is_in(["", "nan", "NaN", "null", "None"])
    if not 0 < int(filled.sum()) < len(column):
        return None
    counts = kind.filter(filled).value_counts(sort=True)
    name, most = counts.row(0)
    of_kind = int((kind == name).sum())
    if most / int(filled.sum()) < SURE or most / of_kind < SURE or of_kind > SURE * len(kind):
        return None
    return f"is filled where the kind is '{name}', and nowhere else", filled


def _determines_kind(column: pl.Series, kind: pl.Series | None) -> tuple[str, pl.Series] | None:
    if kind is None or kind.n_unique() < 2:
        return None
    pairs = pl.DataFrame({"text": _text(column), "kind": kind})
    if not 2 <= pairs["text"].n_unique() <= max(50, len(pairs) // FEWEST):
        return None
    most = pairs["kind"].value_counts()["count"].max()
    best = pairs.group_by("text", "kind").len().group_by("text").agg(pl.max("len"))["len"].sum()
    if number(best) < SURE * len(pairs) or number(most) > 0.95 * len(pairs):
        return None
    return "says the kind of every event", pl.Series([True]).new_from_index(0, len(pairs))


def _determines_value(column: pl.Series, value: pl.Series | None) -> tuple[str, pl.Series] | None:
    """The finding that a column determines the value: equal values for equal texts, or correlation; and the rows."""
    if value is None:
        return None
    frame = pl.DataFrame({"text": _text(column), "number": _numbers(column), "value": value}).drop_nulls("value")
    spread = frame["value"].var()
    if len(frame) < FEWEST or not isinstance(spread, float) or spread == 0:
        return None
    rows = value.is_not_null()
    if 2 <= frame["text"].n_unique() <= max(50, len(frame) // FEWEST):
        left = frame.select((pl.col("value") - pl.col("value").mean().over("text")).pow(2).mean()).item()
        if left < (1 - SURE) * spread:
            return "says the value of every event", rows
    pairs = frame.drop_nulls("number")
    if len(pairs) > SURE * len(frame):
        a, b = pairs["number"].to_numpy(), pairs["value"].to_numpy()
        # A few stars tie so often that even their own ranks do not reach 1; there the straight line tells.
        line = float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0
        if (strength := max(spearman(a, b), line, key=abs)) and abs(strength) > SURE:
            return f"follows the value of the events (correlation {strength:.2f})", rows
    return None


def _comes_later(column: pl.Series, time: pl.Series | None, spelling: str, zone: str) -> tuple[str, pl.Series] | None:
    """The finding that a column is a second time, mostly after the event, never before: delivered, paid, answered."""
    if time is None or column.dtype == pl.Boolean:
        return None
    other = to_microseconds(column, spelling, zone)
    both = sensible(other) & sensible(time)
    if float(both.sum()) < 0.5 * len(column):
        return None
    later, earlier = (other > time) & both, (other < time) & both
    if float(later.sum()) < 0.5 * float(both.sum()) or float(earlier.sum()) > (1 - SURE) * float(both.sum()):
        return None
    return "is a time after the event", later
