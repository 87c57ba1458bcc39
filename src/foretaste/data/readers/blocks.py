"""The fast path for text: blocks in which every line is one record are split into rows at once."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.data.readers.common import ROW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.data.readers.layout import Layout

UNIT = b"\x1f"
"""Replaces a separator of more than one character."""
LINE_FEED, RETURN, QUOTE = b'\n\r"'


def is_easy(block: bytes, layout: Layout, *, fields: bool = True) -> bool:
    """Whether every line of a block is a record, in which each quote opens or closes a whole field.

    fields : whether each must also have as many fields as the header, and none be the header once more
    """
    width = len(layout.header)
    quoted = layout.quoted and b'"' in block
    if not fields and not quoted:
        return True
    if width < 2 or b"\0" in block or block.startswith(BOM_UTF8):
        return False
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return False
    if fields and _may_hold_header(block, layout, quoted=quoted):
        return False
    if len(layout.separator.encode()) > 1 and UNIT in block:
        return False
    block, separator = _with_one_letter(block, layout)
    letters = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(letters == LINE_FEED)
    cuts = np.flatnonzero(letters == separator[0])
    if quoted:
        quotes = np.flatnonzero(letters == QUOTE)
        if not _enclose_fields(quotes, letters, separator[0]) or (np.searchsorted(quotes, ends) % 2).any():
            return False
        cuts = cuts[np.searchsorted(quotes, cuts) % 2 == 0]
    if not fields:
        return True
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    if len(cuts) != (width - 1) * len(ends):
        return False
    by_line = cuts.reshape(len(ends), width - 1)
    return bool((by_line[:, -1] < ends).all() and (by_line[1:, 0] > ends[:-1]).all())


def easy_rows(block: bytes, layout: Layout, number: int) -> pl.DataFrame:
    """The rows of an easy block, the first of them number `number` of its file."""
    block, separator = _with_one_letter(block, layout)
    frame = pl.read_csv(
        block,
        has_header=False,
        separator=separator.decode(),
        quote_char='"' if layout.quoted and b'"' in block else None,
        schema=dict.fromkeys(layout.header, pl.String()),
        empty_string_is_null=False,
    )
    return frame.with_columns(pl.int_range(number, number + len(frame), dtype=pl.UInt32).alias(ROW))


def _enclose_fields(quotes: NDArray[np.intp], letters: NDArray[np.uint8], separator: int) -> bool:
    """Whether the quotes come in pairs, each with nothing between it and the ends of its field."""
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = letters[np.maximum(opening - 1, 0)]
    after = letters[np.minimum(closing + 1, len(letters) - 1)]
    begins = (opening == 0) | (before == separator) | (before == LINE_FEED)
    ends = (closing == len(letters) - 1) | (after == separator) | (after == LINE_FEED) | (after == RETURN)
    return bool(begins.all() and ends.all())


def _may_hold_header(block: bytes, layout: Layout, *, quoted: bool) -> bool:
    """Whether a block may repeat the header, quoted or not."""
    if not layout.titles:
        return False
    if quoted:
        return max(layout.titles, key=len).encode() in block
    return layout.separator.join(layout.titles).encode() in block


def _with_one_letter(block: bytes, layout: Layout) -> tuple[bytes, bytes]:
    separator = layout.separator.encode()
    return (block, separator) if len(separator) == 1 else (block.replace(separator, UNIT), UNIT)
