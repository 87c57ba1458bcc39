"""A problem of a table: a sentence, the number of rows, the first of them, and what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from foretaste.config import Config
from foretaste.data.readers.common import FILE, ROW

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

Action = Literal["kept", "repaired", "quarantined", "left out"]


class Problem(Config):
    code: str
    sentence: str
    rows: int
    first: tuple[tuple[str, int, str], ...]
    """Up to five: file, row, value."""
    action: Action


def examples(where: pl.DataFrame, rows: pl.Series, shown: pl.Series) -> tuple[tuple[str, int, str], ...]:
    """The first five rows with a problem: file, row number, value.

    where : columns FILE and ROW of each row
    rows  : (n,) true for the rows with the problem
    shown : (n,) value of each row to report
    """
    places = rows.arg_true().head(5).to_list()
    frame = where.select(FILE, ROW)[places].with_columns(shown[places].alias("shown"))
    return tuple((file, row, "" if value is None else str(value)) for file, row, value in frame.iter_rows())


def merged(problems: Iterable[Problem]) -> list[Problem]:
    """Problems of the same code in several parts as one, in order of appearance."""
    found: dict[str, Problem] = {}
    for problem in problems:
        if (known := found.get(problem.code)) is None:
            found[problem.code] = problem
        else:
            update = {"rows": known.rows + problem.rows, "first": (*known.first, *problem.first)[:5]}
            found[problem.code] = known.model_copy(update=update)
    return list(found.values())
