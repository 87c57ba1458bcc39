"""Files with one row per item or user: the guess of their key column, their rows by id, and their problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.checks.problem import Action, Problem, examples
from foretaste.data.guessing.event_columns import guess_title
from foretaste.data.parsing.columns import typed_columns
from foretaste.data.readers.common import FILE, ROW, Table, is_plain
from foretaste.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator


def id_text(column: pl.Series) -> pl.Series:
    """Ids as text, unchanged but for integers held as floats, which lose their '.0'; nan becomes null."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if (column.drop_nulls() % 1 == 0).all():
            return column.cast(pl.Int64, strict=False).cast(pl.String)
    return column.cast(pl.String)


def whole_ids(ids: pl.Series) -> pl.Series | None:
    """Ids without the '.0' that all of them end in, as integers written as floats do; None if not all do."""
    if not ids.head(1_000).fill_null("").str.contains(r"^(-?\d+\.0)?$").all():
        return None  # decided by the first ids for most columns
    known = ids.filter((ids != "").fill_null(False))
    if not len(known) or not known.str.contains(r"^-?\d+\.0$").all():
        return None
    return ids.str.extract(r"^(-?\d+)\.0$", 1)


def clean_ids(column: pl.Series) -> pl.Series:
    """Ids normalised as in checked events: without surrounding spaces and '.0', null where empty."""
    ids = id_text(column).str.strip_chars()
    whole = whole_ids(ids)
    ids = ids if whole is None else whole
    return ids.set((ids == "").fill_null(False), None)


def guess_key(frame: pl.DataFrame, ids: pl.Series, path: str, what: str) -> str:
    """The column with most ids of the events, the first of equal ones; DataError where no column has any.

    what : 'items' or 'users', for the message
    """
    known = clean_ids(ids).drop_nulls().unique().implode()
    best, shared = "", 0
    for name, dtype in frame.schema.items():
        if name not in {ROW, FILE} and is_plain(dtype) and not dtype.is_temporal():
            both = int(clean_ids(frame[name]).unique().is_in(known).sum())
            best, shared = (name, both) if both > shared else (best, shared)
    if not shared:
        raise DataError(f"No column of {path} holds ids of the {what} in the events; is it the right file?")
    return best


def rows_by_id(frame: pl.DataFrame, key: str | None, name: str) -> pl.DataFrame:
    """The rows that have an id, with it in a column `name`; the other columns typed.

    name : 'item' or 'user'
    """
    known = [column for column in frame.columns if column not in {ROW, FILE}]
    if key not in known:
        raise ConfigError(
            f"foretaste.toml: [data] {name}_key = '{key}': the {name} file has no such column."
            f"{did_you_mean(str(key), known)}"
        )
    ids = clean_ids(frame[key])
    others = frame.drop(ROW, FILE, key, strict=False).drop(name, strict=False)
    title = guess_title(others.columns)
    rows = typed_columns(others, keep=(title,) if title else ()).with_columns(ids.alias(name))
    return rows.filter(pl.col(name).is_not_null())


def row_problems(table: Table, key: str, name: str, seen: pl.Series, where: pl.DataFrame) -> Iterator[Problem]:
    """The problems of a file of items or users.

    seen  : ids in the events
    where : file and row of each event
    """
    ids = clean_ids(table.frame[key])
    empty, again = ids.is_null(), ids.is_not_null() & ~ids.is_first_distinct()
    said = f"Rows of the {name} file without an id in '{key}'; they are left out."
    yield from _problem(f"{name}-row-without-id", said, table, empty, key, "left out")
    said = f"Rows of the {name} file whose id stood there before; the last row of each counts."
    yield from _problem(f"{name}-row-repeated", said, table, again, key, "left out")
    if table.broken:
        said = f"Rows of the {name} file that cannot be cut into the columns of its header; they are left out."
        shown = tuple((file, row, f"{what}: {text[:60]}") for file, row, what, text in table.broken[:5])
        rows = len(table.broken)
        yield Problem(code=f"{name}-row-ragged", sentence=said, rows=rows, first=shown, action="left out")
    distinct = seen.unique(maintain_order=True)
    unknown = distinct.filter(~distinct.is_in(ids.drop_nulls().unique().implode()))
    if len(unknown):
        said = f"{name.capitalize()}s of the events that the {name} file does not know; nothing is known of them."
        places = where.select(FILE, ROW)
        shown = tuple((*places.row((seen == value).arg_max() or 0), value) for value in unknown.head(5))
        yield Problem(code=f"{name}-unknown", sentence=said, rows=len(unknown), first=shown, action="kept")


def _problem(code: str, sentence: str, table: Table, rows: pl.Series, key: str, action: Action) -> Iterator[Problem]:
    if count := int(rows.sum()):
        first = examples(table.frame, rows, table.frame[key])
        yield Problem(code=code, sentence=sentence, rows=count, first=first, action=action)
