"""Reads a quarantine file again that a person has repaired.

Rows with a wrong value are corrected in their column. Rows that could not be cut stand as one text in the column
`__text__`: there they are given the right number of separators, or their values are written into the other columns.
"""

from __future__ import annotations

import csv
from typing import Any

import polars as pl

from foretaste.data.readers.common import FILE, ROW, Table

WHY = "__why__"
TEXT = "__text__"
SEPARATORS = ("\t", ";", ",", "|")
OURS = (WHY, TEXT)
"""Columns of a quarantine file that are not columns of the data."""


def repaired(table: Table) -> Table:
    """A quarantine table with its texts split into columns and without its own columns; any other table unchanged."""
    frame = table.frame
    if WHY not in frame.columns:
        return table
    names = [name for name in frame.columns if name not in {ROW, FILE, *OURS}]
    if TEXT not in frame.columns:
        return Table(frame.drop(WHY), table.broken, table.format)
    empty = pl.all_horizontal((pl.col(name).fill_null("") == "") for name in names)
    uncut = frame.select(empty & (pl.col(TEXT).fill_null("") != "")).to_series()
    rows, broken = [], list(table.broken)
    for file, row, text in frame.filter(uncut).select(FILE, ROW, TEXT).iter_rows():
        fields = cut(text, len(names))
        if fields is None:
            broken.append((file, row, f"no {len(names)} fields", text))
        else:
            rows.append((*fields, file, row))
    schema: dict[str, Any] = {**dict.fromkeys(names, pl.String), FILE: frame.schema[FILE], ROW: frame.schema[ROW]}
    mended = pl.DataFrame(rows, schema=schema, orient="row")
    rest = frame.filter(~uncut).drop(*OURS)
    whole = pl.concat([rest, mended.select(rest.columns)], how="vertical_relaxed").sort(ROW, maintain_order=True)
    return Table(whole, broken, table.format)


def cut(text: str, n: int) -> list[str] | None:
    """The n fields of a line by the only separator that gives exactly n; None if none does, or two do.

    >>> cut('u1;"a;b";3', 3)
    ['u1', 'a;b', '3']
    """
    found = []
    for separator in SEPARATORS:
        rows = list(csv.reader([text], delimiter=separator))
        if len(rows) == 1 and len(rows[0]) == n:
            found.append(rows[0])
    return found[0] if len(found) == 1 else None
