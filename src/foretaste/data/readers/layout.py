"""Detects the layout of a delimited text file: its separator, its header, and whether it uses quotes."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "::": "double colon", " ": "space"}
SAMPLE = 50  # lines looked at to find the separator and the header
ROLE_WORDS = re.compile(
    r"user|item|product|customer|movie|rating|time|date|source|target|head|tail|relation|query|"
    r"(^|\W|_)id($|\W|_)|[a-z]Id$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Layout:
    """The layout of a delimited text file.

    separator : one character, or '::'
    stated    : length in bytes of a first line that states the separator ('sep=;', as in spreadsheets); 0 for none
    titles    : the fields of the header line, empty where the file has none
    header    : names of the columns, all different
    quoted    : whether a quote begins a field that may hold separators and line ends
    """

    separator: str
    stated: int
    titles: tuple[str, ...]
    header: tuple[str, ...]
    quoted: bool

    def said(self, encoding: str) -> str:
        name = SEPARATORS.get(self.separator, f"'{self.separator}'")
        return f"{name}-separated, {encoding}" + ("" if self.titles else ", without a header")


def layout_of(text: str) -> Layout | None:
    """The layout of a file that begins with this text; None where there is no row in it."""
    stated = re.match(r"sep=(.)\r?\n", text)
    text = text[stated.end() :] if stated else text
    separator = stated[1] if stated else _separator(text)
    head = [row for row in islice(rows(io.StringIO(text, newline=""), separator, quoted=True), SAMPLE) if row]
    if not head:
        return None
    bare = _without_header(head)
    return Layout(
        separator,
        len(stated[0].encode()) if stated else 0,
        () if bare else tuple(head[0]),
        tuple(f"column_{n + 1}" for n in range(len(head[0]))) if bare else tuple(_header(head[0])),
        quoted=separator != "::",
    )


def rows(lines: Iterable[str], separator: str, *, quoted: bool) -> Iterator[list[str]]:
    """The fields of each record, [] for an empty line; lines keep their ends."""
    if separator == "::":
        return (line.split("::") if line else [] for line in (line.rstrip("\r\n") for line in lines))
    csv.field_size_limit(1 << 30)
    if quoted:
        return csv.reader(lines, delimiter=separator)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)


def _without_header(head: list[list[str]]) -> bool:
    """Whether the first row is already an event: it holds a number, or a value that its column repeats.

    A word like 'user' in it settles the question: files glued together repeat their header too.
    """
    first, rest = head[0], [row for row in head[1:] if len(row) == len(head[0]) and row != head[0]]
    if any(ROLE_WORDS.search(name) for name in first) or len(first) < 2 or not rest:
        return False
    if [name for name in first if name] == [str(n) for n in range(sum(map(bool, first)))]:
        return False  # 0, 1, 2: the column numbers of a data frame without names
    if any(_is_number(name) for name in first):
        return True
    return any(name.strip() and any(row[n] == name for row in rest) for n, name in enumerate(first))


def _is_number(name: str) -> bool:
    return bool(re.fullmatch(r"\s*[+-]?\d+([.,]\d+)?\s*", name))


def _header(names: list[str]) -> list[str]:
    """Names without surrounding spaces; empty and repeated ones get a number."""
    seen: Counter[str] = Counter()
    found = []
    for position, name in enumerate(names, start=1):
        name = name.strip() or f"column_{position}"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def _separator(text: str) -> str:
    """The separator that splits the first lines into most fields of equal number; a space only if no other does."""
    lines = [line for line in islice(io.StringIO(text, newline=""), SAMPLE) if line.strip()]

    def agreement(separator: str) -> tuple[float, int]:
        counts = Counter(len(row) for row in rows(lines, separator, quoted=True))
        fields, often = counts.most_common(1)[0] if counts else (1, 0)
        return (often / counts.total() if fields > 1 else 0.0, fields)

    *usual, space = SEPARATORS
    best = max(usual, key=agreement)
    return best if agreement(best)[0] or agreement(space)[0] < 0.9 else space
