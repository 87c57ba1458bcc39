"""A sample of a table of any size, for guessing what its columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.readers.common import is_plain
from foretaste.data.readers.packed import BLOCK
from foretaste.data.readers.tables import FILE, ROW, Table, stream_tables

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 100_000
PLACE = "__place__"
WORDS = 256
"""Columns with at most so many distinct values have all of them in the sample."""


def sample_table(source: Path | str, *, query: str | None = None, rows: int = ROWS, block: int = BLOCK) -> Table:
    """The whole table up to `rows` rows, else every second, fourth, eighth … row and the first row of each word.

    It depends on the rows alone, not on the parts they are read in, and never holds more than a part beside itself.
    """
    every, before = 1, 0
    kept: pl.DataFrame | None = None
    words: dict[str, pl.DataFrame] = {}
    many: set[str] = set()
    broken: list[tuple[str, int, str, str]] = []
    for table in stream_tables(source, query=query, block=block):
        frame = table.frame.with_row_index(PLACE, offset=before)
        before += len(frame)
        kept = _joined(kept, _owned(frame.filter(pl.col(PLACE) % every == 0)))
        while len(kept) > rows:
            every *= 2
            kept = _owned(kept.filter(pl.col(PLACE) % every == 0))
        broken += table.broken[: 100 - len(broken)]
        format = table.format
        for name, dtype in table.frame.schema.items():
            if name in {ROW, FILE, *many} or not is_plain(dtype):
                continue
            if few := frame[name].n_unique() <= WORDS:
                first = _owned(frame.unique(name, keep="first", maintain_order=True))
                words[name] = _joined(words.get(name), first).unique(name, keep="first", maintain_order=True)
            if not few or len(words[name]) > WORDS:
                many.add(name)
                words.pop(name, None)
    assert kept is not None  # a stream of tables has one at least
    both = pl.concat([kept, *words.values()], how="diagonal_relaxed").unique(PLACE).sort(PLACE)
    return Table(both.select(pl.exclude(PLACE, ROW, FILE), ROW, FILE), broken, format)


def _owned(frame: pl.DataFrame) -> pl.DataFrame:
    """The same with texts of its own: rows chosen from a part would keep all the texts of the part in memory."""
    return frame.with_columns(pl.col(pl.String) + "")


def _joined(kept: pl.DataFrame | None, more: pl.DataFrame) -> pl.DataFrame:
    return more if kept is None else pl.concat([kept, more], how="diagonal_relaxed")
