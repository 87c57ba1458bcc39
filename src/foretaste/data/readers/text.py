"""Reads delimited text of any encoding and separator, block by block.

The plain path passes every line to Python's csv reader. The fast path (`blocks.py`) splits a whole block at once, and
is taken only where both give the same rows.
"""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.readers.blocks import easy_rows, is_easy
from foretaste.data.readers.common import ROW, Table
from foretaste.data.readers.encoding import Encoding, utf8_lines
from foretaste.data.readers.layout import Layout, layout_of, rows
from foretaste.data.readers.packed import BLOCK
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

HEAD = 1 << 20
"""Bytes examined to detect the layout, whatever the size of a block."""
SWALLOWED_LINES = 20
SWALLOWED_BYTES = 64 << 20
"""A broken record with more lines, or any with more characters, begins with a quote that is never closed."""


def delimited_tables(path: Path, encoding: Encoding, *, block: int = BLOCK, fast: bool = True) -> Iterator[Table]:
    """A table per block; records with another number of fields than the header are in its `broken`."""
    layout = layout_of(next(utf8_lines(path, encoding, HEAD), b"").decode(errors="replace"))
    if layout is None:
        raise DataError(f"{path} is empty.")
    if layout.quoted and _is_unclosed(path, encoding, layout, block):
        layout = replace(layout, quoted=False)
    said = layout.said(encoding.said)
    pieces = _pieces(
        utf8_lines(path, encoding, block), layout, (lambda found: is_easy(found, layout)) if fast else _never
    )
    number = (2 if layout.stated else 1) + len(next(pieces))  # of the next record
    for piece in pieces:
        if isinstance(piece, bytes):
            table = Table(easy_rows(piece, layout, number), [], said)
            number += len(table.frame)
        else:
            table = Table(*_plain_rows(piece, layout, number, path.name), said)
            number += len(piece)
        yield table


def _is_unclosed(path: Path, encoding: Encoding, layout: Layout, block: int) -> bool:
    """Whether a quote that is never closed swallows rows; then a quote is just a character in this file."""
    try:
        for piece in _pieces(
            utf8_lines(path, encoding, block), layout, lambda found: is_easy(found, layout, fields=False)
        ):
            for row in piece if isinstance(piece, list) else ():
                if len(row) != len(layout.header) and sum(field.count("\n") for field in row) > SWALLOWED_LINES:
                    return True
    except _Unclosed:
        return True
    return False


def _never(block: bytes) -> bool:
    return False


def _pieces(
    blocks: Iterable[bytes], layout: Layout, take_whole: Callable[[bytes], bool]
) -> Iterator[bytes | list[list[str]]]:
    """The records of the header, then blocks to be taken whole as they are, and the records of all others.

    A record never lies in two pieces: reading record by record goes on until a record ends where a block ends.
    """
    lines = _Lines(blocks, layout)
    reader = rows(lines, layout.separator, quoted=layout.quoted)
    head = []
    if layout.titles:
        for row in reader:
            head.append(row)
            if row:
                break
    yield head
    while lines.next_block():
        if take_whole(lines.block):
            yield lines.whole_block()
            continue
        found = []
        for row in reader:
            found.append(row)
            lines.record_bytes = 0
            if lines.at_end:
                break
        yield found


class _Unclosed(Exception):  # noqa: N818  # not an error of the user: the file is read again without quotes
    """A record is too long to be one."""


class _Lines:
    """The lines of all blocks, with their ends; knows its position, so that the rest of a block can be taken whole."""

    def __init__(self, blocks: Iterable[bytes], layout: Layout) -> None:
        blocks = iter(blocks)
        first = next(blocks, b"")
        while len(first) < layout.stated:
            first += next(blocks)
        rest = first[layout.stated :]
        self._blocks = chain([rest] if rest else [], blocks)
        self._quoted = layout.quoted
        self.record_bytes = 0
        self._take(b"")

    def _take(self, block: bytes) -> None:
        self.block = block
        self._lines: list[str] = []
        self._at = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.at_end:
            self._take(next(self._blocks))
        if not self._lines:
            self._lines = list(io.StringIO(self.block.decode(), newline=""))
        line = self._lines[self._at]
        self._at += 1
        self.record_bytes += len(line)
        if self._quoted and self.record_bytes > SWALLOWED_BYTES:
            raise _Unclosed
        return line

    @property
    def at_end(self) -> bool:
        """Whether all lines of the block have been read."""
        return not self.block or (bool(self._lines) and self._at == len(self._lines))

    def next_block(self) -> bool:
        """Whether a line is left; `block` is then what is still to be read of its block."""
        if self.at_end:
            block = next(self._blocks, b"")
            self._take(block)
            return bool(block)
        if self._at:
            self._take("".join(self._lines[self._at :]).encode())
        return True

    def whole_block(self) -> bytes:
        block = self.block
        self._take(b"")
        return block if block.endswith(b"\n") else block + b"\n"


def _plain_rows(
    found: list[list[str]], layout: Layout, number: int, file: str
) -> tuple[pl.DataFrame, list[tuple[str, int, str, str]]]:
    titles, width = list(layout.titles), len(layout.header)
    good, at, broken = [], [], []
    for n, row in enumerate(found, start=number):
        if not row:
            continue
        if row == titles:
            broken.append((file, n, "the header once more", layout.separator.join(row)))
        elif len(row) == width:
            good.append(row)
            at.append(n)
        else:
            broken.append((file, n, f"{len(row)} fields where the header has {width}", layout.separator.join(row)))
    columns = zip(*good, strict=True) if good else ([] for _ in layout.header)
    frame = pl.DataFrame(
        {name: pl.Series(values, dtype=pl.String) for name, values in zip(layout.header, columns, strict=True)}
    )
    return frame.with_columns(pl.Series(ROW, at, dtype=pl.UInt32)), broken
