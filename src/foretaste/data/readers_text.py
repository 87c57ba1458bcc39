"""Text of any encoding and separator to rows: what a CSV file, or one of its many cousins, says."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.readers_common import ROW, Table
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "::": "double colon", " ": "space"}
CHUNK = 50_000  # records turned into columns at once, so that Python's strings never pile up
SAMPLE = 50  # lines looked at to find the separator and the header
ROLE_WORDS = re.compile(r"user|item|product|customer|movie|rating|time|date|(^|\W|_)id($|\W|_)|[a-z]Id$", re.IGNORECASE)
_BOMS = {  # the longer marks first: the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b"))


def decoded(path: Path, raw: bytes) -> tuple[str, str]:
    """Text and the name of its encoding.

    UTF-16 and UTF-32 by their marks or their zeros, UTF-8, else Windows-1252 and Latin-1, which read anything. A file
    of UTF-8 in which a few bytes are not keeps every other letter; the stray bytes are read as Windows-1252.
    """
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace"), encoding.upper()
    head = raw[:4096]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(zeros) > 1 and zeros.count(0) > 0.4 * len(zeros):
            return raw.decode(encoding, errors="replace"), encoding.upper()
    if len(head.translate(None, _CONTROL)) < 0.95 * len(head):
        what = "a spreadsheet or a ZIP archive" if raw.startswith(b"PK") else "not text"
        raise DataError(f"{path} is {what}; save the table as CSV, JSON lines or Parquet and give that file.")
    try:
        return raw.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        pass
    text = raw.decode("utf-8-sig", errors="surrogateescape")
    stray = len(re.findall(r"[\udc80-\udcff]", text))
    if len(re.findall(r"[^\x00-\x7f]", text)) - stray > stray:
        mended = re.sub(r"[\udc80-\udcff]", lambda found: _western(bytes([ord(found[0]) - 0xDC00])), text)
        return mended, f"UTF-8 but for {stray:,} stray bytes, read as Windows-1252"
    try:
        return raw.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "Latin-1"


def _western(byte: bytes) -> str:
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:
        return byte.decode("latin-1")


def delimited(path: Path, text: str, encoding: str) -> Table:
    """Rows as the header cuts them; what cannot be cut so is broken, and kept beside."""
    first = 1
    if stated := re.match(r"sep=(.)\r?\n", text):  # spreadsheets write this line for themselves
        separator, text, first = stated[1], text[stated.end() :], 2
    else:
        separator = _separator(text)
    table = _records(path, text, separator, first, quoted=True)
    if any(line[3].count("\n") > 20 for line in table.broken):
        # A quote that is never closed has swallowed the rest; here a quote is just a character.
        table = _records(path, text, separator, first, quoted=False)
    name = SEPARATORS.get(separator, f"'{separator}'")
    return Table(table.frame, table.broken, f"{name}-separated, {encoding}{table.format}")


def _rows(text: str, separator: str, *, quoted: bool) -> Iterator[list[str]]:
    if separator == "::":
        return (line.split("::") for line in text.splitlines())
    csv.field_size_limit(1 << 30)
    stream = io.StringIO(text, newline="")
    if quoted:
        return csv.reader(stream, delimiter=separator)
    return csv.reader(stream, delimiter=separator, quoting=csv.QUOTE_NONE)


def _records(path: Path, text: str, separator: str, first: int, *, quoted: bool) -> Table:
    head = [row for row in islice(_rows(text, separator, quoted=quoted), SAMPLE) if row]
    if not head:
        raise DataError(f"{path} is empty.")
    rows = _rows(text, separator, quoted=quoted)
    bare = _without_header(head)
    titles = [] if bare else head[0]
    header = [f"column_{n + 1}" for n in range(len(head[0]))] if bare else _header(titles)
    frames, broken = [], []
    number, begun = first - 1, bare
    while chunk := list(islice(rows, CHUNK)):
        good, at = [], []
        for row in chunk:
            number += 1
            if not row:
                continue
            if not begun:
                begun = True  # this is the header
            elif row == titles:
                broken.append((path.name, number, "the header once more", separator.join(row)))
            elif len(row) == len(header):
                good.append(row)
                at.append(number)
            else:
                said = f"{len(row)} fields where the header has {len(header)}"
                broken.append((path.name, number, said, separator.join(row)))
        columns = zip(*good, strict=True) if good else ([] for _ in header)
        frame = pl.DataFrame(
            {name: pl.Series(values, dtype=pl.String) for name, values in zip(header, columns, strict=True)}
        )
        frames.append(frame.with_columns(pl.Series(ROW, at, dtype=pl.UInt32)))
    return Table(pl.concat(frames), broken, ", without a header" if bare else "")


def _without_header(head: list[list[str]]) -> bool:
    """Whether the first row is already an event: it holds a number, or a value that its column repeats.

    A word like 'user' in it settles the question: files glued together repeat their header too.
    """
    first, rest = head[0], [row for row in head[1:] if len(row) == len(head[0]) and row != head[0]]
    if any(ROLE_WORDS.search(name) for name in first) or len(first) < 2 or not rest:
        return False
    if [name for name in first if name] == [str(n) for n in range(sum(map(bool, first)))]:
        return False  # 0, 1, 2: columns a data frame numbered because nobody named them
    if any(_is_number(name) for name in first):
        return True
    return any(name.strip() and any(row[n] == name for row in rest) for n, name in enumerate(first))


def _is_number(name: str) -> bool:
    return bool(re.fullmatch(r"\s*[+-]?\d+([.,]\d+)?\s*", name))


def _header(names: list[str]) -> list[str]:
    """Names without stray spaces; the empty and the repeated get a number."""
    seen: Counter[str] = Counter()
    found = []
    for position, name in enumerate(names, start=1):
        name = name.strip() or f"column_{position}"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def _separator(text: str) -> str:
    """The one that cuts the first lines into most fields of equal number; a space only where no other cuts at all."""
    lines = "".join(line for line in islice(io.StringIO(text, newline=None), SAMPLE) if line.strip())

    def agreement(separator: str) -> tuple[float, int]:
        counts = Counter(len(row) for row in _rows(lines, separator, quoted=True))
        fields, often = counts.most_common(1)[0] if counts else (1, 0)
        return (often / counts.total() if fields > 1 else 0.0, fields)

    *usual, space = SEPARATORS
    best = max(usual, key=agreement)
    return best if agreement(best)[0] or agreement(space)[0] < 0.9 else space
